import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setImmediate } from "node:timers/promises";
import pino from "pino";
import { z } from "zod";
import { virtualClock } from "../../test/support/clock.ts";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import { emptyTables, testScope } from "../../test/support/runs.ts";
import type { Database } from "../store/database.ts";
import { appendEvents, listEvents } from "../store/events.ts";
import { saveReceived } from "../store/received-events.ts";
import { pruneDelivered, pruneReceived } from "../store/retention.ts";
import { keepAuditShort } from "./retention.ts";

const start = new Date("2026-01-01T00:00:00Z");
const day = 86_400_000;
const counted = z.object({ count: z.coerce.number() });
const deliveries = ["delivered", "pending", "quarantined"] as const;

describe.each(databases())("the audit trail's retention on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await emptyTables(db);
    await db.query("truncate received_events");
    await setStoreTime(db, start);
  });

  /** One event of each kind of delivery, or `count` delivered ones. */
  const write = async (delivery: (typeof deliveries)[number], count = 1): Promise<void> => {
    const fact = { ...testScope, type: "CommitPlanned", actor: "ann", data: { delivery } };
    const facts = Array.from({ length: count }, () => fact);
    await db.transaction((tx) => appendEvents(tx, facts, start.getTime()));
    await db.query(`update events set delivery = $1 where data ->> 'delivery' = $1`, [delivery]);
  };
  const kept = async (): Promise<readonly string[]> =>
    (await listEvents(db, testScope, { limit: 10_000 })).map((it) => it.delivery).toSorted();
  const received = async (): Promise<number> =>
    (await db.query("select event_id from received_events")).rows.length;
  const receive = (...ids: readonly string[]) =>
    saveReceived(
      db,
      "other",
      ids.map((id) => ({ id, event: {} })),
    );

  it("what was delivered goes when it is old enough; pending and quarantined events never do", async () => {
    for (const it of deliveries) await write(it);
    await advanceStoreTime(db, 90 * day);
    expect(await pruneDelivered(db, 90 * day, 100)).toBe(0);
    await advanceStoreTime(db, 1);
    await write("delivered");
    expect(await pruneDelivered(db, 90 * day, 100)).toBe(1);
    await advanceStoreTime(db, 10_000 * day);
    expect(await kept()).toEqual(["delivered", "pending", "quarantined"]);
    await pruneDelivered(db, 90 * day, 100);
    expect(await kept()).toEqual(["pending", "quarantined"]);
  });

  it("what others sent goes by when it came", async () => {
    await receive("e1", "e2");
    await advanceStoreTime(db, day);
    await receive("e3");
    expect(await pruneReceived(db, day - 1, 1)).toBe(1);
    expect(await pruneReceived(db, day - 1, 100)).toBe(1);
    expect(await pruneReceived(db, day - 1, 100)).toBe(0);
    expect(await received()).toBe(1);
  });

  it("goes in batches, all that is due, and again after an hour", async () => {
    await write("delivered", 2_100);
    await receive("e1");
    await advanceStoreTime(db, 2 * day);
    const clock = virtualClock(start);
    const stop = new AbortController();
    const lines: string[] = [];
    const batches: number[] = [];
    const counting: Database = {
      ...db,
      query: async (sql, values) => {
        const result = await db.query(sql, values);
        if (sql.includes("delete from events")) batches.push(counted.parse(result.rows[0]).count);
        return result;
      },
    };
    const log = pino({}, { write: (line) => void lines.push(line) });
    const services = { db: counting, clock, random: () => 0.5, log };
    const keeping = keepAuditShort(services, day, stop.signal);
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) {
        await clock.advance(100);
        await setImmediate();
      }
    };
    await until(() => lines.length === 1);
    expect(batches).toEqual([1_000, 1_000, 100]);
    expect(await kept()).toEqual([]);
    expect(await received()).toBe(0);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ delivered: 2_100, received: 1 });

    await write("delivered", 3);
    await advanceStoreTime(db, 2 * day);
    await clock.advance(3_500_000);
    expect(batches).toHaveLength(3);
    await clock.advance(100_000);
    await until(() => lines.length === 2);
    expect(batches).toEqual([1_000, 1_000, 100, 3]);
    stop.abort();
    await keeping;
  });

  it("a database that is away is asked again an hour later", async () => {
    await write("delivered");
    await advanceStoreTime(db, 2 * day);
    const clock = virtualClock(start);
    const stop = new AbortController();
    const lines: string[] = [];
    let isAway = true;
    const away: Database = {
      ...db,
      query: (sql, values) => (isAway ? Promise.reject(new Error("away")) : db.query(sql, values)),
    };
    const log = pino({}, { write: (line) => void lines.push(line) });
    const keeping = keepAuditShort({ db: away, clock, random: () => 0.5, log }, day, stop.signal);
    while (lines.length === 0) await setImmediate();
    expect(await kept()).toEqual(["delivered"]);
    isAway = false;
    while (clock.sleepers === 0) await setImmediate();
    await clock.advance(3_600_000);
    while (lines.length === 1) await setImmediate();
    expect(await kept()).toEqual([]);
    stop.abort();
    await keeping;
  });
});
