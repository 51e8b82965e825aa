/** The command line inside of a test's process: words in; exit code and both outputs out. */
import type { CommandContext, Terminal } from "../../src/cli/context.ts";
import { runProgram } from "../../src/cli/process.ts";
import { createProgram } from "../../src/cli/program.ts";
import { runningClock } from "./step.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: CommandContext["env"];
  /** Both outputs are terminals of so many columns. */
  readonly columns?: number;
  readonly stop?: AbortSignal;
  /** Told of what is written to standard output, as it comes. */
  readonly onStdout?: (text: string) => void;
}

export async function runCli(words: readonly string[], options: CliOptions = {}): Promise<Ran> {
  const stdout = fakeTerminal(options.columns, options.onStdout);
  const stderr = fakeTerminal(options.columns);
  const code = await runProgram(
    createProgram,
    {
      env: { PATH: process.env["PATH"], ...options.env },
      cwd: options.cwd ?? process.cwd(),
      stdout,
      stderr,
      clock: runningClock,
      random: () => 0.5,
      stop: options.stop ?? new AbortController().signal,
    },
    words,
  );
  return { code, stdout: stdout.written(), stderr: stderr.written() };
}

export function fakeTerminal(
  columns: number | undefined,
  onWrite: (text: string) => void = () => undefined,
): Terminal & { written: () => string } {
  let all = "";
  return {
    isTTY: columns !== undefined,
    columns,
    write: (text) => {
      all += text;
      onWrite(text);
    },
    written: () => all,
  };
}
