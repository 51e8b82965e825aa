/** From a commit to its plan: cold, unchanged, and with one file changed. Run in a process of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLooker, type RecordedEnvironment } from "../../src/controller/look.ts";
import { openProviders } from "../../src/controller/provider-sources.ts";
import { openMirror } from "../../src/source/mirror.ts";
import type { Recorded } from "../../src/model/resource.ts";
import type { Desired } from "../../src/model/resource.ts";
import { median, timed, type Figure } from "./measure.ts";
import { generateRepository, spec, specPath, specs } from "./repository.ts";

export async function planCost(count: number, home: string): Promise<Figure[]> {
  const signal = new AbortController().signal;
  const origin = await generateRepository(specs(count));
  const folder = await mkdtemp(join(tmpdir(), "innominatus-bench-mirror-"));
  const { catalogOf } = await openProviders(
    [{ kind: "folder", path: join(home, "providers"), layer: "shipped" }],
    signal,
  );
  const mirror = await openMirror({ url: origin.url, directory: join(folder, "mirror") }, signal);
  try {
    const scope = { repository: "bench", environment: "default" };
    const head = async (): Promise<string> => (await mirror.resolve("main")) ?? "";
    const looker = createLooker(scope, catalogOf);
    const commit = await head();
    const cold = await timed(() => looker.look(mirror, commit, nothing, signal));
    const rss = process.memoryUsage.rss() / 2 ** 20;
    const recorded = recordOf(cold.value.input.desired, commit);
    await looker.look(mirror, commit, recorded, signal);

    const unchanged: number[] = [];
    const changed: number[] = [];
    for (let round = 0; round < 7; round++) {
      const current = await head();
      unchanged.push((await timed(() => looker.look(mirror, current, recorded, signal))).ms);
      const index = (round * 37) % count;
      await origin.commit(new Map([[specPath(index), spec(index, "medium")]]), "Change one");
      await mirror.fetch(signal);
      const next = await head();
      changed.push((await timed(() => looker.look(mirror, next, recorded, signal))).ms);
    }
    const large = count === 10_000;
    return [
      figure(`${count} specs: cold snapshot to plan`, cold.ms, "ms", large ? "≤ 3000" : undefined),
      figure(
        `${count} specs: peak memory`,
        Math.max(rss, process.memoryUsage.rss() / 2 ** 20),
        "MB",
        large ? "≤ 500" : undefined,
      ),
      figure(`${count} specs: same commit, look again`, median(unchanged), "ms", undefined),
      figure(
        `${count} specs: one file changed, to plan`,
        median(changed),
        "ms",
        large ? "≤ 50" : undefined,
      ),
    ];
  } finally {
    await mirror.close();
    await origin.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

const figure = (name: string, value: number, unit: string, target: string | undefined): Figure =>
  target === undefined ? { name, value, unit } : { name, value, unit, target };

const nothing: RecordedEnvironment = {
  environment: { appliedCommit: null, baseCommit: null, settings: null },
  resources: new Map(),
  workloads: [],
  recentDeletions: new Set(),
  approved: new Set(),
  now: "2026-01-01T00:00:00.000Z",
};

const recordOf = (desired: readonly Desired[], commit: string): RecordedEnvironment => ({
  ...nothing,
  environment: { appliedCommit: commit, baseCommit: null, settings: null },
  resources: new Map(desired.map((it) => [it.uid, active(it, commit)])),
  workloads: desired.map((it) => ({ identity: it.identity, file: it.place.file })),
});

const active = (it: Desired, commit: string): Recorded => ({
  ...it,
  phase: "active",
  gate: null,
  touched: true,
  outputs: { host: "db.internal" },
  secretRefs: {},
  revision: 1,
  wanted: true,
  removal: null,
  deleteAfter: null,
  commit,
  since: "2026-01-01T00:00:00.000Z",
  reason: "",
  message: "",
  attempted: null,
  failures: 0,
  nextAttemptAt: null,
  stalled: false,
  operation: "create",
  run: "run",
});
