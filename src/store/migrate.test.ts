import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import type { Database } from "./database.ts";
import { migrate, MigrationError } from "./migrate.ts";

type Files = { readonly [name: string]: string };

const files: Files = {
  "0001_first.sql": "create table first (n integer);\ncreate table other (n integer);\n",
  "0002_second.sql": "insert into first values (1); insert into first values (2);",
};
const later: Files = { "0003_third.sql": "alter table first add column text text" };

describe.each(databases())("migrating the %s database", (kind) => {
  let db: Database;
  const folders: string[] = [];

  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  beforeEach(() => db.query("drop schema public cascade; create schema public"));
  afterAll(async () => {
    await db.close();
    await Promise.all(folders.map((it) => rm(it, { recursive: true })));
  });

  async function write(content: Files): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "innominatus-migrations-"));
    folders.push(directory);
    await writeFile(join(directory, "README.md"), "not a migration");
    for (const [name, sql] of Object.entries(content)) await writeFile(join(directory, name), sql);
    return directory;
  }
  const names = Object.keys(files);
  const apply = async (content: Files) => migrate(db, await write(content));
  const contents = async () => (await db.query("select n from first order by n")).rows;

  it("applies what is new, in order, once", async () => {
    expect(await apply(files)).toEqual(names);
    expect(await apply(files)).toEqual([]);
    expect(await apply({ ...files, ...later })).toEqual(["0003_third.sql"]);
    expect(await contents()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("applies each once, however many start at once", async () => {
    const directory = await write(files);
    const all = await Promise.all(Array.from({ length: 4 }, () => migrate(db, directory)));
    expect(all.flat().toSorted()).toEqual(names);
    expect(await contents()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("leaves nothing of one that fails, and completes when it is mended", async () => {
    const broken = { ...files, "0002_second.sql": "insert into first values (9); select nonsense" };
    const failing = apply(broken);
    await expect(failing).rejects.toThrow("applying migration 0002_second.sql");
    expect(await contents()).toEqual([]);
    expect(await apply(files)).toEqual(["0002_second.sql"]);
    expect(await contents()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("completes when it was killed anywhere", async () => {
    for (let touches = 0; ; touches++) {
      await db.query("drop schema public cascade; create schema public");
      let left = touches;
      const dying: Database = {
        ...db,
        transaction: (work) =>
          db.transaction((tx) =>
            work({
              query(sql, values) {
                if (left-- <= 0) return Promise.reject(new Error("killed"));
                return tx.query(sql, values);
              },
            }),
          ),
      };
      const directory = await write(files);
      const end = await migrate(dying, directory).then(
        () => "done",
        () => "killed",
      );
      await migrate(db, directory);
      expect(await contents()).toEqual([{ n: 1 }, { n: 2 }]);
      if (end === "done") break;
    }
  });

  it("accepts a database that a later version has migrated", async () => {
    await apply({ ...files, ...later });
    expect(await apply(files)).toEqual([]);
  });

  it("does not mind the ends of lines", async () => {
    await apply(files);
    const windows: Record<string, string> = {};
    for (const [name, sql] of Object.entries(files)) windows[name] = sql.replaceAll("\n", "\r\n");
    expect(await apply(windows)).toEqual([]);
  });

  it.each<[string, Files, string]>([
    ["has changed", { ...files, "0001_first.sql": "select 1" }, "0001_first.sql has changed"],
    [
      "is missing",
      { "0002_second.sql": files["0002_second.sql"] ?? "" },
      "0001_first.sql is applied, but",
    ],
    ["is new, but comes before", { ...files, "0001_late.sql": "select 1" }, "number it after"],
  ])("refuses where a file %s", async (_, content, message) => {
    await apply(files);
    const refused = apply(content);
    await expect(refused).rejects.toThrow(MigrationError);
    await expect(refused).rejects.toThrow(message);
  });

  it("refuses a folder without migrations", async () => {
    await expect(apply({})).rejects.toThrow("no migrations");
  });
});
