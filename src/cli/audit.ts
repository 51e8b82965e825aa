/** The audit trail's delivery to a sink, and the endpoint that takes others' events, from the settings. */
import type { Hono } from "hono";
import { sendAudit, type DeliveryObserver } from "../controller/audit-sender.ts";
import type { Services } from "../controller/services.ts";
import { openSink } from "../report/audit/sink.ts";
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

/** `undefined` where nobody has a token for it. */
export function auditEndpoint(
  db: Database,
  { auditToken }: Pick<Settings, "auditToken">,
): Hono | undefined {
  if (auditToken === undefined) return undefined;
  const authorize = bearerToken(auditToken);
  return auditRoutes({ authorize, receive: (events) => saveReceived(db, "token", events) });
}
