/** `innominatus events` as it is typed: what each of its options lists, and what is sent again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import type { Scope } from "../../src/model/uid.ts";
import type { Database } from "../../src/store/database.ts";
import { appendEvents, listEvents, type Fact } from "../../src/store/events.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { runCli, type Ran } from "../support/cli.ts";
import { createTestPostgres, setStoreTime } from "../support/database.ts";
import { claimed, emptyTables, enqueue, testScope, uidOf, wish } from "../support/runs.ts";

const closing: (() => Promise<void>)[] = [];
let db: Database;
let env: Record<string, string>;
let folder: string;
beforeAll(async () => {
  const { url, remove } = await createTestPostgres();
  closing.push(remove);
  db = await openPostgres(url);
  closing.push(() => db.close());
  folder = await mkdtemp(join(tmpdir(), "innominatus-events-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  env = { DATABASE_URL: url, USER: "tester" };
  await db.query(
    "insert into repositories (id, url) values ('origin', '/origin'), ('other', '/other')",
  );
  for (const [repository, environment] of [
    ["origin", "default"],
    ["origin", "staging"],
    ["other", "default"],
  ]) {
    await db.query(
      `insert into environments (repository, environment, branch) values ($1, $2, 'main')`,
      [repository, environment],
    );
  }
});
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});
beforeEach(() => emptyTables(db));

const run = (...words: readonly string[]): Promise<Ran> =>
  runCli(["events", ...words], { cwd: folder, env });
const listed = z.array(z.looseObject({ id: z.string(), type: z.string(), delivery: z.string() }));
const list = async (...words: readonly string[]) => {
  const ran = await run(...words, "-o", "json");
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return listed.parse(JSON.parse(ran.stdout));
};
const types = async (...words: readonly string[]): Promise<readonly string[]> =>
  (await list(...words)).map((it) => it.type);
const write = (type: string, more: Partial<Fact> = {}, scope: Scope = testScope): Promise<void> =>
  db.transaction((tx) => appendEvents(tx, [{ ...scope, type, actor: "ann", ...more }], Date.now()));
const refuse = (type: string, problem: string): Promise<unknown> =>
  db.query(`update events set delivery = 'quarantined', problem = $2 where type = $1`, [
    type,
    problem,
  ]);

it("lists the newest first, at most as many as are asked for, those of no repository too", async () => {
  for (const type of ["One", "Two", "Three"]) await write(type);
  await write("LoggedIn", {}, { repository: "", environment: "" });
  expect(await types()).toEqual(["Three", "Two", "One", "LoggedIn"]);
  expect(await types("--limit", "2", "--environment", "default")).toEqual(["Three", "Two"]);
  const wrong = await run("--limit", "none");
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.stderr).toContain('"none" is no count');
});

it("lists those of one resource, by its uid or what is after its #", async () => {
  await wish(db, [uidOf("a"), uidOf("b")]);
  await write("PlanApproved");
  for (const name of ["a", "b"]) await write("SecretRead", { uid: uidOf(name) });
  for (const given of ["a", uidOf("a")]) {
    expect(await list(given)).toMatchObject([{ type: "SecretRead", uid: uidOf("a") }]);
  }
});

it("--run takes an id, or its end", async () => {
  for (const name of ["a", "b"]) {
    await wish(db, [uidOf(name)]);
    await enqueue(db, uidOf(name));
  }
  const claim = await claimed(db);
  expect(await types("--run", claim.run)).toEqual(["PhaseTransition", "RunStarted"]);
  expect(await types("--run", claim.run.slice(-12))).toEqual(["PhaseTransition", "RunStarted"]);
  expect(await types("--run", "nothing-like-it")).toEqual([]);
});

it.each(["RunFailed", "innominatus.run.failed", "run.failed"])("--type takes %s", async (name) => {
  await write("RunFailed");
  await write("RunCompleted");
  expect(await types("--type", name)).toEqual(["RunFailed"]);
});

it("--since takes a length of time, or a moment, and says what is neither", async () => {
  await setStoreTime(db, new Date(Date.now() - 7_200_000));
  await write("Old");
  await setStoreTime(db, undefined);
  await write("New");
  expect(await types("--since", "1h")).toEqual(["New"]);
  expect(await types("--since", "3h")).toEqual(["New", "Old"]);
  expect(await types("--since", new Date(Date.now() - 3_600_000).toISOString())).toEqual(["New"]);
  const wrong = await run("--since", "yesterday");
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('"yesterday" is neither a length of time nor a moment');
});

it("--environment and --repo leave the others' out", async () => {
  await write("Here");
  await write("Staging", {}, { repository: "origin", environment: "staging" });
  await write("Elsewhere", {}, { repository: "other", environment: "default" });
  expect(await types("--environment", "staging")).toEqual(["Staging"]);
  expect(await run("--environment", "production")).toMatchObject({ code: 1 });
});

it("--undelivered shows what the sink has not taken, and what it said of what it refused", async () => {
  for (const type of ["Taken", "Waits", "Refused"]) await write(type);
  await db.query(`update events set delivery = 'delivered' where type = 'Taken'`);
  await refuse("Refused", "400: event_type is unknown");
  expect(await types("--undelivered")).toEqual(["Refused", "Waits"]);
  const { stdout } = await run("--undelivered");
  const [refused] = await list("--type", "Refused");
  expect(stdout).toContain(`refused=400: event_type is unknown id=${refused?.id}`);
});

it("-f writes oldest first what is there, and what comes", async () => {
  await write("First");
  await write("Second");
  const stop = new AbortController();
  const seen: unknown[] = [];
  const onStdout = (text: string): void => {
    seen.push(JSON.parse(text));
    if (seen.length === 2) void write("Third");
    if (seen.length === 3) stop.abort();
  };
  const words = ["events", "-f", "-o", "json"];
  expect(await runCli(words, { cwd: folder, env, stop: stop.signal, onStdout })).toMatchObject({
    code: 0,
  });
  expect(seen).toMatchObject([{ type: "First" }, { type: "Second" }, { type: "Third" }]);
});

it("--resend lets the sink have again what it refused; who did so, and why, is an event", async () => {
  await write("Waits");
  await write("Refused", { uid: uidOf("a"), correlation: "plan-1" });
  await write("AlsoRefused");
  await refuse("Refused", "400: event_type is unknown");
  await refuse("AlsoRefused", "422: no");
  const [one] = await list("--type", "Refused");
  const ran = await run("--resend", one?.id.slice(-12) ?? "", "--reason", "the sink was taught");
  expect(ran).toEqual({
    code: 0,
    stdout: "1 event is sent again, by whichever controller delivers the audit trail\n",
    stderr: "",
  });
  const events = await listEvents(db, testScope, { limit: 10 });
  expect(events).toMatchObject([
    {
      type: "EventResent",
      actor: "tester",
      actorType: "user",
      uid: uidOf("a"),
      correlation: "plan-1",
      data: {
        event: one?.id,
        name: "Refused",
        refused: "400: event_type is unknown",
        reason: "the sink was taught",
      },
    },
    { type: "AlsoRefused", delivery: "quarantined", problem: "422: no" },
    { type: "Refused", delivery: "pending", problem: null },
    { type: "Waits", delivery: "pending" },
  ]);
});

it("--resend takes several, and changes nothing where one of them is none that was refused", async () => {
  for (const type of ["One", "Two", "Waits"]) await write(type);
  await refuse("One", "400: no");
  await refuse("Two", "400: no");
  const idOf = async (type: string) => (await list("--type", type))[0]?.id ?? "";
  const ids = [await idOf("One"), await idOf("Two")];
  const refused = await run("--resend", ...ids, await idOf("Waits"));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("no event that the audit sink refused has an id that ends with");
  expect((await list("--undelivered")).map((it) => it.delivery)).toEqual([
    "pending",
    "quarantined",
    "quarantined",
  ]);
  expect(await run("--resend", "0")).toMatchObject({ code: 1 });
  const both = await run("--resend", ...ids, "--as", "ann");
  expect(both.stdout).toContain("2 events are sent again");
  expect(await list("--type", "EventResent")).toMatchObject([{ actor: "ann" }, { actor: "ann" }]);
});
