/** Runs per second with one, two and four replicas, each a process, and how long a claim takes. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { claimRuns } from "../../src/store/claims.ts";
import { median, percentile, timed, type Figure } from "./measure.ts";
import { withQueue } from "./queue.ts";

const perRound = 2_000;

export async function throughput(home: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const replicas of [1, 2, 4]) {
    const value = await runsPerSecond(home, replicas);
    const name = `runs of 4 no-op steps, PostgreSQL, ${replicas} ${replicas === 1 ? "replica" : "replicas"}`;
    figures.push({ name, value, unit: "runs/s", ...(replicas === 1 ? { target: "≥ 200" } : {}) });
  }
  return [...figures, ...(await claimLatency(home))];
}

const runsPerSecond = (home: string, replicas: number): Promise<number> =>
  withQueue(home, { repositories: 1, providers: 1, runs: perRound }, async (url) => {
    const script = fileURLToPath(new URL("./throughput-process.js", import.meta.url));
    const processes = Array.from({ length: replicas }, (_, index) =>
      fork(script, [url, `replica${index}`]),
    );
    try {
      await Promise.all(processes.map((it) => once(it, "message")));
      const { ms } = await timed(() => allDone(processes));
      return (perRound / ms) * 1_000;
    } finally {
      for (const it of processes) it.kill();
    }
  });

/** Each tells of every run that it has ended. */
function allDone(processes: readonly ChildProcess[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    for (const it of processes) {
      it.on("exit", (code) => reject(new Error(`a replica ended with ${code}`)));
      it.on("message", () => {
        done += 1;
        if (done === perRound) resolve();
      });
      it.send("go");
    }
  });
}

const queued = { repositories: 10, providers: 4, runs: 2_500 };
const claims = 400;

const claimLatency = (home: string): Promise<Figure[]> =>
  withQueue(home, queued, async (_, db) => {
    const options = {
      holder: "bench",
      atMost: 1,
      leaseMs: 600_000,
      perProvider: claims,
      runTimeoutMs: 600_000,
      cooldowns: { resourcesMs: 0, targetsMs: 0, byTargetMs: {} },
    };
    const times: number[] = [];
    for (let claim = 0; claim < claims; claim++) {
      const { ms, value } = await timed(() => claimRuns(db, { ...options, nowMs: Date.now() }));
      if (value.length === 0) throw new Error(`nothing to claim after ${claim} claims`);
      times.push(ms);
    }
    const name = `claim of one of ${queued.repositories * queued.providers * queued.runs} queued runs`;
    return [
      { name: `${name}: median`, value: median(times), unit: "ms" },
      { name: `${name}: 95th percentile`, value: percentile(times, 0.95), unit: "ms" },
    ];
  });
