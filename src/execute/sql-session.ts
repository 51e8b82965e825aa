/** A short-lived session on a database that the settings name, and what its errors mean. */
import pg from "pg";
import { z } from "zod";
import { StallingError } from "../model/errors.ts";
import type { Json, JsonRecord } from "../model/json.ts";
import { PermanentError, TransientError } from "./step-type.ts";

export interface Connection {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Where workloads reach the server, if not where we do. */
  readonly publicHost?: string;
  readonly publicPort?: number;
}

export type Connections = Readonly<Record<string, Connection>>;

export interface SessionTarget {
  readonly connection: string;
  /** In place of the one in the connection's URL. */
  readonly database: string | undefined;
  readonly statementTimeoutMs: number;
}

export interface SqlSession {
  /**
   * Runs one statement; several in one text are refused. It commits by itself.
   *
   * @param doing what to call it in an error
   * @throws {TransientError} or PermanentError, by SQLSTATE class
   */
  query(sql: string, doing: string): Promise<readonly JsonRecord[]>;
}

const connectTimeoutMs = 10_000;

/**
 * Opens a session, hands it to `work`, and closes it. On abort the running statement is cancelled on
 * the server: closing the connection alone would leave it running there.
 */
export async function withSession<T>(
  connections: Connections,
  target: SessionTarget,
  signal: AbortSignal,
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const url = urlOf(findConnection(connections, target.connection), target.database);
  const client = clientFor(url, target.statementTimeoutMs);
  const name = `connection ${target.connection}`;
  const close = () => client.end().catch(() => undefined);
  const abort = () => void cancel(client, url).then(close);
  try {
    await client.connect().catch((error: unknown) => {
      throw describe(`${name} at ${url.host}`, error);
    });
    signal.addEventListener("abort", abort, { once: true });
    signal.throwIfAborted();
    return await work({
      async query(sql, doing) {
        try {
          // The extended protocol takes one statement at a time.
          const statement = { text: sql, queryMode: "extended" };
          return rowsOf(await client.query<Record<string, unknown>>(statement));
        } catch (error) {
          signal.throwIfAborted();
          throw describe(doing, error);
        }
      },
    });
  } finally {
    signal.removeEventListener("abort", abort);
    await close();
  }
}

/** @throws {StallingError} ConfigurationError, naming the connections that there are */
export function findConnection(connections: Connections, name: string): Connection {
  const connection = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (connection !== undefined) return connection;
  const known = Object.keys(connections).toSorted();
  const hint =
    known.length === 0
      ? "the controller's settings have no connections; add it there"
      : `the controller's settings have: ${known.join(", ")}`;
  throw new StallingError("ConfigurationError", `there is no connection "${name}"`, hint);
}

/** Where workloads reach it. */
export function publicAddress({ url, publicHost, publicPort }: Connection) {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { host: publicHost ?? host, port: publicPort ?? Number(port === "" ? 5432 : port) };
}

function urlOf(connection: Connection, database: string | undefined): URL {
  const url = new URL(connection.url);
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  return url;
}

function clientFor(url: URL, statementTimeoutMs: number): pg.Client {
  const client = new pg.Client({
    connectionString: url.href,
    application_name: "innominatus",
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
  });
  client.on("error", () => undefined); // what was under way rejects with it
  return client;
}

const backend = z.object({ processID: z.number() });

async function cancel(client: pg.Client, url: URL): Promise<void> {
  const known = backend.safeParse(client);
  if (!known.success) return;
  const canceller = clientFor(url, connectTimeoutMs);
  try {
    await canceller.connect();
    await canceller.query("select pg_cancel_backend($1)", [known.data.processID]);
  } catch {
    // No connection to cancel it with: its statement timeout ends it.
  } finally {
    await canceller.end().catch(() => undefined);
  }
}

const int8 = 20;

function rowsOf({ rows, fields }: pg.QueryResult<Record<string, unknown>>): JsonRecord[] {
  const types = new Map(fields.map(({ name, dataTypeID }) => [name, dataTypeID]));
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, toJson(value, types.get(name))]),
    ),
  );
}

/** Whole numbers that JSON's can hold are numbers; times are ISO 8601, bytes are hex. */
function toJson(value: unknown, type: number | undefined): Json {
  if (typeof value === "string" && type === int8) {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (Buffer.isBuffer(value)) return value.toString("hex");
  return z.json().parse(JSON.parse(JSON.stringify(value ?? null)));
}

const failure = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().catch(""),
});

/** Classes and codes that time may mend: connection, resources, operator intervention, locks, conflicts. */
const passing = /^(08|40|53|55|57|58|XX)...$|^25006$/;

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: "is the server running, and reachable from the controller?",
  ENOTFOUND: "its host name is not known here; check the connection's URL",
  ETIMEDOUT: "is the server reachable from the controller?",
  "28P01": "check the user and password in the connection's URL",
  "28000": "the server does not let this user in; check the connection's URL and pg_hba.conf",
  "3D000": "check the database in the connection's URL, or the step's `database`",
  "42501": "grant the connection's role what the statement needs, such as CREATEDB or CREATEROLE",
  "42601":
    "each entry of `statements` is one statement; values need `sqlLiteral` or `sqlIdentifier`",
  "42710": "it is there already; guard the statement with `unless:`",
  "42P04": "it is there already; guard the statement with `unless:`",
  "42P07": "it is there already; guard the statement with `unless:`",
  "53300": "raise the server's max_connections, or lower the number of workers",
  "55006": "others are connected to it; `drop database … with (force)` ends their sessions",
  "57014": "it took longer than its statement timeout",
};

function describe(doing: string, error: unknown): Error {
  const { code, message } = failure.catch({ code: undefined, message: "" }).parse(error);
  const isState = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  const what = [message === "" ? (code ?? "no answer") : message];
  if (isState) what.push(` (SQLSTATE ${code})`);
  const hint = hints[code ?? ""];
  if (hint !== undefined) what.push(`: ${hint}`);
  const text = `${doing}: ${what.join("")}`;
  return isState && !passing.test(code) ? new PermanentError(text) : new TransientError(text);
}
