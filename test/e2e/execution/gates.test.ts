/** Execution semantics §2: who waits for what, and for how long. */
import { describe, expect, it } from "vitest";
import { cancelRun } from "../../../src/store/cancels.ts";
import { readFailures } from "../../../src/store/backoffs.ts";
import { fenced, nextDueMs } from "../../../src/store/claims.ts";
import { readResource, resetFailures } from "../../../src/store/resources.ts";
import { openRuns, supersedeRuns } from "../../../src/store/runs.ts";
import { startStep } from "../../../src/store/steps.ts";
import { advanceStoreTime, setStoreTime } from "../../support/database.ts";
import { minute, onEachExecution, start, type Execution } from "../../support/execution.ts";
import { emptyTables, enqueue, statesOf, testScope, uidOf } from "../../support/runs.ts";

const [a, b, c] = [uidOf("a"), uidOf("b"), uidOf("c")];
const shared = { target: "node/worker-1", declared: true };

const seenAfter = (run: string) => ({ revision: 0, run });

describe("gates", () => {
  onEachExecution((open) => {
    /** A run on the shared target has ended, with or without effect. */
    const ended = async (it: Execution, effect: boolean, failed = false) => {
      await setStoreTime(it.db, start);
      await it.queue(shared, a);
      const claim = await it.claimed();
      await it.step(claim, effect, failed);
      if (failed) await it.fail(claim);
      else await it.succeed(claim);
      return claim;
    };

    it("E7: behind a busy target waits one run per resource, the newest", async () => {
      const it = open();
      await it.queue(shared, a);
      const { run } = await it.claimed();
      await enqueue(it.db, a, { ...shared, hash: "two", seen: seenAfter(run) });
      const [, second] = await openRuns(it.db, testScope);
      await it.db.transaction((tx) => supersedeRuns(tx, [second?.id ?? ""]));
      await enqueue(it.db, a, { ...shared, hash: "three", seen: seenAfter(run) });
      expect(await statesOf(it.db, a)).toEqual(["running", "superseded", "queued"]);
    });

    it("E7: resources that share a target start in order of arrival, in whatever repository", async () => {
      const it = open();
      const scope = { repository: "elsewhere", environment: "default" };
      await it.queue(shared, b);
      await it.queue({ ...shared, scope }, a);
      await it.queue(shared, c);
      const order: string[] = [];
      for (let lap = 0; lap < 3; lap++) {
        const claim = await it.claimed();
        order.push(`${claim.repository} ${claim.uid}`);
        await it.succeed(claim);
      }
      expect(order).toEqual([`origin ${b}`, `elsewhere ${a}`, `origin ${c}`]);
    });

    it("E8: a run behind a cooling target is due at its end, without a poll", async () => {
      const it = open();
      await ended(it, true);
      await it.queue(shared, b);
      expect(await it.claim()).toBeUndefined();
      expect(await nextDueMs(it.db)).toBe(5 * minute);
    });

    it.each([
      ["succeeded with effect", true, false, 5 * minute],
      ["failed with effect", true, true, 5 * minute],
      ["succeeded without", false, false, 0],
      ["failed without", false, true, 0],
    ])("E9: a run that %s arms its cooldown or not", async (_, effect, failed, ms) => {
      const it = open();
      await ended(it, effect, failed);
      const { rows } = await it.db.query(
        `select coalesce(extract(epoch from until - store_now())::int * 1000, 0) as ms from locks`,
      );
      expect(rows).toEqual([{ ms }]);
    });

    it.each([
      ["that nobody tells, as the moment it was seen", undefined, 5],
      ["while it was waited for", 6, 1],
      ["so early that the cooldown is over", 5, 0],
      ["by a clock that is ahead, as now", 15, 5],
      ["by a clock that is behind, as the step's start", -10, 0],
    ])("E9: a cooldown counts from an engine's completion %s", async (_, at, leftMinutes) => {
      const it = open();
      const engineAt =
        at === undefined ? undefined : new Date(start.getTime() + at * minute).toISOString();
      for (const failed of [false, true]) {
        await emptyTables(it.db);
        await setStoreTime(it.db, start);
        await it.queue(shared, a);
        const claim = await it.claimed({ leaseMs: 60 * minute });
        const step = { index: 0, name: "do", type: "tekton", readOnly: false };
        await fenced(it.db, claim, (tx) => startStep(tx, claim.run, step));
        await advanceStoreTime(it.db, 10 * minute);
        await it.step(claim, true, failed, engineAt);
        await (failed ? it.fail(claim, { counts: false }) : it.succeed(claim));
        const { rows } = await it.db.query(
          `select state, coalesce(extract(epoch from until - store_now())::int, 0) / 60 as left
           from locks`,
        );
        const state = leftMinutes === 0 ? "free" : "cooling";
        expect(rows).toEqual([{ state, left: leftMinutes }]);
      }
    });

    it("E9: a run that never began arms none", async () => {
      const it = open();
      await it.queue(shared, a, b);
      const [first, second] = await openRuns(it.db, testScope);
      await it.db.transaction((tx) => supersedeRuns(tx, [first?.id ?? ""]));
      const by = { actor: "ann", reason: "" };
      await it.db.transaction((tx) => cancelRun(tx, second?.id ?? "", by, 0));
      expect((await it.db.query(`select 1 from locks`)).rows).toEqual([]);
    });

    it("E10: passes when the cooldown is over to the millisecond, and not before", async () => {
      const it = open();
      await ended(it, true);
      await it.queue(shared, b);
      await advanceStoreTime(it.db, 5 * minute - 1);
      expect(await it.claim()).toBeUndefined();
      await advanceStoreTime(it.db, 1);
      expect((await it.claimed()).uid).toBe(b);
    });

    it("E10: 0 is no cooldown", async () => {
      const it = open();
      await it.queue(shared, a, b);
      const cooldowns = { resourcesMs: 0, targetsMs: 0, byTargetMs: {} };
      const claim = await it.claimed({ cooldowns });
      await it.step(claim, true);
      await it.succeed(claim);
      expect((await it.claimed()).uid).toBe(b);
    });

    it("E11: a cooldown spares deletions", async () => {
      const it = open();
      await ended(it, true);
      await it.queue({ ...shared, operation: "delete" }, b);
      expect((await it.claimed()).uid).toBe(b);
      expect(await it.events("LockReleased")).toEqual(["LockReleased"]);
    });

    it("E12: a release is told once per hold, when the target is free", async () => {
      const it = open();
      await ended(it, true);
      expect(await it.events("LockReleased", "CooldownActive")).toEqual(["CooldownActive"]);
      await advanceStoreTime(it.db, 5 * minute);
      for (let restart = 0; restart < 3; restart++) await it.release();
      expect(await it.events("LockReleased")).toEqual(["LockReleased"]);
      await it.queue(shared, b);
      const claim = await it.claimed();
      await it.succeed(claim);
      await it.release();
      expect(await it.events("LockReleased")).toEqual(["LockReleased", "LockReleased"]);
    });

    it("E12: whoever takes a cooled target first tells of its release", async () => {
      const it = open();
      await ended(it, true);
      await it.queue(shared, b);
      await advanceStoreTime(it.db, 5 * minute);
      await it.claimed();
      await it.release();
      expect(await it.events("LockReleased")).toEqual(["LockReleased"]);
    });

    it("E13: failures are counted per target and operation, in the store, and delay it", async () => {
      const it = open();
      const claim = await ended(it, false, true);
      expect(await readFailures(it.db, claim.target, "create")).toBe(1);
      expect(await readFailures(it.db, claim.target, "update")).toBe(0);
      await it.queue(shared, b);
      await it.queue({ ...shared, operation: "update" }, c);
      expect((await it.claimed()).uid).toBe(c);
      expect(await it.events("BackoffActive")).toEqual(["BackoffActive"]);
      expect(await nextDueMs(it.db)).toBe(minute);
    });

    it("E13: a step's own retries are none of them", async () => {
      const it = open();
      await it.queue(shared, a);
      const claim = await it.claimed();
      for (let attempt = 0; attempt < 3; attempt++) await it.step(claim, false, true);
      expect(await readFailures(it.db, claim.target, "create")).toBe(0);
    });

    it.each([
      ["a success", async (it: Execution) => it.succeed(await it.claimed())],
      [
        "a retry",
        async (it: Execution) => {
          await it.db.transaction((tx) => resetFailures(tx, testScope, { uid: a, stalled: true }));
        },
      ],
    ])("E14: %s resets the count", async (_, reset) => {
      const it = open();
      const { target, run } = await ended(it, false, true);
      await advanceStoreTime(it.db, minute);
      await enqueue(it.db, a, { ...shared, seen: seenAfter(run) });
      await reset(it);
      expect(await readFailures(it.db, target, "create")).toBe(0);
    });

    it("E14: a new desired hash resets the count", async () => {
      const it = open();
      const { target, run } = await ended(it, false, true);
      await enqueue(it.db, a, { ...shared, hash: "another wish", seen: seenAfter(run) });
      expect(await readFailures(it.db, target, "create")).toBe(0);
      expect((await it.claimed()).uid).toBe(a);
    });

    it("E15: nothing else follows on a target that a failure left unsettled, but deletions", async () => {
      const it = open();
      await it.queue({ target: "node/worker-1" }, a);
      const claim = await it.claimed();
      await it.step(claim, true, true);
      const failure = { retryAfterMs: undefined, blocks: true, counts: false };
      await it.fail(claim, { ...failure, held: "PreviousExecutionFailed" });
      expect(await readResource(it.db, testScope, a)).toMatchObject({
        stalled: true,
        reason: "PreviousExecutionFailed",
      });
      await it.queue({ target: "node/worker-1" }, b);
      expect(await it.claim()).toBeUndefined();
      // The next wish of the one that failed is what clears it.
      const seen = seenAfter(claim.run);
      await enqueue(it.db, a, { target: "node/worker-1", hash: "another wish", seen });
      const next = await it.claimed();
      expect(next.uid).toBe(a);
      await it.succeed(next);
      expect((await it.claimed()).uid).toBe(b);
    });
  });
});
