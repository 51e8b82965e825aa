/** Who is served first: a share for each repository, a cap for each provider, and how long the queue is. */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Claim } from "../../../src/model/run.ts";
import type { Scope } from "../../../src/model/uid.ts";
import { claimRuns, fenced } from "../../../src/store/claims.ts";
import type { Database } from "../../../src/store/database.ts";
import { storeFigures } from "../../../src/store/figures.ts";
import { recordActive, recordFailed } from "../../../src/store/outcomes.ts";
import { openPostgres } from "../../../src/store/postgres.ts";
import { enqueueRuns } from "../../../src/store/runs.ts";
import { advanceStoreTime, createTestPostgres, setStoreTime } from "../../support/database.ts";
import { minute, onEachExecution, start } from "../../support/execution.ts";
import { claimOptions, queuedRun, uidOf, wish } from "../../support/runs.ts";

const noisy: Scope = { repository: "noisy", environment: "default" };
const quiet: Scope = { repository: "quiet", environment: "default" };
const nothing = { outputs: {}, secretRefs: {} };

async function enqueueMany(
  db: Database,
  scope: Scope,
  count: number,
  provider = "team",
): Promise<void> {
  const uids = Array.from({ length: count }, (_, index) => uidOf(`${provider}-${index}`));
  await wish(db, uids, scope);
  const runs = uids.map((uid) => ({
    ...queuedRun(uid, { provider }),
    target: `${scope.repository}/${scope.environment}/${uid}`,
  }));
  await db.transaction((tx) => enqueueRuns(tx, scope, runs, start.getTime()));
}

describe("fairness", () => {
  onEachExecution((open) => {
    it("a repository with 1,000 queued runs delays another's three by no more than a run each", async () => {
      const on = open();
      const { db } = on;
      await setStoreTime(db, start);
      await enqueueMany(db, noisy, 1_000);
      const running: Claim[] = [];
      for (let slot = 0; slot < 4; slot++) running.push(await on.claimed());
      expect(await on.claim()).toBeUndefined();
      await advanceStoreTime(db, minute / 2);
      await enqueueMany(db, quiet, 3);

      const served: string[] = [];
      while (served.filter((it) => it === "quiet").length < 3) {
        const oldest = running.shift();
        if (oldest !== undefined) await on.succeed(oldest);
        const next = await on.claimed();
        running.push(next);
        served.push(next.repository);
      }
      // The two that are served first have half of the slots: the third has its turn with them.
      expect(served).toEqual(["quiet", "quiet", "noisy", "noisy", "quiet"]);
    });

    it.each([1, 3, 8])(
      "as many lanes as a repository has, it has one share, %s at once",
      async (atMost) => {
        const on = open();
        const { db } = on;
        await setStoreTime(db, start);
        for (const provider of ["one", "two", "three"]) await enqueueMany(db, noisy, 50, provider);
        await advanceStoreTime(db, minute);
        await enqueueMany(db, quiet, 50, "four");
        const served: string[] = [];
        while (served.length < 8) {
          const most = Math.min(atMost, 8 - served.length);
          const claims = await claimRuns(db, claimOptions("worker", { atMost: most }));
          served.push(...claims.map((it) => it.repository));
        }
        expect(served.filter((it) => it === "quiet")).toHaveLength(4);
      },
    );

    it("the queue's age is that of the run that has waited longest, and gone with it", async () => {
      const on = open();
      const { db } = on;
      await setStoreTime(db, start);
      const queued = async () => {
        const { queueDepth, queueOldestMs } = await storeFigures(db, false);
        return { queueDepth, queueOldestMs };
      };
      expect(await queued()).toEqual({ queueDepth: 0, queueOldestMs: 0 });
      await on.queue({}, uidOf("a"));
      await advanceStoreTime(db, 3 * minute);
      await on.queue({}, uidOf("b"));
      await advanceStoreTime(db, minute);
      expect(await queued()).toEqual({ queueDepth: 2, queueOldestMs: 4 * minute });
      expect((await on.claimed()).uid).toBe(uidOf("a"));
      expect(await queued()).toEqual({ queueDepth: 1, queueOldestMs: minute });
      await on.claimed();
      expect(await queued()).toEqual({ queueDepth: 0, queueOldestMs: 0 });
    });
  });
});

describe("three controllers on one PostgreSQL", () => {
  const closing: (() => Promise<void>)[] = [];
  const controllers: Database[] = [];
  beforeAll(async () => {
    const { url, remove } = await createTestPostgres();
    closing.push(remove);
    for (let count = 0; count < 4; count++) {
      const db = await openPostgres(url);
      closing.push(() => db.close());
      controllers.push(db);
    }
  }, 60_000);
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });

  it("never have more than four runs of one provider under way, whoever claims when", async () => {
    const [watcher, ...claiming] = controllers;
    if (watcher === undefined) throw new Error("no controller was opened");
    await enqueueMany(watcher, noisy, 60);
    await enqueueMany(watcher, quiet, 20);
    await enqueueMany(watcher, quiet, 40, "other");

    const inHand = new Map<string, number>();
    const most = new Map<string, number>();
    const see = (provider: string, count: number): void =>
      void most.set(provider, Math.max(most.get(provider) ?? 0, count));
    const change = (provider: string, by: number): void => {
      const count = (inHand.get(provider) ?? 0) + by;
      inHand.set(provider, count);
      see(provider, count);
    };
    let ended = 0;
    const work = async (db: Database, name: string, atMost: number): Promise<void> => {
      for (let misses = 0; ended < 120;) {
        const claims = await claimRuns(db, claimOptions(name, { atMost }));
        if (claims.length === 0) {
          if (misses++ > 10_000) throw new Error(`${name} finds nothing: ${ended} have ended`);
          await setImmediate();
          continue;
        }
        const providerOf = ({ uid }: Claim) => (uid.includes("#other") ? "other" : "team");
        for (const claim of claims) change(providerOf(claim), 1);
        for (let turn = 0; turn < 3; turn++) await db.query("select 1");
        for (const claim of claims) {
          change(providerOf(claim), -1);
          const isFailure = ended % 5 === 0;
          const failure = { reason: "TaskFailed", message: "no", retryAfterMs: undefined };
          await fenced(db, claim, (tx) =>
            isFailure ? recordFailed(tx, claim, failure) : recordActive(tx, claim, nothing),
          );
          ended += 1;
        }
      }
    };
    const watch = async (): Promise<void> => {
      const row = z.object({ provider: z.string(), count: z.coerce.number() });
      while (ended < 120) {
        const { rows } = await watcher.query(
          `select provider, count(*) as count from runs where state = 'running' group by provider`,
        );
        for (const it of rows.map((found) => row.parse(found))) see(it.provider, it.count);
      }
    };
    // More workers than slots, so that some always claim in vain; each claims another number at once.
    const workers = claiming.flatMap((db, index) =>
      Array.from({ length: 4 }, (_, worker) =>
        work(db, `controller-${index}-${worker}`, worker + 1),
      ),
    );
    await Promise.all([watch(), ...workers]);
    expect(ended).toBe(120);
    expect(Object.fromEntries(most)).toEqual({ other: 4, team: 4 });
  }, 60_000);
});
