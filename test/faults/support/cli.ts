/** The built command line in processes of its own, to be killed, stopped and started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { inject } from "vitest";

let main = "";

/** Builds what the tests start, from the sources as they are; once for all files of a run. */
export async function build(): Promise<void> {
  const response = await fetch(`${inject("testDatabases")}/build`);
  if (!response.ok) throw new Error(await response.text());
  main = await response.text();
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once stderr or stdout holds `text`; rejects when the process ends without. */
  said(text: string): Promise<void>;
  /** The same for a pattern. @returns what it found */
  saying(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** Everything it has said so far. */
  output(): string;
}

export interface Installation {
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  /** Repository to work on. */
  readonly repo: string;
}

/** @param env beside PATH and what makes waits short */
export function start(
  args: readonly string[],
  { dataDir, databaseUrl, repo }: Installation,
  env: Readonly<Record<string, string>> = {},
): Process {
  const child = spawn(process.execPath, [main, ...args, "--repo", repo, "--data-dir", dataDir], {
    cwd: dataDir,
    env: {
      PATH: process.env["PATH"],
      HOME: dataDir,
      LC_ALL: "C",
      INNOMINATUS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
      INNOMINATUS_LEASE: "2s",
      INNOMINATUS_HEARTBEAT: "500ms",
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  const listeners = new Set<() => void>();
  const hear = (): void => listeners.forEach((it) => it());
  child.stdout.setEncoding("utf8").on("data", (text: string) => ((stdout += text), hear()));
  child.stderr.setEncoding("utf8").on("data", (text: string) => ((stderr += text), hear()));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const saying = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout + stderr);
        if (found === null) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
      const missing = () => new Error(`ended without saying ${pattern}:\n${stdout}${stderr}`);
      void ended.then(() => reject(missing()));
    });
  return {
    child,
    ended,
    kill: (signal) => void child.kill(signal),
    output: () => stdout + stderr,
    saying,
    said: async (text) => void (await saying(new RegExp(text))),
  };
}

/** `innominatus sync`, to its end. */
export const sync = (
  installation: Installation,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> => start(["sync", "--timeout", "60s", "-o", "json"], installation, env).ended;
