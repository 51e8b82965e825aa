/**
 * Step type `wait`: looks whether a condition holds, every `interval`. Between two looks it holds no
 * worker, and a restart loses nothing: its time counts from its first start, in the store.
 */
import { connect } from "node:net";
import { z } from "zod";
import { WaitingError } from "../../model/errors.ts";
import { formatMs } from "../attempt.ts";
import { duration, statuses } from "../config-fields.ts";
import { refuseLinkLocal, sendRequest, type HttpTools } from "../http-request.ts";
import { withSession } from "../sql-session.ts";
import { defineStep, PermanentError, TransientError, type StepExecutor } from "../step-type.ts";
import type { SqlTools } from "./sql.ts";

export type WaitTools = HttpTools & SqlTools;

const conditions = ["http", "sql", "tcp", "duration"] as const;

const schema = z
  .strictObject({
    interval: duration.default(10_000),
    /** Beside the step's own `timeout`, which counts from the first start, too. */
    timeout: duration.optional(),
    http: z.strictObject({ url: z.string().min(1), status: statuses.default([200]) }).optional(),
    /** Holds when the query gives a row. */
    sql: z
      .strictObject({
        connection: z.string().min(1),
        database: z.string().min(1).optional(),
        query: z.string().min(1),
      })
      .optional(),
    tcp: z
      .strictObject({
        host: z.string().min(1),
        port: z.coerce.number().int().min(1).max(65_535),
      })
      .optional(),
    duration: duration.optional(),
  })
  .refine((it) => conditions.filter((name) => it[name] !== undefined).length === 1, {
    message: `expected exactly one of ${conditions.join(", ")}`,
  });

type Config = z.infer<typeof schema>;

/** A look may not take as long as the wait. */
const lookTimeoutMs = 10_000;

export function createWait(tools: WaitTools): StepExecutor {
  return defineStep({
    type: "wait",
    schema,
    contexts: { "/sql/query": "sql" },
    run: async (config, { elapsedMs, signal }) => {
      const missing = await look(tools, config, elapsedMs, signal);
      if (missing === undefined) return { outputs: {}, sensitive: [] };
      const leftMs = (config.timeout ?? Number.POSITIVE_INFINITY) - elapsedMs;
      if (leftMs <= 0) {
        throw new PermanentError(`timed out after ${formatMs(config.timeout ?? 0)}: ${missing}`);
      }
      const dueMs = config.duration === undefined ? config.interval : config.duration - elapsedMs;
      throw new WaitingError("ConditionNotMet", missing, Math.min(dueMs, leftMs));
    },
    observe: async () => ({ state: "absent" }), // it only looks
  });
}

/** @returns what is missing; `undefined` when the condition holds */
async function look(
  tools: WaitTools,
  config: Config,
  elapsedMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (config.http !== undefined) return await lookByHttp(tools, config.http, signal);
    if (config.sql !== undefined) return await lookBySql(tools, config.sql, signal);
    if (config.tcp !== undefined) return await lookByTcp(tools, config.tcp, signal);
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    return error.message;
  }
  const wanted = config.duration ?? 0;
  return elapsedMs >= wanted ? undefined : `${formatMs(wanted)} are not over yet`;
}

async function lookByHttp(
  tools: WaitTools,
  { url, status }: NonNullable<Config["http"]>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const request = { method: "GET", url, headers: {}, body: undefined, followRedirects: false };
  const answer = await sendRequest(tools, { ...request, timeoutMs: lookTimeoutMs }, signal);
  if (status.includes(answer.status)) return undefined;
  return `the server answers ${answer.status}, not yet ${status.join(" or ")}`;
}

async function lookBySql(
  { connections }: WaitTools,
  { connection, database, query }: NonNullable<Config["sql"]>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const target = { connection, database, statementTimeoutMs: lookTimeoutMs };
  const rows = await withSession(connections, target, signal, (session) =>
    session.query(query, "the query"),
  );
  return rows.length > 0 ? undefined : "the query gives no row yet";
}

async function lookByTcp(
  { resolve }: WaitTools,
  { host, port }: NonNullable<Config["tcp"]>,
  signal: AbortSignal,
): Promise<string | undefined> {
  await refuseLinkLocal(host, resolve);
  const socket = connect({ host, port });
  const stop = AbortSignal.any([signal, AbortSignal.timeout(lookTimeoutMs)]);
  return new Promise<string | undefined>((settle) => {
    const missing = () => settle(`nothing listens at ${host}:${port} yet`);
    socket.once("connect", () => settle(undefined)).once("error", missing);
    stop.addEventListener("abort", missing, { once: true });
  }).finally(() => socket.destroy());
}
