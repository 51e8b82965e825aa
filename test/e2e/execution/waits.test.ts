/** Execution semantics E8: what a waiting run shows, and that it is the truth. */
import { describe, expect, it } from "vitest";
import type { Uid } from "../../../src/model/uid.ts";
import { listEvents } from "../../../src/store/events.ts";
import { listWaits } from "../../../src/store/waits.ts";
import { advanceStoreTime, setStoreTime } from "../../support/database.ts";
import { minute, onEachExecution, start, type Execution } from "../../support/execution.ts";
import { enqueue, testScope, uidOf } from "../../support/runs.ts";

const [a, b, c] = [uidOf("a"), uidOf("b"), uidOf("c")];
const shared = { target: "node/worker-1", declared: true };
const after = (ms: number): string => new Date(start.getTime() + ms).toISOString();
const exhausted = { retryAfterMs: undefined, held: "ExhaustedRetries" };
const unsettled = {
  retryAfterMs: undefined,
  held: "PreviousExecutionFailed",
  blocks: true,
  counts: false,
};

describe("waits", () => {
  onEachExecution((open) => {
    const opened = async (): Promise<Execution> => {
      const it = open();
      await setStoreTime(it.db, start);
      return it;
    };
    const waitsOf = async ({ db }: Execution, uid: Uid) =>
      (await listWaits(db, testScope, uid)).get(uid) ?? [];
    const reasonsOf = async (it: Execution, uid: Uid) =>
      (await waitsOf(it, uid)).map(({ reason }) => reason);
    const by = (uid: Uid, run: string, scope = testScope) => ({ ...scope, uid, run });

    it("E8: a run behind a busy target shows the run that has it, of whatever repository", async () => {
      const it = await opened();
      const scope = { repository: "elsewhere", environment: "default" };
      await it.queue({ ...shared, scope }, a);
      const { run } = await it.claimed();
      await it.queue(shared, b);
      expect(await waitsOf(it, b)).toEqual([
        { reason: "ResourceBusy", blocker: by(a, run, scope), until: null },
      ]);
    });

    it("E8: a run behind a cooling target shows who left it so, and when it ends", async () => {
      const it = await opened();
      await it.queue(shared, a, b);
      const claim = await it.claimed();
      await it.step(claim, true);
      await it.succeed(claim);
      await it.queue({ ...shared, operation: "delete" }, c);
      expect(await listWaits(it.db, testScope)).toEqual(
        new Map([
          [b, [{ reason: "CooldownActive", blocker: by(a, claim.run), until: after(5 * minute) }]],
        ]),
      );
      await advanceStoreTime(it.db, 5 * minute);
      expect(await waitsOf(it, b)).toEqual([]);
    });

    it("E8: a failure shows when it is tried again, and so does a run that waits with it", async () => {
      const it = await opened();
      await it.queue(shared, a, b);
      const claim = await it.claimed();
      await it.step(claim, false, true);
      await it.fail(claim);
      const wait = { reason: "BackoffActive", blocker: by(a, claim.run), until: after(minute) };
      expect(await listWaits(it.db, testScope)).toEqual(
        new Map([
          [a, [wait]],
          [b, [wait]],
        ]),
      );
      await advanceStoreTime(it.db, minute);
      expect(await listWaits(it.db, testScope)).toEqual(new Map());
    });

    it("E8: a resource that failed too often shows that, until another spec is queued", async () => {
      const it = await opened();
      await it.queue({}, a);
      const claim = await it.claimed();
      const { run } = claim;
      await it.fail(claim, exhausted);
      expect(await waitsOf(it, a)).toEqual([
        { reason: "ExhaustedRetries", blocker: by(a, run), until: null },
      ]);
      await enqueue(it.db, a, { hash: "another wish", seen: { revision: 0, run } });
      expect(await waitsOf(it, a)).toEqual([]);
      expect((await it.claimed()).uid).toBe(a);
    });

    it("E8: a target that a failure left unsettled shows that run to all that wait for it", async () => {
      const it = await opened();
      await it.queue({ target: shared.target }, a, b);
      const claim = await it.claimed();
      await it.step(claim, true, true);
      await it.fail(claim, unsettled);
      const wait = { reason: "PreviousExecutionFailed", blocker: by(a, claim.run), until: null };
      expect(await waitsOf(it, a)).toEqual([wait]);
      expect(await waitsOf(it, b)).toEqual([wait]);
    });

    it("E8: of several reasons all are listed, in their order", async () => {
      const it = await opened();
      await it.queue(shared, a);
      const first = await it.claimed();
      await it.fail(first, exhausted);
      await it.queue({ ...shared, operation: "update" }, b, c);
      const second = await it.claimed();
      await it.step(second, true, true);
      await it.fail(second, unsettled);
      expect(await reasonsOf(it, a)).toEqual([
        "PreviousExecutionFailed",
        "ExhaustedRetries",
        "CooldownActive",
      ]);
      expect(await reasonsOf(it, b)).toEqual(["PreviousExecutionFailed", "CooldownActive"]);
      expect(await reasonsOf(it, c)).toEqual(["PreviousExecutionFailed", "CooldownActive"]);
    });

    it("E8: backoff comes before a busy target", async () => {
      const it = await opened();
      await it.queue(shared, a);
      await it.fail(await it.claimed());
      await it.queue({ ...shared, operation: "update" }, b);
      await it.claimed();
      expect(await reasonsOf(it, a)).toEqual(["BackoffActive", "ResourceBusy"]);
    });

    it("E8: who may start, runs or succeeded waits for nothing", async () => {
      const it = await opened();
      await it.queue({}, a, b, c);
      await it.succeed(await it.claimed());
      await it.claimed();
      expect(await listWaits(it.db, testScope)).toEqual(new Map());
    });

    const startedFor = async ({ db }: Execution, uid: Uid) =>
      (await listEvents(db, testScope, { uid, types: ["RunStarted"], limit: 1 }))[0]?.data[
        "reason"
      ];

    it.each<[string, string | undefined, (it: Execution) => Promise<void>]>([
      [
        "a busy target",
        "ResourceBusy",
        async (it) => {
          await it.queue(shared, a);
          const claim = await it.claimed();
          await it.queue(shared, b);
          await advanceStoreTime(it.db, minute / 2);
          await it.succeed(claim);
        },
      ],
      [
        "a cooldown",
        "CooldownActive",
        async (it) => {
          await cooled(it);
          await it.queue(shared, b);
          await advanceStoreTime(it.db, 5 * minute);
        },
      ],
      [
        "a cooldown whose end was told already",
        "CooldownActive",
        async (it) => {
          await cooled(it);
          await it.queue(shared, b);
          await advanceStoreTime(it.db, 5 * minute);
          await it.release();
        },
      ],
      [
        "a backoff",
        "BackoffActive",
        async (it) => {
          await it.queue(shared, a);
          await it.fail(await it.claimed());
          await it.queue(shared, b);
          await advanceStoreTime(it.db, minute);
        },
      ],
      [
        "a worker only",
        undefined,
        async (it) => {
          await cooled(it);
          await advanceStoreTime(it.db, 5 * minute);
          await it.queue(shared, b);
        },
      ],
    ])("E8: a run that waited for %s says so when it starts", async (_, reason, wait) => {
      const it = await opened();
      await wait(it);
      expect((await it.claimed()).uid).toBe(b);
      expect(await startedFor(it, b)).toBe(reason);
    });

    /** The shared target cools after a run of `a`, since a millisecond ago. */
    const cooled = async (it: Execution): Promise<void> => {
      await it.queue(shared, a);
      const claim = await it.claimed();
      await it.step(claim, true);
      await it.succeed(claim);
      await advanceStoreTime(it.db, 1);
    };
  });
});
