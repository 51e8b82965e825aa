/**
 * Runs a program of somebody else's so that nothing of it is left: not when it ends, not when it is
 * stopped, and not when this process is killed. POSIX; on Linux and macOS.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { Writable } from "node:stream";
import type { Clock } from "../model/clock.ts";
import { PermanentError } from "./step-type.ts";

export interface ProcessRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** It is killed when this process gives no sign of life for so long: paused, say. `undefined`: it is not. */
  readonly lifelineMs?: number | undefined;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** One of the two is `null`. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

const killAfterMs = 2_000;
const pollMs = 50;

/**
 * Stands beside the program in its process group and kills the group when fd 3 closes, which is when
 * this process has died, or when nothing comes through it for too long, as it does when this process
 * is paused: a worker that takes the run over must not find the old attempt still at work.
 */
const guard = (lifelineMs: number | undefined): string => {
  const within = lifelineMs === undefined ? "" : `-t ${lifelineMs / 1_000}`;
  return `( trap '' HUP INT; exec </dev/null >/dev/null 2>&1; while read -r ${within} -u 3; do :; done; kill -KILL 0 ) & exec 3<&-; exec "$0" "$@"`;
};

/** What to spawn, with `standalone`, for `command` to live no longer than its parent. */
export const guarded = (
  command: string,
  args: readonly string[],
  lifelineMs?: number,
): [string, string[]] => ["bash", ["-c", guard(lifelineMs), command, ...args]];

export const standalone: { detached: true; stdio: ["ignore", "pipe", "pipe", "pipe"] } = {
  detached: true,
  stdio: ["ignore", "pipe", "pipe", "pipe"],
};

/**
 * Runs it in a process group of its own, without input. On abort the group gets SIGTERM and, 2 s
 * later, SIGKILL; children that outlive the program are killed when it ends. (A child that makes
 * itself a session of its own escapes both.)
 *
 * @throws the signal's reason, once nothing runs any more
 * @throws {PermanentError} it cannot be started
 */
export async function runProcess(
  request: ProcessRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProcessEnd> {
  signal.throwIfAborted();
  const child = start(request);
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const exited = new Promise<ProcessEnd>((resolve, reject) => {
    child.once("error", (error) => reject(cannotStart(error)));
    child.once("exit", (code, name) => resolve({ code, signal: name }));
  });
  child.stdout?.setEncoding("utf8").on("data", request.stdout);
  child.stderr?.setEncoding("utf8").on("data", request.stderr);

  const group = child.pid;
  if (group === undefined) return exited; // rejects: it never started
  const over = new AbortController();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped = stopGroup(group, clock, over.signal);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (request.lifelineMs !== undefined)
    void keepAlive(child, request.lifelineMs, clock, over.signal);
  try {
    const end = await exited;
    signal.removeEventListener("abort", stop);
    await stopped;
    send(group, "SIGKILL");
    // Whoever escaped the group may hold the pipes open for ever.
    await Promise.race([closed, rest(clock, killAfterMs, over.signal)]);
    if (stopped !== undefined) signal.throwIfAborted();
    return end;
  } finally {
    over.abort();
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Tells the guard now and then that this process is there. */
async function keepAlive(
  child: ChildProcess,
  lifelineMs: number,
  clock: Clock,
  over: AbortSignal,
): Promise<void> {
  const line = child.stdio[3];
  if (!(line instanceof Writable)) return;
  line.on("error", () => undefined); // the guard has gone, and the program with it
  while (!over.aborted) {
    line.write("\n");
    await rest(clock, lifelineMs / 4, over);
  }
}

function start({ command, args, cwd, env, lifelineMs }: ProcessRequest): ChildProcess {
  try {
    return spawn(...guarded(command, args, lifelineMs), { cwd, env, ...standalone });
  } catch (error) {
    throw cannotStart(error);
  }
}

/** SIGTERM, time to end well, SIGKILL. */
async function stopGroup(group: number, clock: Clock, over: AbortSignal): Promise<void> {
  send(group, "SIGTERM");
  for (let waitedMs = 0; waitedMs < killAfterMs && send(group, 0); waitedMs += pollMs) {
    await rest(clock, pollMs, over);
  }
  send(group, "SIGKILL");
}

/** Whether there was a process left in the group to send it to. */
function send(group: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false; // ESRCH: all are gone
  }
}

const rest = (clock: Clock, ms: number, over: AbortSignal): Promise<void> =>
  clock.sleep(ms, over).catch(() => undefined);

/** Never the error's own text: for a bad argument Node quotes it, and it may be a secret. */
function cannotStart(error: unknown): PermanentError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  const why: Readonly<Record<string, string>> = {
    ENOENT: "bash is not in PATH, or the working folder is gone",
    E2BIG: "its parameters are larger than the system passes to a program",
  };
  return new PermanentError(`starting the script: ${why[code] ?? code}`);
}
