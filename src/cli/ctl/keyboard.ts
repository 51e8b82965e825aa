/** The process's standard input: a person's answers, or a pipe. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Keyboard } from "./context.ts";

const mostBytes = 65_536;

export const processKeyboard = (): Keyboard => ({
  isTTY: process.stdin.isTTY === true,
  ask: (question, { hidden }) => ask(question, hidden),
  readAll,
});

function ask(question: string, hidden: boolean): Promise<string> {
  // readline edits the line and switches the terminal's own echo off; what it would echo goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    terminal: process.stdin.isTTY === true,
  });
  if (hidden) process.stderr.write(question);
  return new Promise((resolve, reject) => {
    let answered = false;
    lines.once("SIGINT", () => {
      lines.close();
      process.kill(process.pid, "SIGINT");
    });
    lines.once("close", () => {
      if (!answered) reject(new Error("the input ended before an answer"));
    });
    lines.question(hidden ? "" : question, (answer) => {
      answered = true;
      lines.close();
      if (hidden) process.stderr.write("\n");
      resolve(answer);
    });
  });
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const input: AsyncIterable<Buffer> = process.stdin;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the input is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
