import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import {
  claimed,
  claimOptions,
  claimRun,
  emptyTables,
  enqueue,
  queuedRun,
  statesOf,
  testScope,
  uidOf,
  wish,
} from "../../test/support/runs.ts";
import { fencedAfter, nothingUnwritten } from "./advance.ts";
import { fenced } from "./claims.ts";
import type { Database, Queryable } from "./database.ts";
import {
  recordActive,
  recordDeleted,
  recordFailed,
  recordSuperseded,
  recordWaiting,
} from "./outcomes.ts";
import { readResource } from "./resources.ts";
import {
  enqueueRuns,
  findRuns,
  listRuns,
  openRuns,
  recentDeletions,
  supersedeRuns,
} from "./runs.ts";

const [a, b] = [uidOf("a"), uidOf("b")];
const start = new Date("2026-01-01T00:00:00Z");
const nothing = { outputs: {}, secretRefs: {} };

describe.each(databases())("runs on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    await setStoreTime(db, undefined);
    await emptyTables(db);
  });

  const supersede = (...ids: readonly string[]) => db.transaction((tx) => supersedeRuns(tx, ids));
  const openIds = async () => (await openRuns(db, testScope)).map((it) => it.id);

  it("queues what is wanted once, however often it is planned", async () => {
    await wish(db, [a, b]);
    const runs = [queuedRun(a), queuedRun(b)];
    const plan = (tx: Queryable) => enqueueRuns(tx, testScope, runs, start.getTime());
    expect(await db.transaction(plan)).toMatchObject([{ uid: a }, { uid: b }]);
    expect(await db.transaction(plan)).toEqual([]);
    expect(await enqueue(db, a, { hash: "another wish" })).toBe(0);
    expect(await openRuns(db, testScope)).toMatchObject([
      { uid: a, state: "queued", hash: "hash-1", commit: "c1" },
      { uid: b, state: "queued" },
    ]);
  });

  it("queues behind a run of another wish, and not behind one of the same", async () => {
    await wish(db, [a]);
    await enqueue(db, a);
    const { run } = await claimed(db);
    const seen = { revision: 0, run };
    expect(await enqueue(db, a, { seen })).toBe(0);
    expect(await enqueue(db, a, { seen, hash: "hash-2" })).toBe(1);
  });

  it("queues anew what is wanted again while its run was told to end", async () => {
    await wish(db, [a]);
    await enqueue(db, a);
    const { run } = await claimed(db);
    await supersede(run);
    await db.query(`update resources set attempted = null where uid = $1`, [a]);
    expect(await enqueue(db, a, { seen: { revision: 0, run } })).toBe(1);
  });

  it("leaves to the next plan what some run has finished with since", async () => {
    await wish(db, [a]);
    await enqueue(db, a);
    const claim = await claimed(db);
    await fenced(db, claim, (tx) => recordActive(tx, claim, nothing));
    expect(await enqueue(db, a, { hash: "hash-2" })).toBe(0);
    expect(await enqueue(db, a, { hash: "hash-2", seen: { revision: 1, run: null } })).toBe(0);
    expect(await enqueue(db, a, { hash: "hash-2", seen: { revision: 1, run: claim.run } })).toBe(1);
    expect(await enqueue(db, b)).toBe(0);
  });

  it("does not delete again what was deleted since the plan looked", async () => {
    await wish(db, [a]);
    await enqueue(db, a, { operation: "delete" });
    const claim = await claimed(db);
    const asSeen = { operation: "delete", seen: { revision: 0, run: claim.run } } as const;
    await fenced(db, claim, (tx) => recordDeleted(tx, claim));
    expect(await enqueue(db, a, asSeen)).toBe(0);
  });

  it("tries a failed wish again when its time has come, another wish at once, a stalled one never", async () => {
    await setStoreTime(db, start);
    await wish(db, [a]);
    await enqueue(db, a);
    const first = await claimed(db);
    const failure = { reason: "RunFailed", message: "", retryAfterMs: 60_000 };
    await fenced(db, first, (tx) => recordFailed(tx, first, failure));
    const seen = { revision: 0, run: first.run };
    expect(await enqueue(db, a, { seen })).toBe(0);
    await advanceStoreTime(db, 60_000);
    expect(await enqueue(db, a, { seen })).toBe(1);
    const second = await claimed(db);
    const stalled = { ...failure, retryAfterMs: undefined };
    await fenced(db, second, (tx) => recordFailed(tx, second, stalled));
    await advanceStoreTime(db, 86_400_000);
    expect(await enqueue(db, a, { seen: { revision: 0, run: second.run } })).toBe(0);
    const other = { hash: "hash-2", seen: { revision: 0, run: second.run } };
    expect(await enqueue(db, a, other)).toBe(1);
  });

  it("law 5: a superseded run ends at once before it began, and at once for a worker while it waits", async () => {
    await wish(db, [a, b]);
    await enqueue(db, a);
    const [queued = ""] = await openIds();
    await supersede(queued);
    expect(await statesOf(db, a)).toEqual(["superseded"]);
    // Nothing was done to the resource, and nothing is said about it.
    expect(await readResource(db, testScope, a)).toMatchObject({ phase: "requested", reason: "" });

    await enqueue(db, b);
    const claim = await claimed(db);
    const wait = { reason: "StepRetry", message: "", retryAfterMs: 60_000 };
    await fenced(db, claim, (tx) => recordWaiting(tx, claim, wait));
    await supersede(claim.run);
    const again = await claimed(db);
    expect(again.run).toBe(claim.run);
    await fenced(db, again, (tx) => recordSuperseded(tx, again, "Superseded"));
    expect(await statesOf(db, b)).toEqual(["superseded"]);
    expect(await readResource(db, testScope, b)).toMatchObject({
      phase: "failed",
      reason: "Superseded",
      failures: 0,
    });
    // Its target is free.
    await enqueue(db, b, { hash: "hash-2", seen: { revision: 0, run: claim.run } });
    expect((await claimed(db)).uid).toBe(b);
  });

  it("law 5: a superseded run that is in hand goes on to its safe point", async () => {
    await wish(db, [a]);
    await enqueue(db, a);
    const claim = await claimed(db);
    await supersede(claim.run);
    expect(await statesOf(db, a)).toEqual(["running"]);
    await enqueue(db, a, { hash: "hash-2", seen: { revision: 0, run: claim.run } });
    expect(await claimRun(db, claimOptions("other"))).toBeUndefined();
    await fenced(db, claim, (tx) => recordActive(tx, claim, nothing));
    expect(await statesOf(db, a)).toEqual(["succeeded", "queued"]);
    await supersede(claim.run);
    expect(await statesOf(db, a)).toEqual(["succeeded", "queued"]);
  });

  it.runIf(kind === "postgres")(
    "law 5: a waiting run that a worker takes up meanwhile is not missed",
    async () => {
      await wish(db, [a]);
      await enqueue(db, a);
      const claim = await claimed(db);
      const wait = { reason: "StepRetry", message: "", retryAfterMs: 0 };
      await fenced(db, claim, (tx) => recordWaiting(tx, claim, wait));
      const taken = gate();
      const commit = gate();
      const takingUp = db.transaction(async (tx) => {
        await tx.query(
          `update runs set state = 'running', lease_expires_at = store_now() + interval '1 minute'
           where id = $1`,
          [claim.run],
        );
        taken.resolve();
        await commit.promise;
      });
      await taken.promise;
      const superseding = supersede(claim.run);
      await untilBlocked(db);
      commit.resolve();
      await Promise.all([takingUp, superseding]);
      const { rows } = await db.query(`select state, cancel from runs`);
      expect(rows).toEqual([{ state: "running", cancel: "Superseded" }]);
    },
  );

  it("law 4: counts the deletions that began within the last hour", async () => {
    await setStoreTime(db, start);
    await wish(db, [a, b]);
    await enqueue(db, a, { operation: "delete" });
    await enqueue(db, b, { operation: "create" });
    expect(await recentDeletions(db, testScope)).toEqual(new Set());
    const claim = await claimed(db);
    await claimed(db);
    expect(await recentDeletions(db, testScope)).toEqual(new Set([a]));
    await fenced(db, claim, (tx) => recordDeleted(tx, claim));
    await advanceStoreTime(db, 3_599_999);
    expect(await recentDeletions(db, testScope)).toEqual(new Set([a]));
    expect(await recentDeletions(db, { ...testScope, environment: "other" })).toEqual(new Set());
    await advanceStoreTime(db, 1);
    expect(await recentDeletions(db, testScope)).toEqual(new Set());
  });

  it("law 4: a deletion that goes on for hours counts until an hour after its end", async () => {
    await setStoreTime(db, start);
    await wish(db, [a]);
    await enqueue(db, a, { operation: "delete" });
    await claimed(db);
    await advanceStoreTime(db, 7_200_000);
    expect(await recentDeletions(db, testScope)).toEqual(new Set([a]));
  });

  it("lists runs newest first, and finds one by the end of its id, if it is the only one", async () => {
    await wish(db, [a, b]);
    await enqueue(db, a);
    await enqueue(db, b);
    const [second, first] = await listRuns(db, testScope, { limit: 10 });
    expect([first?.uid, second?.uid]).toEqual([a, b]);
    expect(await listRuns(db, testScope, { limit: 1 })).toMatchObject([{ uid: b }]);
    expect(await findRuns(db, first?.id.slice(-12) ?? "")).toMatchObject([{ id: first?.id }]);
    expect(await findRuns(db, first?.id ?? "")).toMatchObject([{ id: first?.id }]);
    expect(await findRuns(db, "")).toHaveLength(2);
    expect(await findRuns(db, "nothing")).toEqual([]);
  });

  it("keeps the params a run resolved beside what it was asked for", async () => {
    await wish(db, [a]);
    await enqueue(db, a);
    const claim = await claimed(db);
    const unwritten = { ...nothingUnwritten(), params: { size: "small" } };
    await fencedAfter(db, claim, unwritten, async () => undefined);
    const [run] = await findRuns(db, claim.run);
    expect(run?.desired).toEqual({ params: { size: "small" }, template: {}, dependsOn: [] });
  });
});

/** Until some statement waits for a lock. */
async function untilBlocked(db: Database): Promise<void> {
  for (;;) {
    const { rows } = await db.query(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    if (rows.length > 0) return;
  }
}

function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
