/**
 * A connection that does nothing but listen. It asks the server for a sign of life, as a connection
 * that was cut somewhere in between looks like a quiet one, and is made again when it is lost.
 */
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

export interface Listening {
  readonly config: pg.ClientConfig;
  readonly channel: string;
  readonly intervalMs: number;
  /** For the answer to a sign of life. */
  readonly timeoutMs: number;
  readonly onNotify: (payload: string) => void;
  /** What to throw for an error of the first connection. */
  readonly explain: (error: unknown) => Error;
}

/** @returns what ends it */
export async function keepListening(listening: Listening): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const first = await connect(listening).catch((error: unknown) => {
    throw listening.explain(error);
  });
  const ended = keepUp(listening, first, stopping.signal);
  return async () => {
    stopping.abort();
    await ended;
  };
}

async function keepUp(listening: Listening, first: pg.Client, signal: AbortSignal): Promise<void> {
  let client: pg.Client | undefined = first;
  let failures = 0;
  while (!signal.aborted) {
    if (client !== undefined) {
      await untilLost(client, listening, signal);
      await hangUp(client, listening.timeoutMs);
    }
    // At once the first time, then 1 s, 2 s, … up to the interval.
    if (failures > 0) await pause(Math.min(500 * 2 ** failures, listening.intervalMs), signal);
    if (signal.aborted) return;
    client = await connect(listening).catch(() => undefined);
    failures = client === undefined ? failures + 1 : 0;
    if (client !== undefined) listening.onNotify("");
  }
}

async function connect(listening: Listening): Promise<pg.Client> {
  const client = new pg.Client({ ...listening.config, query_timeout: listening.timeoutMs });
  client.on("error", () => {});
  client.on("notification", (message) => listening.onNotify(message.payload ?? ""));
  try {
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(listening.channel)}`);
    return client;
  } catch (error) {
    await hangUp(client, listening.timeoutMs);
    throw error;
  }
}

/** Resolves when `client` is of no more use, or `signal` says stop. */
async function untilLost(
  client: pg.Client,
  listening: Listening,
  signal: AbortSignal,
): Promise<void> {
  const lost = new AbortController();
  const lose = () => lost.abort();
  client.once("end", lose);
  client.once("error", lose);
  const either = AbortSignal.any([signal, lost.signal]);
  while (!either.aborted) {
    await pause(listening.intervalMs, either);
    if (!either.aborted) await client.query("select 1").catch(lose);
  }
}

/** Politely, but not waiting for a server that is gone. */
async function hangUp(client: pg.Client, timeoutMs: number): Promise<void> {
  const given = new AbortController();
  await Promise.race([client.end().catch(() => undefined), pause(timeoutMs, given.signal)]);
  given.abort();
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
