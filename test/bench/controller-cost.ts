/** Of the long-running controller: its start, the way from a push to a run and to status, and idling. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { median, percentile, type Figure } from "./measure.ts";
import { isReady, startController, until } from "./process.ts";
import { generateRepository, spec, specPath, specs, type Generated } from "./repository.ts";

const run = promisify(execFile);

const pushes = 20;

export async function controllerCost(home: string): Promise<Figure[]> {
  const origin = await generateRepository(specs(1));
  const dataDir = join(origin.folder, "data");
  try {
    const first = await startController(home, origin.url, dataDir);
    await until(() => statusSays(origin, "phase: active"));
    await first.stop();

    const starts: number[] = [];
    for (let round = 0; round < 5; round++) {
      const again = await startController(home, origin.url, dataDir);
      starts.push((await until(() => isReady(again.url))) - again.startedAt);
      await again.stop();
    }

    const controller = await startController(home, origin.url, dataDir);
    await until(() => isReady(controller.url));
    const toRun: number[] = [];
    const toStatus: number[] = [];
    for (let round = 0; round < pushes; round++) {
      const size = round % 2 === 0 ? "medium" : "large";
      const before = controller.lines.length;
      await origin.commit(new Map([[specPath(0), spec(0, size)]]), `Size ${round}`);
      const pushedAt = performance.timeOrigin + performance.now();
      const commit = (await run("git", ["-C", origin.url, "rev-parse", "main"])).stdout.trim();
      const publishedAt = await until(() =>
        statusSays(origin, `observedCommit: ${commit}`, "phase: active"),
      );
      const started = controller.lines.slice(before).find((it) => it.msg === "run started");
      if (started !== undefined) toRun.push(started.at - pushedAt);
      toStatus.push(publishedAt - pushedAt);
      await sleep(200);
    }
    await controller.stop();
    return [
      {
        name: "start to ready, database exists",
        value: median(starts),
        unit: "ms",
        target: "≤ 1500",
      },
      {
        name: `push to run started, file watch (median of ${toRun.length})`,
        value: median(toRun),
        unit: "ms",
        target: "≤ 300",
      },
      { name: "the same, 95th percentile", value: percentile(toRun, 0.95), unit: "ms" },
      {
        name: "push to active and published (median)",
        value: median(toStatus),
        unit: "ms",
        target: "≤ 2000",
      },
    ];
  } finally {
    await origin.remove();
  }
}

async function statusSays(origin: Generated, ...texts: readonly string[]): Promise<boolean> {
  try {
    const path = "innominatus/status:default/app0.yaml";
    const { stdout } = await run("git", ["-C", origin.url, "show", path]);
    return texts.every((it) => stdout.includes(it));
  } catch {
    return false;
  }
}
