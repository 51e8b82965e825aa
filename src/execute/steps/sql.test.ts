import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { createTestPostgres } from "../../../test/support/database.ts";
import { performOnce } from "../../../test/support/step.ts";
import { StallingError } from "../../model/errors.ts";
import type { JsonRecord } from "../../model/json.ts";
import { PermanentError, TransientError, type StepContext } from "../step-type.ts";
import type { Connections } from "../sql-session.ts";
import { createSql } from "./sql.ts";

let url: string;
let remove: () => Promise<void>;
let admin: pg.Client;
beforeAll(async () => {
  ({ url, remove } = await createTestPostgres("template0"));
  admin = new pg.Client({ connectionString: url });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await remove();
});

const run = async (
  config: JsonRecord,
  {
    connections,
    logged = [],
    ...more
  }: Partial<StepContext> & { connections?: Connections; logged?: string[] } = {},
) => {
  const executor = createSql({ connections: connections ?? { shared: { url } } });
  return (await performOnce(executor, { connection: "shared", ...config }, more, logged)).outputs;
};
const failure = (config: JsonRecord, connections?: Connections): Promise<unknown> =>
  run(config, connections === undefined ? {} : { connections }).catch((error: unknown) => error);

describe("statements", () => {
  it("commit one by one, so that what takes no transaction works, and later ones see it", async () => {
    const database = `made_${Date.now()}`;
    await run({ statements: [`create database ${database}`] });
    await run({ database, statements: ["create table t (n int)", "insert into t values (7)"] });
    const outputs = await run({ database, outputs: { query: "select n from t" } });
    expect(outputs).toMatchObject({ n: 7 });
    await run({ statements: [`drop database ${database}`] });
  });

  it("are left out when their `unless` gives a row, so that repeating them is harmless", async () => {
    const unless = "select 1 from pg_tables where tablename = 'once'";
    const config = { statements: [{ sql: "create table once (n int)", unless }] };
    const logged: string[] = [];
    await run(config, { logged });
    await run(config, { logged });
    expect(logged).toEqual(["statement 1 of 1: done\n", "statement 1 of 1: not needed\n"]);
  });

  it("stop at the first that fails; what came before stays", async () => {
    const error = await failure({
      statements: ["create table before (n int)", "select 1/0", "create table after (n int)"],
    });
    expect(String(error)).toContain("statement 2 of 3: division by zero (SQLSTATE 22012)");
    const { rows } = await admin.query(
      "select tablename from pg_tables where tablename in ('before', 'after')",
    );
    expect(rows).toEqual([{ tablename: "before" }]);
  });

  it("are one each: a second one smuggled into a text is refused", async () => {
    const error = await failure({ statements: ["select 1; create table smuggled (n int)"] });
    expect(error).toBeInstanceOf(PermanentError);
    expect(String(error)).toContain("42601");
  });

  it("are cancelled on the server when the step is stopped", async () => {
    const stop = new AbortController();
    const config = { statements: ["select pg_sleep(1000) as marker"] };
    const stopped = run(config, { signal: stop.signal }).catch((error: unknown) => error);
    await until(
      "select 1 from pg_stat_activity where query like '%as marker' and state = 'active' and pid <> pg_backend_pid()",
    );
    stop.abort(new Error("time is up"));
    expect(await stopped).toMatchObject({ message: "time is up" });
    await until(
      "select 1 where not exists (select 1 from pg_stat_activity where query like '%as marker' and state = 'active' and pid <> pg_backend_pid())",
    );
  });

  it("have a time limit of their own", async () => {
    const error = await failure({
      statements: ["select pg_sleep(1000)"],
      statementTimeout: "50ms",
    });
    expect(error).toBeInstanceOf(TransientError);
    expect(String(error)).toContain("57014");
  });
});

describe("outputs", () => {
  it("are the server's address and the first row of the query", async () => {
    const { hostname, port } = new URL(url);
    const query =
      "select 'shop' as name, 5::bigint as big, 2 as small, true as yes, null as no, '{\"a\":[1]}'::jsonb as json, '\\x01ff'::bytea as bytes union all select 'other', 1, 1, true, null, '{}', null";
    expect(await run({ outputs: { query } })).toEqual({
      host: hostname,
      port: Number(port),
      name: "shop",
      big: 5,
      small: 2,
      yes: true,
      no: null,
      json: { a: [1] },
      bytes: "01ff",
    });
  });

  it("give the address that workloads use, where the settings say another", async () => {
    const connections = { shared: { url, publicHost: "db.internal", publicPort: 6432 } };
    expect(await run({}, { connections })).toEqual({ host: "db.internal", port: 6432 });
  });

  it("have no columns when there is no row", async () => {
    expect(await run({ outputs: { query: "select 1 as n where false" } })).not.toHaveProperty("n");
  });
});

describe("errors", () => {
  const at = (change: (it: URL) => void): Connections => {
    const changed = new URL(url);
    change(changed);
    return { shared: { url: changed.href } };
  };
  type Row = [string, JsonRecord, () => Connections, ErrorKind, string];
  const same = () => ({ shared: { url } });
  const one = (sql: string) => ({ statements: [sql] });
  const rows: Row[] = [
    ["nobody listens", {}, () => at((it) => (it.port = "1")), TransientError, "ECONNREFUSED"],
    ["a wrong password", {}, () => at((it) => (it.password = "wrong")), PermanentError, "28P01"],
    ["a database that is not there", { database: "nowhere" }, same, PermanentError, "3D000"],
    ["a mistake in the SQL", one("selekt 1"), same, PermanentError, "42601"],
    ["what is there already", one("create schema public"), same, PermanentError, "42P06"],
    [
      "a lock held by somebody",
      one("do $$ begin raise lock_not_available; end $$"),
      same,
      TransientError,
      "55P03",
    ],
  ];
  test.each(rows)("%s", async (_, config, connections, kind, code) => {
    const error = await failure(config, connections());
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toContain(code);
    expect(String(error)).not.toContain("wrong");
  });

  it("lists the connections there are when the name is unknown", async () => {
    const connections = { shared: { url }, other: { url } };
    const error = await run({ connection: "nope" }, { connections }).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(StallingError);
    expect(error).toMatchObject({ hint: expectText("other, shared") });
  });
});

const expectText = (text: string): unknown => expect.stringContaining(text);

/** Polled: PostgreSQL tells nobody when a statement begins or ends. */
async function until(query: string) {
  for (;;) {
    const { rowCount } = await admin.query(query);
    if (rowCount === 1) return;
  }
}

type ErrorKind = new (...given: never[]) => Error;
