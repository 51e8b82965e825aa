/** Resources and runs put straight into a database, for tests of what happens to them then. */
import type { Claim, RunOperation } from "../../src/model/run.ts";
import { partsOf, type Scope, type Uid } from "../../src/model/uid.ts";
import type { Bundle } from "../../src/model/workflow.ts";
import { putBundles } from "../../src/store/bundles.ts";
import { claimRuns, type ClaimOptions } from "../../src/store/claims.ts";
import type { Database } from "../../src/store/database.ts";
import { saveWishes } from "../../src/store/resources.ts";
import { enqueueRuns, listRuns, type QueuedRun } from "../../src/store/runs.ts";

export const testScope: Scope = { repository: "origin", environment: "default" };

export const testBundle: Bundle = {
  hash: "bundle-1",
  provider: "team",
  version: "1.0.0",
  source: "test",
  type: "thing",
  stateful: false,
  workflows: {},
};

export const uidOf = (name: string): Uid => `thing.default#${name}`;

export interface Enqueued {
  readonly operation?: RunOperation;
  readonly hash?: string;
  readonly provider?: string;
  readonly dependsOn?: readonly Uid[];
  readonly target?: string;
  readonly declared?: boolean;
  readonly timeoutMs?: number;
  readonly seen?: QueuedRun["seen"];
  /** Runs of one call are made at once; those of a later one come after them. */
  readonly scope?: Scope;
}

export const queuedRun = (uid: Uid, more: Enqueued = {}): QueuedRun => ({
  uid,
  operation: "create",
  workflow: "create-thing",
  provider: "team",
  bundle: testBundle.hash,
  commit: "c1",
  plan: "plan-1",
  hash: "hash-1",
  desired: { params: {}, template: {}, dependsOn: [] },
  dependsOn: [],
  target: `origin/default/${uid}`,
  seen: { revision: 0, run: null },
  ...more,
});

/** Records that git wants these, as a plan does. */
export async function wish(
  db: Database,
  uids: readonly Uid[],
  scope: Scope = testScope,
): Promise<void> {
  await db.transaction(async (tx) => {
    await putBundles(tx, [testBundle]);
    const wishes = uids.map((uid) => ({
      uid,
      ...partsOf(uid),
      workload: "shop",
      identity: "shop",
      name: partsOf(uid).id,
      gate: null,
      params: {},
      template: {},
      dependsOn: [],
      bundle: testBundle.hash,
      wanted: true,
      removal: null,
      graceMs: 0,
      protected: false,
      commit: "c1",
      place: { file: "score.yaml", line: 1, column: 1 },
    }));
    await saveWishes(tx, scope, wishes);
  });
}

/** @returns how many were queued */
export async function enqueue(db: Database, uid: Uid, more: Enqueued = {}): Promise<number> {
  const { scope = testScope, ...run } = more;
  const queued = await db.transaction((tx) =>
    enqueueRuns(tx, scope, [queuedRun(uid, run)], Date.now()),
  );
  return queued.length;
}

export const claimOptions = (holder: string, more: Partial<ClaimOptions> = {}): ClaimOptions => ({
  holder,
  leaseMs: 60_000,
  perProvider: 4,
  runTimeoutMs: 86_400_000,
  cooldowns: { resourcesMs: 0, targetsMs: 300_000, byTargetMs: {} },
  nowMs: Date.now(),
  atMost: 1,
  ...more,
});

/** One run, or none. */
export async function claimRun(db: Database, options: ClaimOptions): Promise<Claim | undefined> {
  const [claim] = await claimRuns(db, options);
  return claim;
}

/** Claims what is there, or fails the test. */
export async function claimed(
  db: Database,
  holder = "worker",
  more: Partial<ClaimOptions> = {},
): Promise<Claim> {
  const claim = await claimRun(db, claimOptions(holder, more));
  if (claim === undefined) throw new Error("there was nothing to claim");
  return claim;
}

/** States of a resource's runs, oldest first. */
export async function statesOf(db: Database, uid: Uid): Promise<readonly string[]> {
  const runs = await listRuns(db, testScope, { uid, limit: 100 });
  return runs.map((it) => it.state).toReversed();
}

/** Empties what tests fill. */
export async function emptyTables(db: Database): Promise<void> {
  await db.query(
    "truncate steps, step_logs, runs, locks, backoffs, provider_slots, events, resources",
  );
}
