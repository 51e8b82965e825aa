/** Runs on targets, on a stopped store clock: for tests of who may run when. */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import type { Claim } from "../../src/model/run.ts";
import type { Uid } from "../../src/model/uid.ts";
import { fencedAfter, nothingUnwritten } from "../../src/store/advance.ts";
import { fenced, type ClaimOptions } from "../../src/store/claims.ts";
import type { Database } from "../../src/store/database.ts";
import { appendEvents, listEvents } from "../../src/store/events.ts";
import { recordActive, recordFailed, type Failure, type Told } from "../../src/store/outcomes.ts";
import { releaseCooled } from "../../src/store/locks.ts";
import { failStep, startStep } from "../../src/store/steps.ts";
import { databases, openTestDatabase, setStoreTime } from "./database.ts";
import {
  claimOptions,
  claimRun,
  emptyTables,
  enqueue,
  testScope,
  wish,
  type Enqueued,
} from "./runs.ts";

export const start = new Date("2026-01-01T00:00:00Z");
export const minute = 60_000;

export interface Execution {
  readonly db: Database;
  /** Wishes for these and queues a run for each, in this order. */
  queue(more: Enqueued, ...uids: readonly Uid[]): Promise<void>;
  claim(more?: Partial<ClaimOptions>): Promise<Claim | undefined>;
  /** As `claim`; fails the test where there is nothing. */
  claimed(more?: Partial<ClaimOptions>): Promise<Claim>;
  /** Its only step ended, with effect or without; when, by an engine's clock. */
  step(claim: Claim, effect: boolean, failed?: boolean, engineAt?: string): Promise<void>;
  succeed(claim: Claim): Promise<void>;
  fail(claim: Claim, failure?: Partial<Failure>): Promise<void>;
  /** Frees what has cooled down, as the dispatcher does. */
  release(): Promise<number>;
  /** Of this scope, oldest first; only these types, where some are given. */
  events(...types: readonly string[]): Promise<readonly string[]>;
}

/** The same tests on both stores, with the store's clock stopped at `start` before each. */
export function onEachExecution(tests: (open: () => Execution) => void): void {
  describe.each(databases())("on %s", (kind) => {
    let db: Database | undefined;
    beforeAll(async () => {
      db = await openTestDatabase(kind);
    }, 60_000);
    afterAll(() => db?.close());
    afterEach(async () => {
      if (db === undefined) return;
      await setStoreTime(db, undefined);
      await emptyTables(db);
    });
    tests(() => {
      if (db === undefined) throw new Error("the database is not open");
      return execution(db);
    });
  });
}

const nowMs = start.getTime();

function execution(db: Database): Execution {
  const claim = (more: Partial<ClaimOptions> = {}) => claimRun(db, claimOptions("worker", more));
  const ended = async (it: Claim, told: readonly Told[]): Promise<void> => {
    await db.transaction((tx) =>
      appendEvents(
        tx,
        told.map((fact) => factOf(it, fact)),
        nowMs,
      ),
    );
  };
  return {
    db,
    async queue(more, ...uids) {
      await wish(db, uids, more.scope ?? testScope);
      for (const uid of uids) await enqueue(db, uid, more);
    },
    claim,
    async claimed(more) {
      const found = await claim(more);
      if (found === undefined) throw new Error("there was nothing to claim");
      return found;
    },
    async step(it, effect, failed = false, engineAt) {
      const step = { index: 0, name: "do", type: "mock", readOnly: !effect };
      await fenced(db, it, (tx) => startStep(tx, it.run, step));
      const told = { reason: "TaskFailed", retryable: true, effect, detail: "no" };
      const fault = engineAt === undefined ? undefined : { ...told, at: engineAt };
      const end = { step: "do", sealed: new Uint8Array(), names: [] };
      const ended = engineAt === undefined ? end : { ...end, completedAt: engineAt };
      if (failed) await fenced(db, it, (tx) => failStep(tx, it.run, "do", "no", fault));
      else await fencedAfter(db, it, { ...nothingUnwritten(), ended }, async () => undefined);
    },
    async succeed(it) {
      const outputs = { outputs: {}, secretRefs: {} };
      await ended(it, await fenced(db, it, (tx) => recordActive(tx, it, outputs)));
    },
    async fail(it, failure = {}) {
      const whole = { reason: "RunFailed", message: "it broke", retryAfterMs: minute, ...failure };
      await ended(it, await fenced(db, it, (tx) => recordFailed(tx, it, whole)));
    },
    release: () => db.transaction((tx) => releaseCooled(tx, nowMs)),
    async events(...types) {
      const all = await listEvents(db, testScope, { limit: 1_000 });
      const named = all.map((it) => it.type).toReversed();
      return types.length === 0 ? named : named.filter((it) => types.includes(it));
    },
  };
}

const factOf = ({ repository, environment, uid, run }: Claim, told: Told) => ({
  repository,
  environment,
  uid,
  run,
  actor: "innominatus",
  ...told,
});
