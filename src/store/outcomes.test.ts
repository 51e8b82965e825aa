import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import {
  claimed,
  emptyTables,
  enqueue,
  statesOf,
  testScope,
  uidOf,
  wish,
} from "../../test/support/runs.ts";
import type { Claim } from "../model/run.ts";
import { fenced } from "./claims.ts";
import type { Database, Queryable } from "./database.ts";
import {
  abandonResource,
  recordActive,
  recordDeleted,
  recordFailed,
  recordSuperseded,
  recordWaiting,
} from "./outcomes.ts";
import { readResource, resetFailures } from "./resources.ts";
import { listRuns } from "./runs.ts";

const a = uidOf("a");
const start = new Date("2026-01-01T00:00:00Z");
const outputs = { outputs: { host: "h" }, secretRefs: { password: "secret://x" } };
const failure = { reason: "RunFailed", message: "it broke", retryAfterMs: 60_000 };

type Record_ = (tx: Queryable, claim: Claim) => Promise<unknown>;
const writes: [string, Record_][] = [
  ["active", (tx, claim) => recordActive(tx, claim, outputs)],
  ["deleted", (tx, claim) => recordDeleted(tx, claim)],
  ["failed", (tx, claim) => recordFailed(tx, claim, failure)],
  ["superseded", (tx, claim) => recordSuperseded(tx, claim, "Superseded")],
  ["waiting", (tx, claim) => recordWaiting(tx, claim, failure)],
];

describe.each(databases())("outcomes on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    await setStoreTime(db, undefined);
    await emptyTables(db);
  });

  const begin = async (): Promise<Claim> => {
    await setStoreTime(db, start);
    await wish(db, [a]);
    await enqueue(db, a);
    return claimed(db);
  };
  const lockOf = async (claim: Claim): Promise<unknown> =>
    (await db.query(`select run from locks where target = $1`, [claim.target])).rows[0];
  const resource = () => readResource(db, testScope, a);

  it.each(writes)("law 6: a stale worker cannot record %s", async (_, write) => {
    const stale = await begin();
    await advanceStoreTime(db, 60_000);
    const fresh = await claimed(db, "other");
    const [before, runs] = [await resource(), await statesOf(db, a)];
    const late = fenced(db, stale, (tx) => write(tx, stale));
    await expect(late).rejects.toThrow("is lost");
    expect([await resource(), await statesOf(db, a)]).toEqual([before, runs]);
    expect(await lockOf(fresh)).toEqual({ run: fresh.run });
  });

  it.each(writes.slice(0, 4))("frees the target with the end of a run: %s", async (_, write) => {
    const claim = await begin();
    await fenced(db, claim, (tx) => write(tx, claim));
    expect(await lockOf(claim)).toEqual({ run: null });
    const [run] = await listRuns(db, testScope, { uid: a, limit: 1 });
    expect(run?.endedAt).toBe(start.toISOString());
    await expect(fenced(db, claim, async () => "more")).rejects.toThrow("is lost");
  });

  it("keeps the target while a run waits", async () => {
    const claim = await begin();
    await fenced(db, claim, (tx) => recordWaiting(tx, claim, failure));
    expect(await lockOf(claim)).toEqual({ run: claim.run });
    expect(await listRuns(db, testScope, { uid: a, limit: 1 })).toMatchObject([
      { state: "waiting", reason: "RunFailed", message: "it broke", endedAt: null },
    ]);
  });

  it("records what a run made", async () => {
    const claim = await begin();
    await fenced(db, claim, (tx) => recordActive(tx, claim, outputs));
    expect(await resource()).toMatchObject({
      phase: "active",
      revision: 1,
      ...outputs,
      attempted: null,
      failures: 0,
      stalled: false,
      nextAttemptAt: null,
      reason: "RunSucceeded",
    });
  });

  it("law 2: keeps the record of a deletion that failed, with all that a further one needs", async () => {
    const create = await begin();
    await fenced(db, create, (tx) => recordActive(tx, create, outputs));
    const seen = { revision: 1, run: create.run };
    await enqueue(db, a, { operation: "delete", hash: "gone", seen });
    const claim = await claimed(db);
    await fenced(db, claim, (tx) => recordFailed(tx, claim, failure));
    expect(await resource()).toMatchObject({
      phase: "failed",
      ...outputs,
      failures: 1,
      attempted: { operation: "delete", hash: "gone" },
      nextAttemptAt: new Date(start.getTime() + 60_000).toISOString(),
    });

    await advanceStoreTime(db, 60_000);
    await enqueue(db, a, {
      operation: "delete",
      hash: "gone",
      seen: { revision: 1, run: claim.run },
    });
    const again = await claimed(db);
    expect(await resource()).toMatchObject({ phase: "deleting", failures: 1 });
    await fenced(db, again, (tx) => recordDeleted(tx, again));
    expect(await resource()).toMatchObject({
      phase: "deleted",
      outputs: {},
      secretRefs: {},
      failures: 0,
    });
  });

  it("counts failures of one wish, and starts afresh with another (E14)", async () => {
    let claim = await begin();
    for (const expected of [1, 2]) {
      const now = claim;
      await fenced(db, now, (tx) => recordFailed(tx, now, { ...failure, retryAfterMs: 0 }));
      expect((await resource())?.failures).toBe(expected);
      await enqueue(db, a, { seen: { revision: 0, run: now.run } });
      claim = await claimed(db);
    }
    const last = claim;
    await fenced(db, last, (tx) => recordFailed(tx, last, { ...failure, retryAfterMs: undefined }));
    expect(await resource()).toMatchObject({ failures: 3, stalled: true, nextAttemptAt: null });
    await enqueue(db, a, { hash: "hash-2", seen: { revision: 0, run: last.run } });
    await claimed(db);
    expect(await resource()).toMatchObject({ failures: 0, stalled: false });
  });

  it("tries again at once what a person asks for, stalled or not", async () => {
    const claim = await begin();
    await fenced(db, claim, (tx) =>
      recordFailed(tx, claim, { ...failure, retryAfterMs: undefined }),
    );
    const reset = (stalled: boolean) =>
      db.transaction((tx) => resetFailures(tx, testScope, { uid: a, stalled }));
    expect(await reset(false)).toEqual([]);
    expect(await reset(true)).toEqual([a]);
    expect(await resource()).toMatchObject({ failures: 0, stalled: false });
    expect(await enqueue(db, a, { seen: { revision: 0, run: claim.run } })).toBe(1);
  });

  it("law 2: abandons a resource once, and keeps why", async () => {
    const claim = await begin();
    await fenced(db, claim, (tx) => recordActive(tx, claim, outputs));
    const abandon = () => db.transaction((tx) => abandonResource(tx, testScope, a, "server gone"));
    expect([await abandon(), await abandon()]).toEqual([true, false]);
    expect(await resource()).toMatchObject({
      phase: "deleted",
      reason: "Abandoned",
      message: "server gone",
    });
  });
});
