/** A run of given steps, queued straight into a database. */
import { randomUUID } from "node:crypto";
import type { Uid } from "../../src/model/uid.ts";
import type { Bundle, WorkflowStep } from "../../src/model/workflow.ts";
import { putBundles } from "../../src/store/bundles.ts";
import type { Database } from "../../src/store/database.ts";
import { enqueueRuns } from "../../src/store/runs.ts";
import { queuedRun, testBundle, testScope, wish } from "./runs.ts";

export type GivenStep = Pick<WorkflowStep, "name" | "type"> & Partial<WorkflowStep>;

export async function enqueueSteps(
  db: Database,
  uid: Uid,
  given: readonly GivenStep[],
): Promise<void> {
  const steps = given.map((it) => ({
    config: {},
    timeoutMs: 60_000,
    retries: 3,
    retrySafe: true,
    ...it,
  }));
  const create = { name: "create-thing", parameters: [], steps, outputs: {} };
  const bundle: Bundle = { ...testBundle, hash: randomUUID(), workflows: { create } };
  await wish(db, [uid]);
  await db.transaction(async (tx) => {
    await putBundles(tx, [bundle]);
    const run = { ...queuedRun(uid), bundle: bundle.hash };
    await enqueueRuns(tx, testScope, [run], Date.now());
  });
}
