import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toAuditEvent } from "../model/audit.ts";
import type { Claim } from "../model/run.ts";
import { databases, openTestDatabase, setStoreTime } from "../../test/support/database.ts";
import { claimed, emptyTables, enqueue, testScope, uidOf, wish } from "../../test/support/runs.ts";
import { fenced } from "./claims.ts";
import { tellCommitted } from "./committed.ts";
import { recordFailed } from "./outcomes.ts";
import type { Database } from "./database.ts";
import { appendEvents, listEvents, type Fact, type RecordedEvent } from "./events.ts";
import { startStep } from "./steps.ts";

const uid = uidOf("db");
const start = new Date("2026-01-01T00:00:00Z");
const fact = (type: string, more: Partial<Fact> = {}): Fact => ({
  ...testScope,
  type,
  actor: "innominatus",
  ...more,
});

describe.each(databases())("events on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await emptyTables(db);
    await setStoreTime(db, start);
  });

  const startRun = async (): Promise<Claim> => {
    await wish(db, [uid]);
    await enqueue(db, uid);
    return claimed(db);
  };
  const fail = (on: Database, claim: Claim) =>
    fenced(on, claim, async (tx) => {
      const failure = { reason: "TaskFailed", message: "it broke", retryAfterMs: undefined };
      await recordFailed(tx, claim, failure);
      const data = { reason: "TaskFailed", message: "it broke" };
      await appendEvents(tx, [fact("RunFailed", { uid, run: claim.run, data })], start.getTime());
    });

  it("E22: an event is written in its fact's transaction, and not without it", async () => {
    const claim = await startRun();
    const before = await listEvents(db, testScope, { limit: 10 });
    const broken = fenced(db, claim, async (tx) => {
      await appendEvents(tx, [fact("RunStarted", { uid, run: claim.run })], 0);
      throw new Error("after the event");
    });
    await expect(broken).rejects.toThrow("after the event");
    expect(await listEvents(db, testScope, { limit: 10 })).toEqual(before);
  });

  it("E22: a transaction that is run again after a conflict leaves one event, told once", async () => {
    const told: RecordedEvent[] = [];
    const telling = tellCommitted(db, (events) => told.push(...events));
    let tries = 0;
    await telling.transaction(async (tx) => {
      tries += 1;
      await appendEvents(tx, [fact("PlanApproved", { actor: "ann" })], 0);
      if (tries === 1) await tx.query("do $$ begin raise serialization_failure; end $$");
    });
    expect(tries).toBe(2);
    const events = await listEvents(db, testScope, { limit: 10 });
    expect(events).toMatchObject([{ type: "PlanApproved", actorType: "user" }]);
    expect(told).toMatchObject([{ id: events[0]?.id, type: "PlanApproved" }]);
  });

  it("E27: nothing is told of a transaction that was rolled back", async () => {
    const told: RecordedEvent[] = [];
    const telling = tellCommitted(db, (events) => told.push(...events));
    const claim = await startRun();
    const broken = telling.transaction(async (tx) => {
      await appendEvents(tx, [fact("RunStarted", { uid, run: claim.run })], 0);
      throw new Error("no");
    });
    await expect(broken).rejects.toThrow("no");
    expect(told).toEqual([]);
    await fail(telling, claim);
    expect(told).toMatchObject([{ type: "RunFailed", context: { phase: "failed" } }]);
  });

  it("tells of its run and resource as they were then, whatever becomes of them", async () => {
    const claim = await startRun();
    await fenced(db, claim, async (tx) => {
      const step = { index: 0, name: "first", type: "mock", readOnly: false };
      for (let attempt = 0; attempt < 3; attempt++) await startStep(tx, claim.run, step);
      await appendEvents(tx, [fact("RunStarted", { uid, run: claim.run })], 0);
    });
    await setStoreTime(db, new Date(start.getTime() + 5_000));
    await fail(db, claim);
    const [failed, started] = await listEvents(db, testScope, { uid, limit: 10 });
    expect(started).toMatchObject({
      commit: "c1",
      correlation: "plan-1",
      context: { workflow: "create-thing", attempt: 1, phase: "provisioning" },
    });
    expect(started?.context).not.toHaveProperty("retries");
    expect(failed?.context).toEqual({
      operation: "create",
      workflow: "create-thing",
      bundle: "bundle-1",
      target: `origin/default/${uid}`,
      attempt: 1,
      queuedAt: start.toISOString(),
      startedAt: start.toISOString(),
      endedAt: "2026-01-01T00:00:05.000Z",
      phase: "failed",
      reason: "TaskFailed",
      stalled: true,
      retries: 2,
    });
    if (failed === undefined) throw new Error("no event");
    expect(toAuditEvent(failed).event_data).toMatchObject({
      version: "1.0.0",
      completed_at: "2026-01-01T00:00:05.000Z",
      failure: { reason: "TaskFailed", message: "it broke" },
    });
  });

  it("lists newest first, in the order written, by what is asked for", async () => {
    await db.transaction((tx) =>
      appendEvents(tx, [fact("RunQueued", { uid }), fact("RunStarted", { uid, run: "run-12" })], 9),
    );
    await setStoreTime(db, new Date(start.getTime() + 60_000));
    // Another replica, whose clock is behind.
    await db.transaction((tx) => appendEvents(tx, [fact("CommitPlanned")], 1));
    const types = async (filter: Omit<Parameters<typeof listEvents>[2], "limit">) =>
      (await listEvents(db, testScope, { ...filter, limit: 10 })).map((it) => it.type);
    expect(await types({})).toEqual(["CommitPlanned", "RunStarted", "RunQueued"]);
    expect(await types({ uid })).toEqual(["RunStarted", "RunQueued"]);
    expect(await types({ run: "12" })).toEqual(["RunStarted"]);
    expect(await types({ types: ["RunQueued", "CommitPlanned"] })).toEqual([
      "CommitPlanned",
      "RunQueued",
    ]);
    expect(await types({ since: new Date(start.getTime() + 1) })).toEqual(["CommitPlanned"]);
    expect(await types({ undelivered: true })).toHaveLength(3);
    const [, , queued] = await listEvents(db, testScope, { limit: 10 });
    expect(await types({ after: queued?.id ?? "" })).toEqual(["CommitPlanned", "RunStarted"]);
  });
});
