/** The audit trail's delivery to a sink, and the endpoint that takes others' events, from the settings. */
import type { Hono } from "hono";
import { sendAudit, type DeliveryObserver } from "../controller/audit-sender.ts";
import type { Services } from "../controller/services.ts";
import { openSink } from "../report/audit/sink.ts";
import type { Authorize } from "../server/api/auth/authorize.ts";
import type { ApiEnv } from "../server/api/router.ts";
import { auditRoutes, bearerToken } from "../server/audit-routes.ts";
import type { Settings } from "../settings/settings.ts";
import type { Database } from "../store/database.ts";
import { saveReceived } from "../store/received-events.ts";

const timeoutMs = 10_000;

/** @returns when `stop` is aborted; at once where no sink is configured */
export async function deliverAudit(
  services: Services,
  { auditSink }: Pick<Settings, "auditSink">,
  observe: DeliveryObserver,
  stop: AbortSignal,
): Promise<void> {
  if (auditSink === undefined) return;
  const { url, token, intervalMs } = auditSink;
  const post = openSink({ url, token, timeoutMs, clock: services.clock, fetch });
  await sendAudit(services, { post, intervalMs, observe }, stop);
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
