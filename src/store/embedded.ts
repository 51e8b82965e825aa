/**
 * The embedded database: PGlite in a folder, one process at a time (DESIGN.md §6). It is one
 * connection, so whoever queries waits for the transaction that is open.
 */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import {
  DatabaseUnavailableError,
  sessionSettings,
  type Database,
  type Queryable,
} from "./database.ts";
import { lockDirectory } from "./process-lock.ts";
import { parsers, toParameters } from "./sql-values.ts";
import { TransactionContext } from "./transaction.ts";

/**
 * Opens the database in `directory`, and makes both where there are none: readable by their owner
 * only, as they hold what people's resources are made with.
 *
 * @throws {DirectoryLockedError} while another process has it open
 */
export async function openEmbedded(directory: string): Promise<Database> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const data = join(directory, "pgdata");
  const unlock = await lockDirectory(directory);
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await chmod(data, 0o700);
    const pglite = await PGlite.create(data, { parsers: { ...parsers }, startParams });
    await pglite.exec(sessionSettings);
    return new EmbeddedDatabase(pglite, unlock);
  } catch (error) {
    await unlock();
    throw new DatabaseUnavailableError(
      `opening the embedded database in ${directory}: is the disk full, or the folder not writable? ` +
        "A folder that is damaged must be restored from a backup",
      undefined,
      { cause: error },
    );
  }
}

/** Its own cache holds 128 MB, as a server's would; here the file system's is as near. */
const startParams = [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"];

class EmbeddedDatabase implements Database {
  readonly kind = "embedded";
  readonly #pglite: PGlite;
  readonly #unlock: () => Promise<void>;
  readonly #context = new TransactionContext();
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(pglite: PGlite, unlock: () => Promise<void>) {
    this.#pglite = pglite;
    this.#unlock = unlock;
  }

  async query(sql: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> {
    this.#context.refuseNesting();
    const release = await this.#acquire();
    try {
      return await run(this.#pglite, sql, values);
    } finally {
      release();
    }
  }

  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#context.transact(async () => {
      const release = await this.#acquire();
      return { query: (sql, values) => run(this.#pglite, sql, values ?? []), release };
    }, work);
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    this.#context.refuseNesting();
    // Called while a statement runs: whatever is done about it comes after, and outside of it.
    const later = (payload: string) =>
      this.#context.outside(() => void setImmediate(() => onNotify(payload)));
    const release = await this.#acquire();
    try {
      const end = await this.#pglite.listen(`"${channel.replaceAll('"', '""')}"`, later);
      return async () => {
        if (this.#closed === undefined) await this.#exclusively(() => end());
      };
    } finally {
      release();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#exclusively(async () => {
      try {
        await this.#pglite.close();
      } finally {
        await this.#unlock();
      }
    });
    return this.#closed;
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.#acquire(true);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** First come, first served. @returns what lets the next one in */
  async #acquire(closing = false): Promise<() => void> {
    if (this.#closed !== undefined && !closing) throw closedError();
    const before = this.#last;
    let release = () => {};
    this.#last = new Promise<void>((resolve) => {
      release = resolve;
    });
    await before;
    return () => release();
  }
}

const closedError = () => new DatabaseUnavailableError("the database is closed", undefined);

/**
 * Several statements in one text are only understood without values (PostgreSQL, simple query protocol).
 *
 * PGlite answers before the event loop turns again: one after the other, statements would keep every
 * socket and timer of the process waiting until the last one is answered.
 */
async function run(
  pglite: PGlite,
  sql: string,
  values: readonly unknown[],
): Promise<{ rows: unknown[] }> {
  await turn();
  if (values.length > 0) return pglite.query(sql, toParameters(values));
  const results = await pglite.exec(sql);
  return { rows: results.at(-1)?.rows ?? [] };
}
