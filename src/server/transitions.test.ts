import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Claim } from "../model/run.ts";
import { claimed, emptyTables, enqueue, testScope, uidOf, wish } from "../../test/support/runs.ts";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import { fenced } from "../store/claims.ts";
import { tellCommitted } from "../store/committed.ts";
import type { Database, Queryable } from "../store/database.ts";
import { appendEvents } from "../store/events.ts";
import { recordActive, recordFailed } from "../store/outcomes.ts";
import { listRuns } from "../store/runs.ts";
import { startStep } from "../store/steps.ts";
import { countQueries } from "./counted-database.ts";
import { Metrics } from "./metrics.ts";
import { countEvents } from "./transitions.ts";

const start = new Date("2026-01-01T00:00:00Z");
const uid = uidOf("db");

describe.each(databases())("metrics of what is committed to %s", (kind) => {
  let plain: Database;
  let db: Database;
  let metrics: Metrics;
  beforeAll(async () => {
    plain = await openTestDatabase(kind);
  });
  afterAll(() => plain.close());
  beforeEach(async () => {
    await emptyTables(plain);
    await setStoreTime(plain, start);
    metrics = new Metrics({ version: "1", now: () => start });
    const counted = countQueries(plain, (isError) => metrics.queried(isError));
    db = tellCommitted(counted, (events) => countEvents(metrics, events));
  });

  const told = async (): Promise<string> => metrics.render(undefined);
  const tell = (tx: Queryable, type: string, claim?: Claim, data = {}) => {
    const run = claim === undefined ? {} : { run: claim.run };
    return appendEvents(tx, [{ ...testScope, type, actor: "innominatus", uid, ...run, data }], 0);
  };
  const startRun = async (waitMs = 0): Promise<Claim> => {
    await wish(plain, [uid]);
    await enqueue(plain, uid);
    await advanceStoreTime(plain, waitMs);
    return claimed(plain);
  };

  it("E27: a run that succeeded is counted once, with its time, its wait and its retries", async () => {
    const claim = await startRun(3_000);
    await db.transaction((tx) => tell(tx, "RunStarted", claim, { reason: "CooldownActive" }));
    const step = { index: 0, name: "first", type: "mock", readOnly: false };
    await fenced(db, claim, (tx) => startStep(tx, claim.run, step));
    await fenced(db, claim, (tx) => startStep(tx, claim.run, step));
    await advanceStoreTime(plain, 7_000);
    await fenced(db, claim, async (tx) => {
      await recordActive(tx, claim, { outputs: {}, secretRefs: {} });
      await tell(tx, "RunCompleted", claim);
    });
    const text = await told();
    expect(text).toContain('workflow_runs_total{operation="create",outcome="succeeded"} 1');
    expect(text).toContain('workflow_run_duration_seconds_sum{outcome="succeeded"} 7');
    expect(text).toContain("workflow_duration_seconds_avg 7");
    expect(text).toContain('run_wait_seconds_sum{reason="CooldownActive"} 3');
    expect(text).toContain('retries_total{kind="step"} 1');
    expect(text).toContain(
      'commit_to_ready_seconds_sum{type="thing",operation="create",outcome="succeeded"} 10',
    );
  });

  it("E27: a transaction that is rolled back counts nothing, one that is run again counts once", async () => {
    const claim = await startRun();
    const broken = db.transaction(async (tx) => {
      await tell(tx, "RunCompleted", claim);
      throw new Error("no");
    });
    await expect(broken).rejects.toThrow("no");
    expect(await told()).toContain('{operation="create",outcome="succeeded"} 0');
    let tries = 0;
    await db.transaction(async (tx) => {
      tries += 1;
      await tell(tx, "RunCompleted", claim);
      if (tries === 1) await tx.query("do $$ begin raise serialization_failure; end $$");
    });
    expect(await told()).toContain('{operation="create",outcome="succeeded"} 1');
    expect(await told()).toContain("innominatus_db_query_errors_total 1");
  });

  it.each([
    [60_000, 'retries_total{kind="run"} 1', /commit_to_ready_seconds_count/],
    [undefined, 'outcome="failed"} 1', /retries_total\{kind="run"\} 1/],
  ])("E27: a failure, tried again after %s ms", async (retryAfterMs, expected, absent) => {
    const claim = await startRun();
    await fenced(db, claim, async (tx) => {
      await recordFailed(tx, claim, { reason: "TaskFailed", message: "", retryAfterMs });
      await tell(tx, "RunFailed", claim);
    });
    expect(await told()).toContain('workflow_runs_total{operation="create",outcome="failed"} 1');
    expect(await told()).toContain(expected);
    expect(await told()).not.toMatch(absent);
  });

  it("E27: a run that never started observes no duration", async () => {
    await wish(plain, [uid]);
    await enqueue(plain, uid);
    const [queued] = await listRuns(plain, testScope, { limit: 1 });
    if (queued === undefined) throw new Error("nothing was queued");
    const claim = { ...queued, run: queued.id, target: "", token: 0n };
    await db.transaction((tx) => tell(tx, "RunSuperseded", claim));
    expect(await told()).toContain('{operation="create",outcome="superseded"} 1');
    expect(await told()).not.toContain("workflow_run_duration_seconds_count");
  });

  it("E27: an adopted PipelineRun is not counted as created", async () => {
    const claim = await startRun();
    await db.transaction((tx) => tell(tx, "PipelineRunAdopted", claim));
    expect(await told()).toContain('pipelinerun_creations_total{result="adopted"} 1');
    expect(await told()).toContain('pipelinerun_creations_total{result="created"} 0');
    await db.transaction((tx) => tell(tx, "PipelineRunCreated", claim));
    expect(await told()).toContain('pipelinerun_creations_total{result="created"} 1');
    expect(await told()).toContain('pipelinerun_creations_total{result="conflict"} 0');
    await db.transaction((tx) => tell(tx, "PipelineRunConflict", claim));
    expect(await told()).toContain('pipelinerun_creations_total{result="conflict"} 1');
  });

  it("E27: counts waits by reason, and runs taken over", async () => {
    await db.transaction(async (tx) => {
      await tell(tx, "BackoffActive");
      await tell(tx, "LeaseLost");
    });
    const claim = await startRun();
    await wish(plain, [uidOf("other")]);
    await enqueue(plain, uidOf("other"), { target: claim.target });
    const [behind] = await listRuns(plain, testScope, { limit: 1 });
    await db.transaction((tx) => tell(tx, "RunQueued", { ...claim, run: behind?.id ?? "" }));
    const text = await told();
    expect(text).toContain('run_waits_total{reason="BackoffActive"} 1');
    expect(text).toContain('run_waits_total{reason="ResourceBusy"} 1');
    expect(text).toContain('run_waits_total{reason="CooldownActive"} 0');
    expect(text).toContain("lease_takeovers_total 1");
  });

  it("E27: counts a resource that is held after its last failure", async () => {
    const claim = await startRun();
    await fenced(db, claim, async (tx) => {
      const failed = { reason: "TaskFailed", message: "", retryAfterMs: undefined };
      await recordFailed(tx, claim, { ...failed, held: "ExhaustedRetries" });
      await tell(tx, "RunFailed", claim);
    });
    expect(await told()).toContain('run_waits_total{reason="ExhaustedRetries"} 1');
  });

  it("E27: no target, uid, run or commit is a label, nor the value of one", async () => {
    const claim = await startRun();
    await fenced(db, claim, async (tx) => {
      await tell(tx, "RunStarted", claim);
      await recordActive(tx, claim, { outputs: {}, secretRefs: {} });
      await tell(tx, "RunCompleted", claim);
    });
    const text = await told();
    for (const it of [uid, claim.run, claim.target, "c1", "plan-1"])
      expect(text).not.toContain(`"${it}"`);
    expect(text).not.toMatch(/[{,](target|uid|run|commit|repository)="/);
  });
});
