/** innominatus-ctl inside of a test's process, and a server whose answers the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import type { CommandContext } from "../../src/cli/context.ts";
import type { Keyboard } from "../../src/cli/ctl/context.ts";
import { createCtl } from "../../src/cli/ctl/program.ts";
import { runProgram } from "../../src/cli/process.ts";
import { fakeTerminal, type CliOptions, type Ran } from "./cli.ts";
import { runningClock } from "./step.ts";

export interface CtlOptions extends CliOptions {
  /** What is typed, one answer a question; a pipe where there is none. */
  readonly typed?: readonly string[];
  readonly piped?: string;
  readonly clock?: CommandContext["clock"];
}

export interface CtlRan extends Ran {
  /** What was asked, and whether its answer was hidden. */
  readonly asked: readonly { readonly question: string; readonly hidden: boolean }[];
}

export async function runCtl(words: readonly string[], options: CtlOptions = {}): Promise<CtlRan> {
  const [stdout, stderr] = [fakeTerminal(options.columns), fakeTerminal(options.columns)];
  const asked: { question: string; hidden: boolean }[] = [];
  const answers = [...(options.typed ?? [])];
  const stdin: Keyboard = {
    isTTY: options.typed !== undefined,
    async ask(question, { hidden }) {
      asked.push({ question, hidden });
      const answer = answers.shift();
      if (answer === undefined) throw new Error("the input ended before an answer");
      return Promise.resolve(answer);
    },
    readAll: () => Promise.resolve(options.piped ?? ""),
  };
  const context = {
    env: { PATH: process.env["PATH"], ...options.env },
    cwd: options.cwd ?? process.cwd(),
    stdout,
    stderr,
    stdin,
    fetch,
    clock: options.clock ?? runningClock,
    random: () => 0.5,
    stop: options.stop ?? new AbortController().signal,
  };
  const code = await runProgram((_, onExit) => createCtl(context, onExit), context, words);
  return { code, stdout: stdout.written(), stderr: stderr.written(), asked };
}

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Canned {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON; `cut` ends the connection in its midst. */
  readonly body?: unknown;
  readonly cut?: boolean;
}

export interface CannedServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/** @param answers by `METHOD /path`, without the query; a function is asked each time; others are a bare 404 */
export async function cannedServer(
  answers: Readonly<Record<string, Canned | ((asked: Asked) => Canned)>>,
): Promise<CannedServer> {
  const asked: Asked[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    const body: AsyncIterable<Buffer> = request;
    for await (const chunk of body) chunks.push(chunk);
    const { method = "", url: path = "", headers } = request;
    const it = { method, path, headers, body: Buffer.concat(chunks).toString() };
    asked.push(it);
    const found = answers[`${method} ${path.split("?")[0]}`];
    const canned = typeof found === "function" ? found(it) : found;
    const {
      status = canned === undefined ? 404 : 200,
      headers: own = {},
      body: text,
    } = canned ?? {};
    response.writeHead(status, own);
    const payload = typeof text === "string" ? text : JSON.stringify(text ?? {});
    if (canned?.cut === true) response.write(payload, () => response.destroy());
    else response.end(canned === undefined ? "not found\n" : payload);
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
