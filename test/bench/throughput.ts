/** Runs per second: four steps that do nothing, on PostgreSQL, one process. */
import { z } from "zod";
import { dispatch } from "../../src/controller/dispatcher.ts";
import { createHints } from "../../src/controller/hints.ts";
import { servicesOn } from "../support/services.ts";
import { defineStep } from "../../src/execute/step-type.ts";
import { putBundles } from "../../src/store/bundles.ts";
import { lockEnvironment, registerRepository } from "../../src/store/environments.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { saveWishes, type Wish } from "../../src/store/resources.ts";
import { enqueueRuns, type QueuedRun } from "../../src/store/runs.ts";
import type { Bundle } from "../../src/model/workflow.ts";
import { formatUid } from "../../src/model/uid.ts";
import { timed, type Figure } from "./measure.ts";
import { startPostgres } from "./postgres.ts";

const count = 2_000;
const limits = { workers: 10, workersPerProvider: 10 };
const scope = { repository: "bench", environment: "default" };

export async function throughput(home: string): Promise<Figure[]> {
  const server = await startPostgres();
  const db = await openPostgres(server.url, { poolSize: 12 });
  try {
    await migrate(db, `${home}/migrations`);
    await registerRepository(db, scope.repository, "bench");
    await db.transaction(async (tx) => {
      await lockEnvironment(tx, scope, "main");
      await putBundles(tx, [bundle]);
      await saveWishes(tx, scope, wishes);
      await enqueueRuns(tx, scope, runs, Date.now());
    });
    const done = new AbortController();
    let ended = 0;
    const { ms } = await timed(() =>
      dispatch(servicesOn(db, { limits, executors: [noop] }), {
        hints: createHints(),
        drain: done.signal,
        onWorking: () => undefined,
        onWorked: (outcome) => {
          if (outcome === "done") ended += 1;
          if (ended === count) done.abort();
        },
      }),
    );
    return [
      {
        name: `${count} runs of 4 no-op steps, PostgreSQL`,
        value: (count / ms) * 1_000,
        unit: "runs/s",
        target: "≥ 200",
      },
    ];
  } finally {
    await db.close();
    await server.stop();
  }
}

const steps = ["one", "two", "three", "four"].map((name) => ({
  name,
  type: "noop",
  config: {},
  timeoutMs: 60_000,
  retries: 0,
  retrySafe: true,
}));

const bundle: Bundle = {
  hash: "bench",
  provider: "bench",
  version: "1.0.0",
  source: "configured: bench",
  type: "thing",
  stateful: false,
  workflows: {
    create: { name: "create", parameters: [], steps, outputs: {} },
  },
};

const wishes = Array.from({ length: count }, (_, index): Wish => {
  const workload = `app${index}`;
  return {
    uid: formatUid("thing", "default", `${workload}.db`),
    workload,
    identity: workload,
    name: "db",
    type: "thing",
    class: "default",
    gate: null,
    params: {},
    template: {},
    dependsOn: [],
    bundle: bundle.hash,
    wanted: true,
    removal: null,
    graceMs: 0,
    protected: false,
    commit: "c",
    place: { file: "x.yaml", line: 1, column: 1 },
  };
});

const runs = wishes.map(({ uid }): QueuedRun => ({
  uid,
  operation: "create",
  workflow: "create",
  provider: bundle.provider,
  bundle: bundle.hash,
  commit: "c",
  plan: "p",
  hash: uid,
  desired: { params: {}, template: {}, dependsOn: [] },
  dependsOn: [],
  target: `bench/default/${uid}`,
  seen: { revision: 0, run: null },
}));

const noop = defineStep({
  type: "noop",
  schema: z.strictObject({}),
  contexts: {},
  run: async () => ({ outputs: {}, sensitive: [] }),
});
