/**
 * The narrow face of the database: PostgreSQL (postgres.ts) and PGlite in a folder (embedded.ts)
 * behind one interface (DESIGN.md §6).
 *
 * Values come back alike from both (sql-values.ts): int8 as bigint, timestamptz as Date, bytea as
 * Uint8Array, json and jsonb parsed, float and the small integers as number, everything else
 * (numeric, date, timestamp, interval, uuid, xid8) as PostgreSQL writes it.
 *
 * Values go in alike: null or undefined, string, number, bigint, boolean, Date, Uint8Array, and flat
 * lists of those for array parameters. What is meant for a json or jsonb parameter is passed as JSON
 * text; a bare object is refused.
 */

export interface Queryable {
  /**
   * One statement with its `values`; without any, several may stand in one text, and the rows are
   * those of the last.
   *
   * @throws {DatabaseUnavailableError} when nobody can say whether the statement took effect
   */
  query(sql: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }>;
}

export interface Database extends Queryable {
  readonly kind: "embedded" | "postgres";

  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws. After a
   * serialization failure or a deadlock `work` is run again, five times at most: it must have no
   * effect but through `tx`. Inside it the database itself must not be used: that is an error here,
   * and not the deadlock it would be on one connection.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;

  /**
   * Calls `onNotify` for every `notify` on `channel`: a hint only, for whoever polls anyway. After a
   * lost connection it is called once with an empty payload, as notifications may have been missed.
   *
   * @returns what ends it
   * @throws {DatabaseUnavailableError} at the start; later a lost connection is made again
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>>;

  close(): Promise<void>;
}

/**
 * The connection or the server failed, not the statement: somebody else's to mend, and worth trying
 * again. The message says what to do, and holds no password.
 */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  /** SQLSTATE or the system's error code, where there is one. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** SQLSTATE or system code of something thrown; `undefined` where it has none. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Statements here are small, however their cost is estimated: compiling one takes longer than it. And
 * each finds what it asks for by an index: a plan that was made while a table was small, or before
 * there were statistics, must not go on reading all of it once it is large.
 */
export const sessionSettings = "set jit = off; set enable_seqscan = off";
