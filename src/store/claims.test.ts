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
  statesOf,
  testScope,
  uidOf,
  wish,
} from "../../test/support/runs.ts";
import { LeaseLostError, SupersededError } from "../model/errors.ts";
import type { Claim } from "../model/run.ts";
import {
  claimRuns,
  fenced,
  fencedAtSafePoint,
  nextDueMs,
  releaseRun,
  releaseRuns,
  renewLease,
} from "./claims.ts";
import type { Database } from "./database.ts";
import { lockOf } from "./locks.ts";
import { recordActive, recordFailed, recordSuperseded, recordWaiting } from "./outcomes.ts";
import { readResource } from "./resources.ts";
import { listRuns, openRuns, supersedeRuns } from "./runs.ts";

const [a, b, c] = [uidOf("a"), uidOf("b"), uidOf("c")];
const nothing = { outputs: {}, secretRefs: {} };
const start = new Date("2026-01-01T00:00:00Z");

describe.each(databases())("claims on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    await setStoreTime(db, undefined);
    await emptyTables(db);
  });

  const queue = async (...uids: readonly (typeof a)[]): Promise<void> => {
    await wish(db, uids);
    for (const uid of uids) await enqueue(db, uid);
  };
  const succeed = (claim: Claim) => fenced(db, claim, (tx) => recordActive(tx, claim, nothing));
  const tryClaim = (holder = "worker", perProvider = 4) =>
    claimRun(db, claimOptions(holder, { perProvider }));

  it("gives a run to one worker, oldest first, and says so on the resource", async () => {
    await queue(a, b);
    const first = await claimed(db, "one");
    const second = await claimed(db, "two");
    expect([first.uid, second.uid]).toEqual([a, b]);
    expect(await tryClaim("three")).toBeUndefined();
    expect(await readResource(db, testScope, a)).toMatchObject({
      phase: "provisioning",
      run: first.run,
      touched: true,
      operation: "create",
      attempted: { operation: "create", hash: "hash-1" },
    });
  });

  it("law 6: does not begin to make what another run has made meanwhile", async () => {
    await queue(a);
    const first = await claimed(db);
    await enqueue(db, a, { hash: "hash-2", seen: { revision: 0, run: first.run } });
    await succeed(first);
    expect(await statesOf(db, a)).toEqual(["succeeded", "queued"]);
    expect(await tryClaim()).toBeUndefined();
  });

  it("law 6: of workers that claim at once, one gets the run", async () => {
    await queue(a);
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, index) => tryClaim(`worker-${index}`)),
    );
    expect(claims.filter((it) => it !== undefined)).toHaveLength(1);
  });

  it("law 6: as many workers as runs get one each, none twice", async () => {
    const uids = Array.from({ length: 8 }, (_, index) => uidOf(`n${index}`));
    await queue(...uids);
    const got: string[] = [];
    const work = async (holder: string): Promise<void> => {
      let idle = 0;
      // A worker that met another one's row lock may come back empty-handed once.
      while (idle < 3) {
        const claim = await tryClaim(holder, 100);
        if (claim === undefined) idle += 1;
        else got.push(claim.run);
      }
    };
    await Promise.all(Array.from({ length: 4 }, (_, index) => work(`worker-${index}`)));
    expect(got).toHaveLength(8);
    expect(new Set(got).size).toBe(8);
  });

  it("law 6: an ended lease is claimable, with a higher token, and the one before can do nothing", async () => {
    await setStoreTime(db, start);
    await queue(a);
    const stale = await claimed(db, "one");
    await advanceStoreTime(db, 59_999);
    expect(await tryClaim("two")).toBeUndefined();
    await advanceStoreTime(db, 1);
    // Nobody has taken over yet, and the right is gone all the same.
    await expect(fenced(db, stale, async () => "written")).rejects.toThrow(LeaseLostError);
    await expect(renewLease(db, stale, 60_000)).rejects.toThrow(LeaseLostError);

    const fresh = await claimed(db, "two");
    expect([fresh.run, fresh.token > stale.token]).toEqual([stale.run, true]);
    await expect(fenced(db, stale, async () => "written")).rejects.toThrow(LeaseLostError);
    await expect(renewLease(db, stale, 60_000)).rejects.toThrow(LeaseLostError);
    await releaseRun(db, stale);
    expect(await fenced(db, fresh, async () => "written")).toBe("written");
  });

  it("keeps a lease that is renewed", async () => {
    await setStoreTime(db, start);
    await queue(a);
    const claim = await claimed(db, "one");
    for (let beat = 0; beat < 5; beat++) {
      await advanceStoreTime(db, 45_000);
      await renewLease(db, claim, 60_000);
    }
    expect(await tryClaim("two")).toBeUndefined();
    await succeed(claim);
    await expect(renewLease(db, claim, 60_000)).rejects.toThrow(LeaseLostError);
  });

  it("writes nothing of a fenced write that fails", async () => {
    await queue(a);
    const claim = await claimed(db);
    const failing = fenced(db, claim, async (tx) => {
      await recordActive(tx, claim, nothing);
      throw new Error("the disk is full");
    });
    await expect(failing).rejects.toThrow("the disk is full");
    expect(await statesOf(db, a)).toEqual(["running"]);
    expect(await readResource(db, testScope, a)).toMatchObject({ phase: "provisioning" });
  });

  it("gives a released run to the next worker at once, and releases it once", async () => {
    await queue(a);
    const first = await claimed(db, "one");
    await releaseRun(db, first);
    await expect(fenced(db, first, async () => "written")).rejects.toThrow(LeaseLostError);
    const second = await claimed(db, "two");
    await releaseRun(db, first);
    expect(await fenced(db, second, async () => "written")).toBe("written");
  });

  it("gives back what processes that are gone had in hand", async () => {
    await queue(a, b);
    const gone = [await claimed(db, "gone"), await claimed(db, "gone")];
    const waiting = gone[1];
    if (waiting === undefined) throw new Error("unreachable");
    const wait = { reason: "Waiting", message: "", retryAfterMs: 60_000 };
    await fenced(db, waiting, (tx) => recordWaiting(tx, waiting, wait));
    expect(await releaseRuns(db)).toBe(1);
    expect((await claimed(db, "next")).uid).toBe(a);
    expect(await tryClaim("next")).toBeUndefined();
  });

  it("leaves a waiting run alone until it is due, and lets nobody else near its target", async () => {
    await setStoreTime(db, start);
    await queue(a);
    const first = await claimed(db, "one");
    const wait = { reason: "StepRetry", message: "in a minute", retryAfterMs: 60_000 };
    await fenced(db, first, (tx) => recordWaiting(tx, first, wait));
    await enqueue(db, a, {
      operation: "update",
      hash: "hash-2",
      seen: { revision: 0, run: first.run },
    });
    expect(await tryClaim("two")).toBeUndefined();
    expect(await nextDueMs(db)).toBe(60_000);
    await expect(fenced(db, first, async () => "written")).rejects.toThrow(LeaseLostError);

    await advanceStoreTime(db, 60_000);
    const again = await claimed(db, "two");
    expect([again.run, again.token > first.token]).toEqual([first.run, true]);
    expect(await tryClaim("three")).toBeUndefined();
    await succeed(again);
    expect((await claimed(db, "three")).run).not.toBe(first.run);
  });

  it("ends a run at its next safe point once it is superseded, and in between lets it write", async () => {
    await queue(a);
    const claim = await claimed(db);
    await db.transaction((tx) => supersedeRuns(tx, [claim.run]));
    expect(await fenced(db, claim, async (_, cancel) => cancel?.reason)).toBe("Superseded");
    await expect(fencedAtSafePoint(db, claim, async () => "written")).rejects.toThrow(
      SupersededError,
    );
    await fenced(db, claim, (tx) => recordSuperseded(tx, claim, "Superseded"));
    expect(await statesOf(db, a)).toEqual(["superseded"]);
    expect(await readResource(db, testScope, a)).toMatchObject({ phase: "failed", failures: 0 });
  });

  it("hands a superseded run of a dead worker on, to be ended at its safe point", async () => {
    await setStoreTime(db, start);
    await queue(a);
    const dead = await claimed(db, "dead");
    await db.transaction((tx) => supersedeRuns(tx, [dead.run]));
    await advanceStoreTime(db, 60_000);
    const next = await claimed(db, "next");
    await expect(fencedAtSafePoint(db, next, async () => "written")).rejects.toThrow(
      SupersededError,
    );
  });

  it("law 6: runs of different wishes on one target go one after the other (E2, E7)", async () => {
    await wish(db, [a, b]);
    await enqueue(db, a, { target: "node/worker-1" });
    await enqueue(db, b, { target: "node/worker-1" });
    const first = await claimed(db, "one");
    expect(await tryClaim("two")).toBeUndefined();
    await succeed(first);
    const second = await claimed(db, "two");
    expect([second.uid, second.token > first.token]).toEqual([b, true]);
  });

  it("takes a lock over from a run that has ended or is missing, never from one that is open (E3)", async () => {
    await setStoreTime(db, start);
    await queue(a, b);
    const first = await claimed(db);
    await db.query(`update locks set run = 'no such run' where target = $1`, [first.target]);
    await db.query(
      `insert into locks (key, target, run, token, state) values (${lockOf("$1")}, $1, $2, 7, 'held')`,
      [`origin/default/${b}`, first.run],
    );
    // The lock of `b` is held by an open run, and time alone never frees it.
    await advanceStoreTime(db, 3_600_000);
    const again = await claimed(db);
    expect([again.run, again.token]).toEqual([first.run, first.token + 1n]);
    expect(await tryClaim("two")).toBeUndefined();
    await succeed(again);
    const second = await claimed(db, "two");
    expect([second.uid, second.token]).toEqual([b, 8n]);
  });

  it("waits while a lock cools down", async () => {
    await setStoreTime(db, start);
    await queue(a);
    await db.query(
      `insert into locks (key, target, state, until)
       values (${lockOf("$1")}, $1, 'cooling', store_now() + interval '5 minutes')`,
      [`origin/default/${a}`],
    );
    expect(await tryClaim()).toBeUndefined();
    await advanceStoreTime(db, 300_000);
    expect((await claimed(db)).uid).toBe(a);
  });

  it("starts a run when everything it depends on is active", async () => {
    await wish(db, [a, b, c]);
    await enqueue(db, c, { dependsOn: [a, b] });
    expect(await tryClaim()).toBeUndefined();
    await enqueue(db, a);
    await enqueue(db, b);
    const first = await claimed(db);
    const second = await claimed(db);
    expect([first.uid, second.uid]).toEqual([a, b]);
    await succeed(first);
    expect(await tryClaim()).toBeUndefined();
    await succeed(second);
    expect((await claimed(db)).uid).toBe(c);
  });

  it("holds a run back while what it depends on has failed, and until it has been mended", async () => {
    await wish(db, [a, b]);
    await enqueue(db, b, { dependsOn: [a] });
    await enqueue(db, a);
    const first = await claimed(db);
    const failure = { reason: "RunFailed", message: "", retryAfterMs: 0 };
    await fenced(db, first, (tx) => recordFailed(tx, first, failure));
    expect(await tryClaim()).toBeUndefined();
    await enqueue(db, a, { seen: { revision: 0, run: first.run } });
    await succeed(await claimed(db));
    expect((await claimed(db)).uid).toBe(b);
  });

  it("asks for dependencies once: a run that has started goes on", async () => {
    await setStoreTime(db, start);
    await wish(db, [a, b]);
    await enqueue(db, b);
    await enqueue(db, a);
    await succeed(await claimed(db));
    await succeed(await claimed(db));
    const runOf = async (uid: typeof a) => (await listRuns(db, testScope, { uid, limit: 1 }))[0];
    const seen = async (uid: typeof a) => ({ revision: 1, run: (await runOf(uid))?.id ?? null });
    await enqueue(db, b, {
      operation: "update",
      hash: "hash-2",
      dependsOn: [a],
      seen: await seen(b),
    });
    const started = await claimed(db, "one");
    await enqueue(db, a, { operation: "update", hash: "hash-2", seen: await seen(a) });
    await advanceStoreTime(db, 60_000);
    expect((await claimed(db, "two")).run).toBe(started.run);
  });

  it("starts no more runs of one provider than it may, and those of others meanwhile", async () => {
    await setStoreTime(db, start);
    await wish(db, [a, b, c]);
    await enqueue(db, a, { provider: "busy" });
    await enqueue(db, b, { provider: "busy" });
    await enqueue(db, c, { provider: "other" });
    const first = await claimRun(db, claimOptions("one", { perProvider: 1 }));
    const second = await claimRun(db, claimOptions("two", { perProvider: 1 }));
    expect([first?.uid, second?.uid]).toEqual([a, c]);
    expect(await tryClaim("three", 1)).toBeUndefined();
    // A dead worker's run counts no more.
    await advanceStoreTime(db, 60_000);
    expect([await tryClaim("three", 1), await tryClaim("three", 1)]).toMatchObject([
      { uid: a },
      { uid: c },
    ]);
    expect(await tryClaim("four", 1)).toBeUndefined();
  });

  it("claims several at once, oldest first, as many as each provider may have", async () => {
    const uids = ["a", "b", "c", "d", "e", "f"].map(uidOf);
    await wish(db, uids);
    for (const [index, uid] of uids.entries()) {
      await enqueue(db, uid, { provider: index < 4 ? "slow" : "other" });
    }
    const several = async (atMost: number) =>
      (await claimRuns(db, claimOptions("one", { perProvider: 3, atMost }))).map((it) => it.uid);
    expect(await several(2)).toEqual(uids.slice(0, 2));
    expect(await several(8)).toEqual([uids[2], uids[4], uids[5]]);
    expect(await several(8)).toEqual([]);
    const [started] = await listRuns(db, testScope, { uid: uidOf("f"), limit: 1 });
    expect(started).toMatchObject({ state: "running", attempt: 1 });
  });

  it("of one target claims one, however many it is asked for", async () => {
    await wish(db, [a, b]);
    for (const uid of [a, b]) await enqueue(db, uid, { target: "node/worker-1", declared: true });
    const claims = await claimRuns(db, claimOptions("one", { atMost: 4 }));
    expect(claims.map((it) => it.uid)).toEqual([a]);
  });

  it.runIf(kind === "postgres")("gives each run to one of many who claim at once", async () => {
    const uids = Array.from({ length: 40 }, (_, index) => uidOf(`r${index}`));
    await queue(...uids);
    const claims = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((atMost) =>
        claimRuns(db, claimOptions(`worker-${atMost}`, { perProvider: 30, atMost })),
      ),
    );
    const runs = claims.flat().map((it) => it.run);
    expect(new Set(runs).size).toBe(runs.length);
    expect(runs).not.toEqual([]);
  });

  it("tells how long until something becomes due that nobody will tell about", async () => {
    await setStoreTime(db, start);
    expect(await nextDueMs(db)).toBeUndefined();
    await queue(a, b);
    expect(await nextDueMs(db)).toBeUndefined();
    const first = await claimed(db, "one", { leaseMs: 50_000 });
    expect(await nextDueMs(db)).toBe(50_000);
    const failure = { reason: "RunFailed", message: "", retryAfterMs: 20_000 };
    await fenced(db, first, (tx) => recordFailed(tx, first, failure));
    expect(await nextDueMs(db)).toBe(20_000);
    await db.query(
      `update resources set delete_after = store_now() + interval '10 seconds' where uid = $1`,
      [b],
    );
    expect(await nextDueMs(db)).toBe(10_000);
  });

  it("is not kept busy by what is due, and cannot go on", async () => {
    await setStoreTime(db, start);
    await queue(a, b);
    await claimed(db, "dead");
    await advanceStoreTime(db, 60_000);
    // Its lease has ended: whoever has a worker to spare gets it with the next claim.
    expect(await nextDueMs(db)).toBeUndefined();
    expect(await openRuns(db, testScope)).toHaveLength(2);
  });
});
