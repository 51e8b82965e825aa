import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { openSink } from "../report/audit/sink.ts";
import type { Database } from "../store/database.ts";
import { appendEvents, listEvents } from "../store/events.ts";
import { outboxFigures } from "../store/outbox.ts";
import { openTestSink, type SinkFault, type TestSink } from "../../test/support/audit-sink.ts";
import { virtualClock, type VirtualClock } from "../../test/support/clock.ts";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import { doomedDatabase } from "../../test/support/failing-database.ts";
import { claimed, emptyTables, testScope, uidOf } from "../../test/support/runs.ts";
import { servicesOn, stepType } from "../../test/support/services.ts";
import { enqueueSteps } from "../../test/support/workflows.ts";
import { sendAudit, sendPending } from "./audit-sender.ts";
import { workOn } from "./worker.ts";

const start = new Date("2026-01-01T00:00:00Z");
const never = new AbortController().signal;
const day = 86_400_000;

let sink: TestSink;
let clock: VirtualClock;
beforeAll(async () => {
  sink = await openTestSink();
});
afterAll(() => sink.close());

describe.each(databases())("delivery of the audit trail from %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await emptyTables(db);
    await db.query(
      `update audit_sender set expires_at = '-infinity', not_before = '-infinity', failures = 0`,
    );
    await setStoreTime(db, start);
    clock = virtualClock(start);
    sink.reset();
  });

  /** Events of these plans, one after the other. @returns their ids, in the order written */
  const write = async (correlations: readonly string[], note = ""): Promise<string[]> => {
    const facts = correlations.map((correlation) => ({
      ...testScope,
      type: "CommitPlanned",
      actor: "ann",
      correlation,
      data: { note },
    }));
    await db.transaction((tx) => appendEvents(tx, facts, start.getTime()));
    const events = await listEvents(db, testScope, { limit: facts.length });
    return events.map((it) => it.id).toReversed();
  };
  const send = (on: Database = db, holder = "one", signal = never) => {
    const post = openSink({ url: `${sink.url}/`, token: "t0ken", timeoutMs: 10_000, clock, fetch });
    const observe = { delivered: () => {}, quarantined: () => {}, putOff: () => {} };
    return sendPending({ db: on, holder, random: () => 0.5 }, { post, observe }, signal);
  };
  const deliveries = async (): Promise<readonly string[]> =>
    (await listEvents(db, testScope, { limit: 1_000 })).map((it) => it.delivery).toReversed();

  it("E23: a batch is a JSON array of at most 100 events in their order, with the token", async () => {
    const ids = await write(Array.from({ length: 150 }, (_, index) => `plan-${index % 3}`));
    await send();
    expect(sink.requests.map((it) => it.length)).toEqual([100, 50]);
    expect(sink.kept).toEqual(ids);
    expect(sink.bodies[0]).toMatch(/^POST \/api\/v1\/audit\/events\/batch\n\[\{"event_id":/);
    expect(sink.headers[0]).toMatchObject({
      authorization: "Bearer t0ken",
      "content-type": "application/json",
    });
    expect(new Set(await deliveries())).toEqual(new Set(["delivered"]));
    await send();
    expect(sink.requests).toHaveLength(2);
  });

  it("E23: no request is larger than 1 MiB", async () => {
    const ids = await write(["a", "b", "c", "d"], "x".repeat(400_000));
    await send();
    expect(sink.kept).toEqual(ids);
    for (const body of sink.bodies) expect(body.length).toBeLessThan(1_048_700);
  });

  it("E23: an event that is larger than 1 MiB by itself is quarantined unsent, the others go", async () => {
    const [first] = await write(["a"]);
    await write(["a"], "x".repeat(1_100_000));
    const [last] = await write(["a"]);
    await send();
    expect(sink.kept).toEqual([first, last]);
    expect(await deliveries()).toEqual(["delivered", "quarantined", "delivered"]);
  });

  it.each([201, 202, 409])("E23: an answer of %i counts as delivered", async (status) => {
    await write(["a", "a"]);
    sink.script.push({ status });
    await send();
    expect(sink.requests).toHaveLength(1);
    expect(await deliveries()).toEqual(["delivered", "delivered"]);
  });

  it("E23: one process delivers at a time", async () => {
    await write(["a"]);
    let second: unknown = "not tried";
    sink.onRequest = async () => {
      second = await send(db, "two");
    };
    await send();
    expect(second).toBeUndefined();
    expect(sink.requests).toHaveLength(1);
  });

  it("E23: who was paused past its lease marks nothing, and the next delivers the same ids", async () => {
    const ids = await write(["a"]);
    sink.onRequest = async () => {
      sink.onRequest = () => undefined;
      await advanceStoreTime(db, 31_000);
      sink.script.push({ status: 500 });
      await send(db, "two");
      sink.script.push({ status: 201 });
    };
    await expect(send()).rejects.toThrow("another process delivers now");
    expect(await deliveries()).toEqual(["pending"]);
    await advanceStoreTime(db, 1_000);
    await send(db, "two");
    expect(await deliveries()).toEqual(["delivered"]);
    expect(sink.requests).toEqual([ids, ids, ids]);
  });

  it.each([400, 413, 422])(
    "E24: a batch refused with %i is halved, and what is poisoned kept aside with the problem",
    async (status) => {
      const ids = await write(Array.from({ length: 10 }, (_, index) => `plan-${index % 2}`));
      const [, , , bad = ""] = ids;
      sink.poisoned.add(bad);
      sink.script.push({ status });
      await send();
      expect(sink.kept).toEqual(ids.filter((it) => it !== bad));
      const events = await listEvents(db, testScope, { limit: 10, undelivered: true });
      expect(events).toMatchObject([{ id: bad, delivery: "quarantined" }]);
      expect(events[0]?.problem).toBe("400: no; event_type is unknown");
      const asked = sink.requests.length;
      await advanceStoreTime(db, day);
      await send();
      expect(sink.requests).toHaveLength(asked);
    },
  );

  const faults: readonly (readonly [string, SinkFault])[] = [
    ...[401, 403, 408, 429, 500, 502, 503, 504].map(
      (status) => [String(status), { status }] as const,
    ),
    ["404, from a wrong address", { status: 404 }],
    ["200, from a login page", { status: 200 }],
    ["302", { status: 302, headers: { location: "/login" } }],
    ["a cut connection", { cut: "before" }],
    ["a cut after the events were kept", { cut: "after" }],
  ];
  it.each(faults)("E24: after %s the same ids are sent again", async (_, fault) => {
    const ids = await write(["a", "b", "a"]);
    sink.script.push(fault);
    expect(await send()).toMatchObject({ failures: 1, delayMs: 1_000 });
    expect(await deliveries()).toEqual(["pending", "pending", "pending"]);
    expect(await send()).toBeUndefined();
    await advanceStoreTime(db, 1_000);
    await send();
    expect(sink.requests).toEqual([ids, ids]);
    expect(sink.kept).toEqual(ids);
    expect(await deliveries()).toEqual(["delivered", "delivered", "delivered"]);
  });

  it("E24: a sink that never answers is given up on, and asked again", async () => {
    await write(["a"]);
    sink.script.push({ hangs: true });
    const sent = send();
    while (clock.sleepers === 0 || sink.requests.length === 0) await setImmediate();
    await clock.advance(10_000);
    expect(await sent).toMatchObject({ problem: "no answer within 10000 ms", delayMs: 1_000 });
    expect(await deliveries()).toEqual(["pending"]);
  });

  it("E24: waits grow from 1 s to 5 min, over restarts, and begin anew after a delivery", async () => {
    await write(["a"]);
    const delays: number[] = [];
    for (let tries = 0; tries < 11; tries++) {
      sink.script.push({ status: 503 });
      const { delayMs = 0 } = (await send(db, `process ${tries}`)) ?? {};
      delays.push(delayMs / 1_000);
      await advanceStoreTime(db, delayMs);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    await send();
    await write(["a"]);
    sink.script.push({ status: 503 });
    expect(await send()).toMatchObject({ delayMs: 1_000 });
  });

  it.each([
    ["120", 120_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["soon", 1_000],
    ["999999999", 3_600_000],
  ])("E24: Retry-After: %s is honoured", async (value, delayMs) => {
    await write(["a"]);
    sink.script.push({ status: 429, headers: { "retry-after": value } });
    expect(await send()).toMatchObject({ delayMs });
    await advanceStoreTime(db, delayMs - 1);
    expect(await send()).toBeUndefined();
    await advanceStoreTime(db, 1);
    await send();
    expect(await deliveries()).toEqual(["delivered"]);
  });

  it("E24: a process killed at any write loses nothing and keeps the order", async () => {
    for (const dies of ["before", "after"] as const) {
      for (let write_ = 1; write_ <= 9; write_++) {
        await emptyTables(db);
        sink.reset();
        const ids = await write(["a", "b", "a", "b"]);
        sink.poisoned.add(ids[1] ?? "");
        const doomed = doomedDatabase(db, { write: write_, dies });
        await send(doomed, "killed").catch(() => undefined);
        await advanceStoreTime(db, 31_000);
        await send(db, "next");
        expect(sink.kept).toEqual(ids.filter((_, index) => index !== 1));
        expect(await deliveries()).toEqual(["delivered", "quarantined", "delivered", "delivered"]);
      }
    }
  });

  it("E26: what a dead sink has not taken is counted, with its age and the reason", async () => {
    await write(["a", "b"]);
    await advanceStoreTime(db, 3 * 3_600_000);
    sink.script.push({ status: 503 });
    await send();
    expect(await outboxFigures(db)).toEqual({
      pending: 2,
      quarantined: 0,
      oldestMs: 3 * 3_600_000,
      failures: 1,
      problem: "503: no; event_type is unknown",
    });
    await advanceStoreTime(db, 1_000);
    await send();
    expect(await outboxFigures(db)).toMatchObject({ pending: 0, oldestMs: 0, problem: null });
  });

  it("stops between two requests when the process does, and goes on at once with the next", async () => {
    await write(Array.from({ length: 150 }, () => "a"));
    const stopping = new AbortController();
    sink.onRequest = () => stopping.abort(new Error("stopping"));
    await expect(send(db, "one", stopping.signal)).rejects.toThrow("stopping");
    sink.onRequest = () => undefined;
    await send(db, "two");
    expect(new Set(await deliveries())).toEqual(new Set(["delivered"]));
  });

  const anyFault: fc.Arbitrary<SinkFault> = fc.oneof(
    fc.constantFrom(201, 202, 409, 400, 413, 422, 401, 429, 500, 200).map((status) => ({ status })),
    fc.constantFrom("before" as const, "after" as const).map((cut) => ({ cut })),
  );
  it("E24: whatever the answers and wherever it is killed, each event is delivered or quarantined, in order per plan", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 12 }),
        fc.array(anyFault, { maxLength: 15 }),
        fc.array(
          fc.record({
            write: fc.integer({ min: 1, max: 8 }),
            dies: fc.constantFrom("before" as const, "after" as const),
          }),
          { maxLength: 3 },
        ),
        async (plans, answers, kills) => {
          await emptyTables(db);
          sink.reset();
          const ids = await write(plans);
          sink.script.push(...answers);
          for (const kill of kills) {
            await send(doomedDatabase(db, kill)).catch(() => undefined);
            await advanceStoreTime(db, day);
          }
          for (let round = 0; round <= answers.length; round++) {
            await send();
            await advanceStoreTime(db, day);
          }
          const states = await deliveries();
          expect(states).not.toContain("pending");
          const { kept } = sink;
          const delivered = ids.filter((_, index) => states[index] === "delivered");
          expect(kept).toEqual(expect.arrayContaining(delivered));
          for (const plan of new Set(plans)) {
            const ofPlan = ids.filter((id, index) => plans[index] === plan && kept.includes(id));
            expect(kept.filter((id) => ofPlan.includes(id))).toEqual(ofPlan);
          }
        },
      ),
      { numRuns: kind === "postgres" ? 30 : 15 },
    ));
});

describe.each(databases())("the sender on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());

  it("E26: tries again by itself, says once that a sink is away, and delays no run", async () => {
    sink.reset();
    clock = virtualClock(start);
    await setStoreTime(db, start);
    const uid = uidOf("a");
    await enqueueSteps(db, uid, [{ name: "first", type: "scripted" }]);
    const [stop, lines] = [new AbortController(), new Array<string>()];
    const services = servicesOn(db, {
      clock,
      executors: [stepType("scripted", () => Promise.resolve({}))],
      onLog: (line) => lines.push(line),
    });
    const post = openSink({ url: sink.url, token: undefined, timeoutMs: 10_000, clock, fetch });
    const counts = { delivered: 0, quarantined: 0, putOff: 0 };
    const observe = {
      delivered: (count: number) => (counts.delivered += count),
      quarantined: () => (counts.quarantined += 1),
      putOff: () => (counts.putOff += 1),
    };
    sink.script.push({ hangs: true }, { status: 503 });
    const sending = sendAudit(services, { post, intervalMs: 1_000, observe }, stop.signal);
    const fact = { ...testScope, type: "CommitPlanned", actor: "ann" };
    await db.transaction((tx) => appendEvents(tx, [fact], start.getTime()));
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) {
        await clock.advance(100);
        await advanceStoreTime(db, 100);
      }
    };
    await until(() => sink.requests.length === 1);

    // The sink has the request and says nothing; a run is performed to its end meanwhile.
    const claim = await claimed(db);
    expect(await workOn(services, claim, never)).toBe("done");
    expect(counts).toEqual({ delivered: 0, quarantined: 0, putOff: 0 });

    const again = "audit events are delivered again";
    await until(() => lines.some((it) => it.includes(again)));
    expect(counts.putOff).toBe(2);
    const [planned] = (await listEvents(db, testScope, { limit: 50 })).toReversed();
    expect(sink.kept[0]).toBe(planned?.id);
    expect((await outboxFigures(db)).pending).toBe(0);
    const told = lines.map((it) => line.parse(JSON.parse(it)).msg);
    expect(told.filter((it) => it.includes("not delivered"))).toHaveLength(2);
    expect(told.at(-1)).toBe(again);
    stop.abort();
    await sending;
  });
});

const line = z.looseObject({ msg: z.string() });
