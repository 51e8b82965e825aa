/**
 * A PostgreSQL server through a pool of connections (DESIGN.md §6). A lost connection fails what was
 * under way on it, with an error that says what to do; the next query makes a new one.
 */
import pg from "pg";
import {
  codeOf,
  DatabaseUnavailableError,
  sessionSettings,
  type Database,
  type Queryable,
} from "./database.ts";
import { keepListening } from "./listener.ts";
import { parsers, toParameters } from "./sql-values.ts";
import { type Connection, TransactionContext } from "./transaction.ts";

export interface PostgresOptions {
  /** Connections at most; `listen` takes one more for each channel. */
  readonly poolSize?: number;
  readonly connectTimeoutMs?: number;
  /** A statement that takes longer is ended by the server. */
  readonly statementTimeoutMs?: number;
  /** A connection that gives no answer for so long is taken for lost. */
  readonly answerTimeoutMs?: number;
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMs?: number;
}

/** @throws {DatabaseUnavailableError} when no connection can be made */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Database> {
  const database = new PostgresDatabase(url, options);
  try {
    await database.query("select 1");
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

type Explain = (error: unknown) => DatabaseUnavailableError;

class PostgresDatabase implements Database {
  readonly kind = "postgres";
  readonly #config: pg.ClientConfig;
  readonly #pool: pg.Pool;
  readonly #explain: Explain;
  readonly #context = new TransactionContext();
  readonly #pings: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly #listeners = new Set<() => Promise<void>>();
  #closed: Promise<void> | undefined;

  constructor(url: string, options: PostgresOptions) {
    const statementTimeoutMs = options.statementTimeoutMs ?? 60_000;
    this.#config = {
      connectionString: url,
      application_name: "innominatus",
      keepAlive: true,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
      statement_timeout: statementTimeoutMs,
      query_timeout: options.answerTimeoutMs ?? statementTimeoutMs + 5_000,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      types: typeParsers(),
    };
    this.#pings = {
      intervalMs: options.pingIntervalMs ?? 10_000,
      timeoutMs: options.pingTimeoutMs ?? 5_000,
    };
    const where = describeServer(this.#config);
    this.#explain = (error) => explain(error, where);
    this.#pool = new pg.Pool({ ...this.#config, max: options.poolSize ?? 10 });
    // Idle or not, a connection that breaks says so to its listeners first, and without one the
    // process ends. What was under way on it is rejected besides.
    this.#pool.on("error", ignore);
    this.#pool.on("connect", (client) => {
      client.on("error", ignore);
      client.query(sessionSettings).catch(ignore);
    });
  }

  async query(sql: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> {
    this.#context.refuseNesting();
    const connection = await this.#acquire();
    try {
      const result = await connection.query(sql, values);
      connection.release(false);
      return result;
    } catch (error) {
      connection.release(error instanceof DatabaseUnavailableError);
      throw error;
    }
  }

  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#context.transact(() => this.#acquire(), work);
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    if (this.#closed !== undefined) throw closedError();
    const stop = await keepListening({
      config: this.#config,
      channel,
      ...this.#pings,
      explain: this.#explain,
      onNotify: (payload) => this.#context.outside(() => onNotify(payload)),
    });
    this.#listeners.add(stop);
    return async () => {
      this.#listeners.delete(stop);
      await stop();
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#listeners].map((stop) => stop()));
    await this.#pool.end();
  }

  async #acquire(): Promise<Connection> {
    if (this.#closed !== undefined) throw closedError();
    try {
      const client = await this.#pool.connect();
      return {
        query: (sql, values) => run(client, sql, values ?? [], this.#explain),
        release: (broken) => client.release(broken),
      };
    } catch (error) {
      throw this.#explain(error);
    }
  }
}

const closedError = () => new DatabaseUnavailableError("the database is closed", undefined);

/** Several statements in one text are only understood without values, and give a list of results. */
async function run(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[],
  explainError: Explain,
): Promise<{ rows: unknown[] }> {
  const parameters = toParameters(values);
  try {
    const result: unknown = await (parameters.length === 0
      ? client.query(sql)
      : client.query({ name: nameOf(sql), text: sql, values: parameters }));
    return { rows: rowsOf(Array.isArray(result) ? result.at(-1) : result) };
  } catch (error) {
    throw isLost(error) ? explainError(error) : error;
  }
}

/**
 * Statements are few, and planning one may take longer than it: each is prepared once per connection.
 * Past the limit they are not, so that no server has to keep what is never asked again.
 */
const names = new Map<string, string>();
const namesAtMost = 1_000;

function nameOf(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= namesAtMost) return known;
  const name = `innominatus_${names.size}`;
  names.set(sql, name);
  return name;
}

const rowsOf = (result: unknown): unknown[] =>
  typeof result === "object" && result !== null && "rows" in result && Array.isArray(result.rows)
    ? result.rows
    : [];

function typeParsers(): pg.CustomTypesConfig {
  const overrides = new pg.TypeOverrides();
  for (const [oid, parse] of Object.entries(parsers)) overrides.setTypeParser(Number(oid), parse);
  return overrides;
}

/** Host and database for messages. @throws {DatabaseUnavailableError} for a URL that is none */
function describeServer(config: pg.ClientConfig): string {
  try {
    const { host, port, database } = new pg.Client(config);
    return `PostgreSQL database "${database ?? ""}" at ${host}:${port}`;
  } catch {
    // Without the cause: its message may repeat the URL, and with it the password.
    throw new DatabaseUnavailableError(
      "DATABASE_URL cannot be read: it has the form postgres://user:password@host:5432/database, " +
        "with special characters percent-encoded",
      "ERR_INVALID_URL",
    );
  }
}

const advice: { readonly [code: string]: string } = {
  "28P01": "is the password in DATABASE_URL right?",
  "28000": "may this user connect from here? See DATABASE_URL, and pg_hba.conf on the server",
  "3D000": "make the database with createdb, or correct DATABASE_URL",
  "25006":
    "is it a standby, or default_transaction_read_only on? It is gone on with once it takes writes",
  "53100": "is the server's disk full?",
  "53300": "lower the pool's size, or raise max_connections on the server",
  ENOTFOUND: "is the host in DATABASE_URL right?",
};

/**
 * Whether it is the server that cannot go on, and not the statement that is wrong: the connection is
 * gone (classes 08 and 57P, or no answer at all), disk, memory or connections are used up (53), its
 * files fail it (58), or it takes no writes (25006: a standby, or one that is being failed over).
 */
const isLost = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || /^(08|53|57P|58|25P03|25006)/.test(codeOf(error) ?? "");

function explain(error: unknown, where: string): DatabaseUnavailableError {
  const code = codeOf(error);
  const hint = advice[code ?? ""] ?? "is the server up, and DATABASE_URL right?";
  const said = error instanceof Error ? error.message : "";
  const message = `${where}: ${said || (code ?? "no answer")}: ${hint}`;
  return new DatabaseUnavailableError(message, code, { cause: error });
}

function ignore(): void {}
