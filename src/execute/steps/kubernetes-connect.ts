/**
 * The `kubernetes` operation that tries issued credentials: signs in to the database they are for,
 * where its address can be reached from here. Nothing of them leaves (law 7).
 */
import pg from "pg";
import { z } from "zod";
import type { Work } from "../kube/apply.ts";
import { failure } from "../kube/failure.ts";
import { findFirst, named, pointerOf } from "./kubernetes-look.ts";
import { point } from "../kube/point.ts";
import { valuesOf } from "../kube/secret-values.ts";
import type { StepContext, StepResult } from "../step-type.ts";
import type { ConnectConfig } from "./kubernetes-config.ts";

const timeoutMs = 10_000;
const coded = z.object({ code: z.string() });

/** Outputs `reachable`. @throws StepFailedError when the server answers and does not let us in */
export async function connectWithSecret(
  work: Work,
  config: ConnectConfig,
  { masker, log }: StepContext,
): Promise<StepResult> {
  const pointed = await point(work.cluster, pointerOf(config), work.signal);
  const secret = await findFirst(work, pointed);
  if (secret === undefined) {
    throw failure("ResultsMissing", true, false, `${named(pointed)} is not there`);
  }
  const { username, password } = valuesOf(secret);
  if (username === undefined || password === undefined) {
    const detail = `${named(pointed, secret)} has no username and password`;
    throw failure("ResultsMissing", true, false, detail);
  }
  masker.add(password);
  const { host, port, database } = config;
  const address = `${host}:${port}`;
  const client = new pg.Client({
    host,
    port,
    database,
    user: username,
    password,
    application_name: "innominatus",
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    // The operator's servers sign their own certificates.
    ssl: config.tls ? { rejectUnauthorized: false } : false,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    log(`signed in to ${address}\n`);
    return { outputs: { reachable: true }, sensitive: [] };
  } catch (error) {
    const code = coded.safeParse(error).data?.code ?? "";
    // A SQLSTATE is an answer; anything else means that nobody answered us.
    if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith("E")) {
      const retryable = /^(08|53|57)/.test(code) || code === "28P01";
      const detail = `${address} does not let the issued credentials in (SQLSTATE ${code})`;
      throw failure("TaskFailed", retryable, false, detail, error);
    }
    log(`${address} cannot be reached from here: the credentials are not tried\n`);
    return { outputs: { reachable: false }, sensitive: [] };
  } finally {
    await client.end().catch(() => undefined);
  }
}
