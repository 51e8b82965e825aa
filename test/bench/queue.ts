/** Runs of four steps that do nothing, queued on a PostgreSQL server of the benchmark's own. */
import { z } from "zod";
import { defineStep } from "../../src/execute/step-type.ts";
import { formatUid } from "../../src/model/uid.ts";
import type { Bundle } from "../../src/model/workflow.ts";
import { putBundles } from "../../src/store/bundles.ts";
import type { Database } from "../../src/store/database.ts";
import { lockEnvironment, registerRepository } from "../../src/store/environments.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { saveWishes, type Wish } from "../../src/store/resources.ts";
import { enqueueRuns, type QueuedRun } from "../../src/store/runs.ts";
import { startPostgres } from "./postgres.ts";

/** What a run costs is asked with a pool like the program's. */
export const openPool = (url: string): Promise<Database> => openPostgres(url, { poolSize: 12 });

export interface QueueShape {
  readonly repositories: number;
  readonly providers: number;
  /** Of each provider in each repository. */
  readonly runs: number;
}

/** Calls `measure` with a database that has such a queue. */
export async function withQueue<T>(
  home: string,
  shape: QueueShape,
  measure: (url: string, db: Database) => Promise<T>,
): Promise<T> {
  const server = await startPostgres();
  const db = await openPool(server.url);
  try {
    await migrate(db, `${home}/migrations`);
    for (let repository = 0; repository < shape.repositories; repository++) {
      await registerRepository(db, `repository${repository}`, `repository${repository}`);
      for (let provider = 0; provider < shape.providers; provider++) {
        await enqueue(db, `repository${repository}`, `provider${provider}`, shape.runs);
      }
    }
    return await measure(server.url, db);
  } finally {
    await db.close();
    await server.stop();
  }
}

async function enqueue(
  db: Database,
  repository: string,
  provider: string,
  count: number,
): Promise<void> {
  const scope = { repository, environment: "default" };
  const bundle = bundleOf(provider);
  const workloads = Array.from({ length: count }, (_, index) => `${provider}-app${index}`);
  await db.transaction(async (tx) => {
    await lockEnvironment(tx, scope, "main");
    await putBundles(tx, [bundle]);
    await saveWishes(
      tx,
      scope,
      workloads.map((it) => wishOf(it, bundle)),
    );
    const runs = workloads.map((it) => runOf(repository, it, bundle));
    await enqueueRuns(tx, scope, runs, Date.now());
  });
}

export const noop = defineStep({
  type: "noop",
  schema: z.strictObject({}),
  contexts: {},
  run: async () => ({ outputs: {}, sensitive: [] }),
});

const steps = ["one", "two", "three", "four"].map((name) => ({
  name,
  type: "noop",
  config: {},
  timeoutMs: 60_000,
  retries: 0,
  retrySafe: true,
}));

const bundleOf = (provider: string): Bundle => ({
  hash: provider,
  provider,
  version: "1.0.0",
  source: "configured: bench",
  type: "thing",
  stateful: false,
  workflows: {
    create: { name: "create", parameters: [], steps, outputs: {} },
  },
});

const wishOf = (workload: string, bundle: Bundle): Wish => ({
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
});

function runOf(repository: string, workload: string, bundle: Bundle): QueuedRun {
  const uid = formatUid("thing", "default", `${workload}.db`);
  return {
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
    target: `${repository}/default/${uid}`,
    seen: { revision: 0, run: null },
  };
}
