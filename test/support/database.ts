/** A database of each kind for a test file, fresh and migrated, and the store's time in its hands. */
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { z } from "zod";
import type { Database, Queryable } from "../../src/store/database.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import { openPostgres } from "../../src/store/postgres.ts";

/** For `describe.each`. */
export const databases = (): Database["kind"][] => ["embedded", "postgres"];

/**
 * A migrated database of one's own; `close` removes it. Open it in `beforeAll`, once per file: the
 * first of a run takes some seconds, the others a few hundred milliseconds.
 */
export async function openTestDatabase(kind: Database["kind"]): Promise<Database> {
  if (kind === "postgres") {
    const { url, remove } = await createTestPostgres();
    return closingWith(await openPostgres(url), remove);
  }
  const { directory, remove } = await createTestFolder();
  return closingWith(await openEmbedded(directory), remove);
}

/** A migrated database on the run's PostgreSQL server, for who opens it by URL. */
export async function createTestPostgres(
  template: "template_migrated" | "template0" = "template_migrated",
): Promise<{ url: string; remove: () => Promise<void> }> {
  const server = await addressOf("/postgres");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await onServer(server, `create database ${name} template ${template} strategy file_copy`);
  return {
    url: server.replace(/\/postgres$/, `/${name}`),
    remove: () => onServer(server, `drop database if exists ${name} with (force)`),
  };
}

/** A folder with a migrated embedded database, for who opens it by path. */
export async function createTestFolder(): Promise<{
  directory: string;
  remove: () => Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), "innominatus-test-"));
  await cp(await addressOf("/embedded"), directory, { recursive: true });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

const moment = z.object({ now: z.date() });

/** Stops the store's clock at `date`, or lets it go again. */
export async function setStoreTime(db: Queryable, date: Date | undefined): Promise<void> {
  const now = date === undefined ? "clock_timestamp()" : `timestamptz '${date.toISOString()}'`;
  await db.query(
    `create or replace function store_now() returns timestamptz language sql volatile
     as $body$ select ${now} $body$`,
  );
}

/** Stops the store's clock `ms` after what it shows. @returns what it shows then */
export async function advanceStoreTime(db: Queryable, ms: number): Promise<Date> {
  const { rows } = await db.query("select store_now() as now");
  const date = new Date(moment.parse(rows[0]).now.getTime() + ms);
  await setStoreTime(db, date);
  return date;
}

async function addressOf(path: "/embedded" | "/postgres"): Promise<string> {
  const response = await fetch(inject("testDatabases") + path);
  const text = await response.text();
  if (!response.ok) throw new Error(`starting the test database ${path}: ${text}`);
  return text;
}

async function onServer(url: string, sql: string): Promise<void> {
  const db = await openPostgres(url, { poolSize: 1 });
  try {
    await db.query(sql);
  } finally {
    await db.close();
  }
}

const closingWith = (db: Database, remove: () => Promise<void>): Database => ({
  kind: db.kind,
  query: (sql, values) => db.query(sql, values),
  transaction: (work) => db.transaction(work),
  listen: (channel, onNotify) => db.listen(channel, onNotify),
  async close() {
    await db.close();
    await remove();
  },
});
