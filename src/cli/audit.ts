/** The audit trail's delivery to a sink, and the endpoint that takes others' events, from the settings. */
import type { Hono } from "hono";
import { sendAudit, type DeliveryObserver } from "../controller/audit-sender.ts";
import type { Services } from "../controller/services.ts";
import { openSink } from "../report/audit/sink.ts";
import type { Authorize } from "../server/api/auth/authorize.ts";
import type { ApiEnv } from "../server/api/router.ts";
import { auditRoutes, bearerToken } from "../server/audit-routes.ts";
import { readSecret } from "../settings/secret-variables.ts";
import type { Settings } from "../settings/settings.ts";
import type { Database } from "../store/database.ts";
import { saveReceived } from "../store/received-events.ts";
import type { CommandContext } from "./context.ts";
import { CommandError } from "./output/failure.ts";

const timeoutMs = 10_000;

/**
 * @returns what delivers until its signal is aborted; `undefined` where no sink is configured
 * @throws {CommandError} where the token that is named cannot be read: each request would be refused
 */
export function auditDelivery(
  services: Services,
  { auditSink }: Pick<Settings, "auditSink">,
  env: CommandContext["env"],
  observe: DeliveryObserver,
): ((stop: AbortSignal) => Promise<void>) | undefined {
  if (auditSink === undefined) return undefined;
  const { url, tokenEnv, intervalMs } = auditSink;
  const token = tokenEnv === undefined ? undefined : tokenOf(tokenEnv, env);
  const post = openSink({ url, token, timeoutMs, clock: services.clock, fetch });
  return (stop) => sendAudit(services, { post, intervalMs, observe }, stop);
}

function tokenOf(name: string, env: CommandContext["env"]): string {
  const secret = readSecret(env, name);
  if (secret.state === "set") return secret.value;
  const found = secret.state === "unset" ? `${name} is not set` : secret.message;
  const next = `set ${name}, or ${name}_FILE to the path of a file that holds the token`;
  throw new CommandError(`the audit sink's token cannot be read: ${found}`, "audit.tokenEnv", next);
}

/** For whoever may write by the API, and for whoever has the token of the settings. */
export const auditEndpoint =
  (db: Database, { auditToken }: Pick<Settings, "auditToken">) =>
  (authorizeFor: Authorize): Hono<ApiEnv> => {
    const mayWrite = authorizeFor("write");
    return auditRoutes({
      authorize: auditToken === undefined ? mayWrite : bearerToken(auditToken, mayWrite),
      receive: (events, sender) => saveReceived(db, sender, events),
    });
  };
