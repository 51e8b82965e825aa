/** The process around a command: its clock, its signals, its exit code. The only place that has them. */
import { CommanderError, type Command } from "commander";
import { systemClock } from "./clock.ts";
import { painterOf, type CommandContext, type Terminal } from "./context.ts";
import { CommandError, failureText } from "./output/failure.ts";

const usageExit = 2;
/** 128 and the signal's number, as shells have it. */
const signalExits = { SIGINT: 130, SIGTERM: 143 } as const;

/** Somebody asked the process to stop before its command was done. */
class StoppedError extends Error {
  override readonly name = "StoppedError";
  readonly exitCode: number;

  constructor(signal: keyof typeof signalExits) {
    super(`stopped by ${signal}`);
    this.exitCode = signalExits[signal];
  }
}

export type ProgramOf = (context: CommandContext, onExit: (code: number) => void) => Command;

export async function runProcess(createProgram: ProgramOf): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stop.abort(new StoppedError(signal));
      // A second signal does not wait for a safe point: the journal says where to go on.
      process.once(signal, () => process.exit(signalExits[signal]));
    });
  }
  const context: CommandContext = {
    env: process.env,
    cwd: process.cwd(),
    stdout: terminal(process.stdout),
    stderr: terminal(process.stderr),
    clock: systemClock,
    random: Math.random,
    stop: stop.signal,
  };
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
  });
  process.exitCode = await runProgram(createProgram, context, process.argv.slice(2));
}

/** @param words of the command line, without the program's own name @returns the exit code */
export async function runProgram(
  createProgram: ProgramOf,
  context: CommandContext,
  words: readonly string[],
): Promise<number> {
  let code = 0;
  const program = createProgram(context, (given) => {
    code = given;
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (error) {
    // Whatever was thrown on the way out, it was thrown because of the signal.
    const reason: unknown = context.stop.reason;
    if (reason instanceof StoppedError) {
      context.stderr.write(`${reason.message}\n`);
      return reason.exitCode;
    }
    if (!(error instanceof CommanderError)) {
      const debug = (context.env["INNOMINATUS_DEBUG"] ?? "") !== "";
      context.stderr.write(failureText(error, { paint: painterOf(context), debug }));
    }
    return exitCodeOf(error);
  }
}

/** Help and version are no mistakes; commander has said the rest by itself. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (!(error instanceof CommanderError)) return 1;
  return error.exitCode === 0 ? 0 : usageExit;
}

const terminal = (stream: NodeJS.WriteStream): Terminal => ({
  isTTY: stream.isTTY === true,
  // A terminal without a size says 0.
  columns: stream.columns > 0 ? stream.columns : undefined,
  write: (text) => void stream.write(text),
});
