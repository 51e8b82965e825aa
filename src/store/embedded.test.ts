import { cp, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestFolder } from "../../test/support/database.ts";
import { DatabaseUnavailableError } from "./database.ts";
import { openEmbedded } from "./embedded.ts";

let folder: Awaited<ReturnType<typeof createTestFolder>>;
beforeAll(async () => {
  folder = await createTestFolder();
});
afterAll(() => folder.remove());

it("keeps what was committed, and is open once at a time", async () => {
  const first = await openEmbedded(folder.directory);
  await first.query("create table kept (n integer); insert into kept values (1)");
  await expect(openEmbedded(folder.directory)).rejects.toThrow(`process ${process.pid}`);
  await first.close();
  const second = await openEmbedded(folder.directory);
  expect((await second.query("select n from kept")).rows).toEqual([{ n: 1 }]);
  expect((await stat(join(folder.directory, "pgdata"))).mode & 0o777).toBe(0o700);
  await second.close();
});

it("closes after what is under way", async () => {
  const db = await openEmbedded(folder.directory);
  const under = db.transaction(async (tx) => (await tx.query("select 1 as one")).rows);
  const closed = db.close();
  expect(await under).toEqual([{ one: 1 }]);
  await closed;
});

it("lets the process do other things between one statement and the next", async () => {
  const db = await openEmbedded(folder.directory);
  let turns = 0;
  const counting = setInterval(() => (turns += 1));
  await Promise.all(
    Array.from({ length: 20 }, () => db.query("select count(*) from generate_series(1, 20000)")),
  );
  clearInterval(counting);
  await db.close();
  expect(turns).toBeGreaterThan(10);
});

it("opens after a crash with what was committed, and nothing else", async () => {
  const db = await openEmbedded(folder.directory);
  const crashed = await mkdtemp(join(tmpdir(), "innominatus-test-"));
  await db.query("create table survived (n integer); insert into survived values (1)");
  await db.transaction(async (tx) => {
    await tx.query("insert into survived select generate_series(2, 5000)");
    // The files as a process that is killed here leaves them.
    await cp(join(folder.directory, "pgdata"), join(crashed, "pgdata"), { recursive: true });
  });
  await db.close();
  const reopened = await openEmbedded(crashed);
  expect((await reopened.query("select n from survived")).rows).toEqual([{ n: 1 }]);
  await reopened.close();
  await rm(crashed, { recursive: true });
});

it("says what to do when the folder cannot be used, and leaves it unlocked", async () => {
  const directory = await mkdtemp(join(tmpdir(), "innominatus-test-"));
  await writeFile(join(directory, "pgdata"), "a file");
  const opening = openEmbedded(directory);
  await expect(opening).rejects.toThrow(DatabaseUnavailableError);
  await expect(opening).rejects.toThrow("is the disk full, or the folder not writable?");
  expect(await readdir(directory)).toEqual(["pgdata"]);
  await rm(directory, { recursive: true });
});
