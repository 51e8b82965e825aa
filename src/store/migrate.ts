/**
 * Brings the database's tables up to this version's: `migrations/*.sql` in the order of their names,
 * each in one transaction with its record, under an advisory lock (DESIGN.md §6). Killed anywhere,
 * or started on two replicas at once, it ends the same way.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Database, Queryable } from "./database.ts";

interface Migration {
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
}

const appliedRow = z.object({ name: z.string(), checksum: z.string() });

/** The database and the files disagree about the past. The message says what to do. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** The bytes of "innomina": advisory locks are shared with whatever else uses the database. */
const lockKey = "7597131046276656737";

/**
 * Applies what is not applied yet.
 *
 * @returns the names it applied, in order
 * @throws {MigrationError} where an applied file has changed, is missing, or another one comes before
 *   it. A database that a later version has already migrated is fine: that one is still being rolled out.
 */
export async function migrate(db: Database, directory: string): Promise<readonly string[]> {
  const migrations = await readMigrations(directory);
  const names: string[] = [];
  for (;;) {
    const name = await db.transaction((tx) => applyNext(tx, migrations));
    if (name === undefined) return names;
    names.push(name);
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((it) => it.endsWith(".sql")).toSorted();
  if (names.length === 0) throw new MigrationError(`no migrations in ${directory}: install again`);
  return Promise.all(
    names.map(async (name) => {
      // Line ends do not count: git may have changed them on checkout.
      const sql = (await readFile(join(directory, name), "utf8")).replaceAll("\r\n", "\n");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

/** @returns its name, or `undefined` when there is nothing left to apply */
async function applyNext(
  tx: Queryable,
  migrations: readonly Migration[],
): Promise<string | undefined> {
  // Waiting for another replica's migration, or rewriting a big table, takes what it takes.
  await tx.query("set local statement_timeout = 0");
  await tx.query(`select pg_advisory_xact_lock(${lockKey})`);
  await tx.query(
    `create table if not exists schema_migrations (
       name text primary key, checksum text not null, applied_at timestamptz not null default now())`,
  );
  const { rows } = await tx.query(
    'select name, checksum from schema_migrations order by name collate "C"',
  );
  const applied = new Map(
    rows.map((row) => appliedRow.parse(row)).map((it) => [it.name, it.checksum]),
  );
  refuseOtherPast(migrations, applied);

  const next = migrations.find((it) => !applied.has(it.name));
  if (next === undefined) return undefined;
  await runMigration(tx, next);
  await tx.query("insert into schema_migrations (name, checksum) values ($1, $2)", [
    next.name,
    next.checksum,
  ]);
  return next.name;
}

async function runMigration(tx: Queryable, { name, sql }: Migration): Promise<void> {
  try {
    await tx.query(sql);
  } catch (error) {
    throw new Error(`applying migration ${name}`, { cause: error });
  }
}

function refuseOtherPast(
  migrations: readonly Migration[],
  applied: ReadonlyMap<string, string>,
): void {
  const known = new Map(migrations.map((it) => [it.name, it.checksum]));
  const lastKnown = migrations.at(-1)?.name ?? "";
  const lastApplied = [...applied.keys()].at(-1) ?? "";
  for (const [name, checksum] of applied) {
    const ours = known.get(name);
    if (ours === undefined && name < lastKnown) {
      throw new MigrationError(
        `migration ${name} is applied, but not among this version's files: ` +
          "install the version that has it, or a later one",
      );
    }
    if (ours !== undefined && ours !== checksum) {
      throw new MigrationError(
        `migration ${name} has changed since it was applied: restore the file, ` +
          "and make the change in a new migration",
      );
    }
  }
  const late = migrations.find((it) => !applied.has(it.name) && it.name < lastApplied);
  if (late === undefined) return;
  throw new MigrationError(
    `migration ${late.name} is new, but ${lastApplied} is applied already: number it after that one`,
  );
}
