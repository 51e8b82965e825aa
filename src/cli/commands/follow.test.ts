import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { virtualClock, type VirtualClock } from "../../../test/support/clock.ts";
import { databases, openTestDatabase } from "../../../test/support/database.ts";
import {
  claimed,
  emptyTables,
  enqueue,
  testScope,
  uidOf,
  wish,
} from "../../../test/support/runs.ts";
import { fenced } from "../../store/claims.ts";
import type { Database } from "../../store/database.ts";
import { appendEvents } from "../../store/events.ts";
import { recordActive } from "../../store/outcomes.ts";
import { appendLog, startStep } from "../../store/steps.ts";
import { followEvents } from "./events.ts";
import { followLogs } from "./logs.ts";

const never = new AbortController().signal;

describe.each(databases())("following on %s", (kind) => {
  let db: Database;
  let clock: VirtualClock;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await emptyTables(db);
    clock = virtualClock();
  });

  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await setImmediate();
  };

  it("logs are written as they come, and it ends with the run", async () => {
    await wish(db, [uidOf("a")]);
    await enqueue(db, uidOf("a"));
    const claim = await claimed(db);
    const step = { index: 0, name: "first", type: "mock", readOnly: false };
    await fenced(db, claim, (tx) => startStep(tx, claim.run, step));
    await appendLog(db, claim, "first", "one\n");
    const written: string[] = [];
    const following = followLogs({ db, clock }, claim.run, (it) => written.push(it.text), never);
    await until(() => clock.sleepers === 1);
    expect(written).toEqual(["one\n"]);

    await appendLog(db, claim, "first", "two\n");
    await clock.advance(1_000);
    await until(() => written.length === 2 && clock.sleepers === 1);

    await appendLog(db, claim, "first", "three\n");
    await fenced(db, claim, async (tx) => {
      await recordActive(tx, claim, { outputs: {}, secretRefs: {} });
      await tx.query(`select pg_notify('innominatus', 'ended')`);
    });
    // Heard, not polled for: the clock stands still.
    expect(await following).toMatchObject({ id: claim.run, state: "succeeded" });
    expect(written).toEqual(["one\n", "two\n", "three\n"]);
  });

  it("logs of a run that has ended are written, and that is all", async () => {
    await wish(db, [uidOf("a")]);
    await enqueue(db, uidOf("a"));
    const claim = await claimed(db);
    await fenced(db, claim, (tx) => recordActive(tx, claim, { outputs: {}, secretRefs: {} }));
    const written: string[] = [];
    await followLogs({ db, clock }, claim.run, (it) => written.push(it.text), never);
    expect(written).toEqual([]);
  });

  it("events are told oldest first, each once, until it is stopped", async () => {
    const write = (type: string) =>
      db.transaction((tx) =>
        appendEvents(tx, [{ ...testScope, type, actor: "ann" }], clock.now().getTime()),
      );
    await write("CommitPlanned");
    await write("PlanApproved");
    const told: string[] = [];
    const stop = new AbortController();
    const wanted = [{ scope: testScope, filter: { limit: 50 } }];
    const following = followEvents({ db, clock }, wanted, (it) => told.push(it.type), stop.signal);
    await until(() => clock.sleepers === 1);
    await write("BlockCleared");
    await clock.advance(1_000);
    await until(() => clock.sleepers === 1);
    expect(told).toEqual(["CommitPlanned", "PlanApproved", "BlockCleared"]);
    stop.abort();
    await following;
  });
});
