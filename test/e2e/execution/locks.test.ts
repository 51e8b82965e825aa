/** Execution semantics §1: targets and locks. */
import { describe, expect, it } from "vitest";
import { LeaseLostError } from "../../../src/model/errors.ts";
import { lockName } from "../../../src/model/target.ts";
import { fenced, renewLease } from "../../../src/store/claims.ts";
import { applyCooldowns } from "../../../src/store/locks.ts";
import { recordSuperseded, recordWaiting } from "../../../src/store/outcomes.ts";
import { startStep } from "../../../src/store/steps.ts";
import { advanceStoreTime, setStoreTime } from "../../support/database.ts";
import { minute, onEachExecution, start } from "../../support/execution.ts";
import { uidOf } from "../../support/runs.ts";

const [a, b, c] = [uidOf("a"), uidOf("b"), uidOf("c")];
const shared = { target: "node/worker-1", declared: true };
const otherScope = { repository: "elsewhere", environment: "default" };

describe("locks", () => {
  onEachExecution((open) => {
    it("E1: a lock's row has the whole digest as its key, and its name begins with it", async () => {
      const it = open();
      await it.queue({ target: "payment/deployment/payment-api", declared: true }, a);
      await it.claimed();
      const { rows } = await it.db.query(
        `select 'wfe-' || left(key, 16) as name, length(key) as length from locks`,
      );
      expect(rows).toEqual([{ name: lockName("payment/deployment/payment-api"), length: 64 }]);
    });

    it("E2: of any number of claims at once on one target, one wins", async () => {
      const it = open();
      for (const scope of [undefined, otherScope]) {
        await it.queue({ ...shared, ...(scope === undefined ? {} : { scope }) }, a, b, c);
      }
      const claims = await Promise.all(Array.from({ length: 8 }, () => it.claim()));
      expect(claims.filter((found) => found !== undefined)).toHaveLength(1);
      const { rows } = await it.db.query(`select state, token from locks`);
      expect(rows).toEqual([{ state: "held", token: 1n }]);
    });

    it("E2: different targets do not wait for each other", async () => {
      const it = open();
      await it.queue({}, a, b, c);
      const claims = await Promise.all(Array.from({ length: 3 }, () => it.claim()));
      expect(new Set(claims.map((found) => found?.uid))).toEqual(new Set([a, b, c]));
    });

    it("E2: goes from held to cooling to free", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue(shared, a);
      const states = async () => (await it.db.query(`select state, until from locks`)).rows;
      const claim = await it.claimed();
      expect(await states()).toEqual([{ state: "held", until: null }]);
      await it.step(claim, true);
      await it.succeed(claim);
      const until = new Date(start.getTime() + 5 * minute);
      expect(await states()).toEqual([{ state: "cooling", until }]);
      await advanceStoreTime(it.db, 5 * minute);
      expect(await it.release()).toBe(1);
      expect(await states()).toEqual([{ state: "free", until: null }]);
    });

    it("E3: a waiting run holds its target without a worker, however long", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue(shared, a, b);
      const claim = await it.claimed();
      const wait = { reason: "Running", message: "", retryAfterMs: 30 * 24 * 60 * minute };
      await fenced(it.db, claim, (tx) => recordWaiting(tx, claim, wait));
      const { rows } = await it.db.query(
        `select holder, lease_expires_at from runs where id = $1`,
        [claim.run],
      );
      expect(rows).toEqual([{ holder: null, lease_expires_at: null }]);
      await advanceStoreTime(it.db, 23 * 60 * minute);
      expect(await it.claim()).toBeUndefined();
    });

    it("E3: every run has a deadline, and one that waits is claimable then", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue({}, a);
      await it.queue({ timeoutMs: minute }, b);
      const [first, second] = [await it.claimed(), await it.claimed()];
      const { rows } = await it.db.query(
        `select extract(epoch from deadline_at - started_at)::int as seconds from runs order by id`,
      );
      expect(rows).toEqual([{ seconds: 86_400 }, { seconds: 60 }]);
      const wait = { reason: "Running", message: "", retryAfterMs: 10 * minute };
      for (const claim of [first, second]) {
        await fenced(it.db, claim, (tx) => recordWaiting(tx, claim, wait));
      }
      await advanceStoreTime(it.db, minute);
      expect((await it.claimed()).uid).toBe(b);
      expect(await it.claim()).toBeUndefined();
    });

    it("E3: a holder that has ended, or is missing, holds nothing", async () => {
      const it = open();
      await it.queue(shared, a, b);
      const first = await it.claimed();
      await it.db.query(`delete from runs where id = $1`, [first.run]);
      expect((await it.claimed()).uid).toBe(b);
    });

    it("E4: every claim raises the token, over runs and resources, and it is never reset", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue(shared, a, b);
      const tokens: bigint[] = [];
      for (let lap = 0; lap < 3; lap++) {
        tokens.push((await it.claimed()).token);
        await advanceStoreTime(it.db, minute);
      }
      const claim = await it.claimed();
      await it.succeed(claim);
      tokens.push(claim.token, (await it.claimed()).token);
      expect(tokens).toEqual([1n, 2n, 3n, 4n, 5n]);
    });

    it("E4: a stale write changes nothing, and who lost the lease is told once", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue(shared, a);
      const stale = await it.claimed({ holder: "stale" });
      await advanceStoreTime(it.db, minute);
      await it.claimed({ holder: "fresh" });
      const step = { index: 0, name: "do", type: "mock", readOnly: false };
      const late = [
        () => fenced(it.db, stale, (tx) => startStep(tx, stale.run, step)),
        () => renewLease(it.db, stale, minute),
        () => it.succeed(stale),
      ];
      for (const write of late) await expect(write()).rejects.toThrow(LeaseLostError);
      expect((await it.db.query(`select 1 from steps`)).rows).toEqual([]);
      expect(await it.events("LeaseLost")).toEqual(["LeaseLost"]);
    });

    it("E5: a second release, or one of another's lock, is a no-op", async () => {
      const it = open();
      await it.queue({ target: "node/worker-1" }, a, b);
      const first = await it.claimed();
      await it.succeed(first);
      const second = await it.claimed();
      const impostor = { ...second, token: second.token - 1n };
      for (const claim of [first, impostor]) {
        expect(await it.db.transaction((tx) => recordSuperseded(tx, claim, "Again"))).toEqual([]);
      }
      const { rows } = await it.db.query(`select state, run, token from locks`);
      expect(rows).toEqual([{ state: "held", run: second.run, token: second.token }]);
    });

    it("E6: a run whose worker died is claimable when its lease ends, and holds its target meanwhile", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue(shared, a, b);
      const dead = await it.claimed({ holder: "dead" });
      await advanceStoreTime(it.db, minute - 1);
      expect(await it.claim()).toBeUndefined();
      await advanceStoreTime(it.db, 1);
      expect(await it.claimed({ holder: "next" })).toMatchObject({ run: dead.run, token: 2n });
    });

    it("E11: changing the setting moves the end of a running cooldown, both ways", async () => {
      const it = open();
      await setStoreTime(it.db, start);
      await it.queue(shared, a, b);
      const claim = await it.claimed();
      await it.step(claim, true);
      await it.succeed(claim);
      const set = (targetsMs: number) =>
        applyCooldowns(it.db, { resourcesMs: 0, targetsMs, byTargetMs: {} });
      await set(10 * minute);
      await advanceStoreTime(it.db, 6 * minute);
      expect(await it.claim()).toBeUndefined();
      await set(6 * minute);
      expect((await it.claimed()).uid).toBe(b);
    });
  });
});
