import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import {
  databases,
  openTestDatabase,
  setStoreTime,
  advanceStoreTime,
} from "../../test/support/database.ts";
import { codeOf, type Database, type Queryable } from "./database.ts";

describe.each(databases())("the %s database", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
    await db.query("create table counters (name text primary key, n integer not null)");
  });
  afterAll(() => db.close());

  const rowsOf = async (of: Queryable, sql: string, values?: unknown[]) =>
    (await of.query(sql, values)).rows;
  const count = async (name: string): Promise<unknown[]> =>
    rowsOf(db, "select n from counters where name = $1", [name]);
  const insert = (of: Queryable, name: string) =>
    of.query("insert into counters values ($1, 1)", [name]);

  test.each<[string, unknown]>([
    ["9007199254740993::bigint", 9007199254740993n],
    ["1::bigint", 1n],
    ["(select count(*) from counters where false)", 0n],
    ["1::integer", 1],
    ["1::smallint", 1],
    ["2.5::float8", 2.5],
    ["1.50::numeric", "1.50"],
    ["true", true],
    ["'a'::text", "a"],
    ["null", null],
    ["'2026-01-02 03:04:05.678+00'::timestamptz", new Date("2026-01-02T03:04:05.678Z")],
    ["'2026-01-02 03:04:05.678901+05:30'::timestamptz", new Date("2026-01-01T21:34:05.678Z")],
    ["'0044-03-15 12:00+00'::timestamptz", new Date("0044-03-15T12:00:00Z")],
    ["'2026-01-02'::date", "2026-01-02"],
    ["'2026-01-02 03:04:05'::timestamp", "2026-01-02 03:04:05"],
    ["'03:04:05'::time", "03:04:05"],
    ["interval '1 day 2 hours'", "1 day 02:00:00"],
    [`'{"a": [1, "b", null]}'::jsonb`, { a: [1, "b", null] }],
    [`'"text"'::jsonb`, "text"],
    ["'null'::jsonb", null],
    ["'[]'::json", []],
    [String.raw`'\x00ff'::bytea`, new Uint8Array([0, 255])],
    ["array['a', 'b,c']", ["a", "b,c"]],
    ["array[1, 2]", [1, 2]],
    ["'12'::xid8", "12"],
  ])("gives %s as the same value as the other one does", async (sql, value) => {
    expect(await rowsOf(db, `select ${sql} as value`)).toEqual([{ value }]);
    // With values the drivers take another path through the protocol.
    expect(await rowsOf(db, `select ${sql} as value where $1`, [true])).toEqual([{ value }]);
  });

  test.each<[string, unknown, unknown]>([
    ["text", "it's", "it's"],
    ["text", 12, "12"],
    ["text", true, "true"],
    ["integer", 12, 12],
    ["integer", "12", 12],
    ["bigint", 9007199254740993n, 9007199254740993n],
    ["bigint", 5, 5n],
    ["float8", 0.1, 0.1],
    ["boolean", false, false],
    ["timestamptz", new Date("2026-01-02T03:04:05.678Z"), new Date("2026-01-02T03:04:05.678Z")],
    ["timestamptz", "2026-01-02T03:04:05Z", new Date("2026-01-02T03:04:05Z")],
    ["bytea", new Uint8Array([0, 255]), new Uint8Array([0, 255])],
    ["jsonb", JSON.stringify({ a: [1] }), { a: [1] }],
    ["jsonb", JSON.stringify("text"), "text"],
    ["jsonb", "null", null],
    ["jsonb", null, null],
    ["text", undefined, null],
    ["text[]", ["a", 'b,"c"', ""], ["a", 'b,"c"', ""]],
    ["text[]", [], []],
    ["integer[]", [1, 2], [1, 2]],
  ])("takes a %s value %o", async (type, value, back) => {
    expect(await rowsOf(db, `select $1::${type} as value`, [value])).toEqual([{ value: back }]);
  });

  it("refuses an object for a value, and goes on", async () => {
    await expect(db.query("select $1::jsonb", [{ a: 1 }])).rejects.toThrow("JSON.stringify");
    expect(await rowsOf(db, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("runs several statements in one text, and gives the last one's rows", async () => {
    expect(await rowsOf(db, "select 1 as a; select 2 as b")).toEqual([{ b: 2 }]);
    expect(await rowsOf(db, "insert into counters values ('several', 1)")).toEqual([]);
  });

  it("keeps the code of a statement's error", async () => {
    await insert(db, "twice");
    const error: unknown = await insert(db, "twice").catch((it: unknown) => it);
    expect(codeOf(error)).toBe("23505");
  });

  describe("a transaction", () => {
    it("is committed when its work returns", async () => {
      const result = await db.transaction(async (tx) => {
        await insert(tx, "committed");
        return "result";
      });
      expect([result, await count("committed")]).toEqual(["result", [{ n: 1 }]]);
    });

    it("is rolled back when its work throws", async () => {
      const work = db.transaction(async (tx) => {
        await insert(tx, "thrown");
        throw new Error("stop");
      });
      await expect(work).rejects.toThrow("stop");
      expect(await count("thrown")).toEqual([]);
    });

    it("says so when it cannot be committed, as its work swallowed an error", async () => {
      const work = db.transaction(async (tx) => {
        await insert(tx, "swallowed");
        await insert(tx, "swallowed").catch(() => undefined);
      });
      await expect(work).rejects.toMatchObject({ code: "25P02" });
      expect(await count("swallowed")).toEqual([]);
    });

    it("goes on after an error that a savepoint undid", async () => {
      await db.transaction(async (tx) => {
        await insert(tx, "saved");
        await tx.query("savepoint here");
        await insert(tx, "saved").catch(() => undefined);
        await tx.query("rollback to savepoint here");
      });
      expect(await count("saved")).toEqual([{ n: 1 }]);
    });

    it("waits for queries that its work did not", async () => {
      await db.transaction((tx) => {
        void insert(tx, "unawaited");
        return Promise.resolve();
      });
      expect(await count("unawaited")).toEqual([{ n: 1 }]);
    });

    it("takes no query once it has ended", async () => {
      const tx = await db.transaction((it) => Promise.resolve(it));
      await expect(insert(tx, "late")).rejects.toThrow("has ended");
      expect(await count("late")).toEqual([]);
    });

    it("has no part of what is queried beside it", async () => {
      await insert(db, "beside");
      const undone = db.transaction(async (tx) => {
        await tx.query("update counters set n = 2 where name = 'beside'");
        await tx.query("select 1");
        throw new Error("stop");
      });
      const beside = db.query("update counters set n = n + 10 where name = 'beside'");
      await Promise.allSettled([undone, beside]);
      expect(await count("beside")).toEqual([{ n: 11 }]);
    });

    test.each<[string, (it: Database) => Promise<unknown>]>([
      ["query", (it) => it.query("select 1")],
      ["transaction", (it) => it.transaction(() => Promise.resolve())],
    ])("refuses the database's own %s inside it", async (_, misuse) => {
      const work = db.transaction(async () => {
        await new Promise(setImmediate);
        await misuse(db);
      });
      await expect(work).rejects.toThrow("inside its own transaction");
      expect(await rowsOf(db, "select 1 as one")).toEqual([{ one: 1 }]);
    });

    it("is tried again after a conflict, five times at most", async () => {
      const conflict = (tx: Queryable) =>
        tx.query("do $$ begin raise exception 'conflict' using errcode = '40001'; end $$");
      let tries = 0;
      await db.transaction(async (tx) => {
        tries++;
        await insert(tx, "conflict");
        if (tries < 3)
          await conflict(tx).catch((cause: unknown) => {
            throw new Error("claiming", { cause });
          });
      });
      expect([tries, await count("conflict")]).toEqual([3, [{ n: 1 }]]);

      tries = 0;
      const hopeless = db.transaction(async (tx) => {
        tries++;
        await conflict(tx);
      });
      await expect(hopeless).rejects.toMatchObject({ code: "40001" });
      expect(tries).toBe(5);
    });

    it("counts right with many at once", async () => {
      await db.query("insert into counters values ('many', 0)");
      const one = () =>
        db.transaction(async (tx) => {
          await tx.query("select n from counters where name = 'many' for update");
          await tx.query("update counters set n = n + 1 where name = 'many'");
        });
      await Promise.all(Array.from({ length: 30 }, one));
      expect(await count("many")).toEqual([{ n: 30 }]);
    });
  });

  describe("listening", () => {
    /** Resolves with the next payload. */
    const next = () => {
      const heard: string[] = [];
      let wake = () => {};
      return {
        onNotify(payload: string) {
          heard.push(payload);
          wake();
        },
        async until(length: number): Promise<string[]> {
          while (heard.length < length) await new Promise<void>((resolve) => (wake = resolve));
          return heard;
        },
      };
    };

    it("tells of what is notified on its channel, once that is committed, until it is ended", async () => {
      const ear = next();
      const end = await db.listen("Some channel", (it) => ear.onNotify(it));
      await db.query("select pg_notify('Some channel', 'one')");
      await db.query("select pg_notify('other', 'not this')");
      await db
        .transaction(async (tx) => {
          await tx.query("select pg_notify('Some channel', 'rolled back')");
          throw new Error("stop");
        })
        .catch(() => undefined);
      await db.transaction((tx) => tx.query("select pg_notify('Some channel', 'two')"));
      expect(await ear.until(2)).toEqual(["one", "two"]);
      await end();
      await end();
      await db.query("select pg_notify('Some channel', 'three')");
      expect(await ear.until(2)).toEqual(["one", "two"]);
    });

    it("may use the database at once, also when notified from a transaction", async () => {
      const ear = next();
      const end = await db.listen("reacting", () => {
        db.query("select 'reacted' as it").then(
          () => ear.onNotify("reacted"),
          (error: unknown) => ear.onNotify(String(error)),
        );
      });
      await db.transaction((tx) => tx.query("notify reacting"));
      expect(await ear.until(1)).toEqual(["reacted"]);
      await end();
    });
  });

  it("shows the store the time that a test sets", async () => {
    const now = async () => rowsOf(db, "select store_now() as now");
    await setStoreTime(db, new Date("2030-01-01T00:00:00Z"));
    expect(await now()).toEqual([{ now: new Date("2030-01-01T00:00:00Z") }]);
    expect(await advanceStoreTime(db, 1500)).toEqual(new Date("2030-01-01T00:00:01.500Z"));
    expect(await now()).toEqual([{ now: new Date("2030-01-01T00:00:01.500Z") }]);
    await setStoreTime(db, undefined);
    expect(await rowsOf(db, "select store_now() < '2030-01-01' as back")).toEqual([{ back: true }]);
  });
});

describe.each(databases())("a closed %s database", (kind) => {
  it("says that it is closed, and closes twice", async () => {
    const db = await openTestDatabase(kind);
    await Promise.all([db.close(), db.close()]);
    await expect(db.query("select 1")).rejects.toThrow("is closed");
    await expect(db.transaction(() => Promise.resolve())).rejects.toThrow("is closed");
    await expect(db.listen("any", () => {})).rejects.toThrow("is closed");
  });
});
