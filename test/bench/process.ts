/** The controller as its users run it: the built program, in a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./postgres.ts";

export interface Controller {
  readonly url: string;
  readonly startedAt: number;
  /** Log lines so far. */
  readonly lines: readonly LogLine[];
  cpuMs(): Promise<number>;
  rssMb(): Promise<number>;
  stop(): Promise<void>;
}

export interface LogLine {
  readonly msg: string;
  readonly at: number;
}

export async function startController(
  home: string,
  repository: string,
  dataDir: string,
  more: { readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Controller> {
  const port = await freePort();
  const startedAt = performance.timeOrigin + performance.now();
  const program = join(home, "dist/cli/main.js");
  const options = ["--repo", repository, "--data-dir", dataDir, "--port", String(port)];
  const child = spawn(process.execPath, [program, ...options, ...(more.args ?? [])], {
    env: { ...process.env, ...more.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines = collect(child);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    startedAt,
    lines,
    async cpuMs() {
      const fields = (await proc(child, "stat")).split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    async rssMb() {
      return Number(/VmRSS:\s+(\d+)/.exec(await proc(child, "status"))?.[1]) / 1024;
    },
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

/** Times by the log's own clock, which is this machine's. */
function collect(child: ChildProcess): readonly LogLine[] {
  const lines: LogLine[] = [];
  if (child.stderr === null) return lines;
  createInterface({ input: child.stderr }).on("line", (line) => {
    const found = /"time":"([^"]+)".*"msg":"([^"]+)"/.exec(line);
    if (found !== null) lines.push({ at: Date.parse(found[1] ?? ""), msg: found[2] ?? "" });
  });
  return lines;
}

const proc = (child: ChildProcess, name: string): Promise<string> =>
  readFile(`/proc/${child.pid}/${name}`, "utf8");

/** @returns milliseconds since the epoch, when `is` was true first */
export async function until(
  is: () => Promise<boolean> | boolean,
  limitMs = 60_000,
): Promise<number> {
  const late = Date.now() + limitMs;
  while (Date.now() < late) {
    if (await is()) return performance.timeOrigin + performance.now();
    await sleep(4);
  }
  throw new Error("it did not come to be in time");
}

export const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
};
