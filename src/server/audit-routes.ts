/**
 * Receives audit events of others (E25): at the path we send ours to, all of a batch or nothing, and
 * the same event as often as it is sent. Authorization is handed in.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { auditOutcomes } from "../model/audit.ts";
import { jsonRecord } from "../store/rows.ts";
import type { ReceivedEvent } from "../store/received-events.ts";
import type { Principal } from "./api/auth/roles.ts";
import type { ApiEnv } from "./api/router.ts";
import { problemResponse } from "./problem-details.ts";

export interface AuditRoutesOptions {
  readonly authorize: MiddlewareHandler<ApiEnv>;
  /** In one transaction; what is there already stays as it is. @param sender for people */
  readonly receive: (events: readonly ReceivedEvent[], sender: string) => Promise<void>;
}

const eventsAtMost = 100;
const bytesAtMost = 1_048_576;

const text = z.string().min(1).max(1_024);

/** Loose: others may say more than we know of, and all of it is kept. */
const auditEvent = z.looseObject({
  event_id: z.uuid(),
  version: text,
  event_type: text,
  event_timestamp: z.iso.datetime({ offset: true }),
  event_category: text,
  event_action: text,
  event_outcome: z.enum(auditOutcomes),
  actor_type: text,
  actor_id: text,
  resource_type: text,
  resource_id: text,
  correlation_id: text,
  event_data: jsonRecord,
});

export function auditRoutes({ authorize, receive }: AuditRoutesOptions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const tooLarge = bodyLimit({
    maxSize: bytesAtMost,
    onError: (context) =>
      problemResponse(context, {
        status: 413,
        title: "Batch too large",
        detail: `a batch may have ${bytesAtMost} bytes: send it in parts`,
      }),
  });
  app.post("/api/v1/audit/events/batch", authorize, tooLarge, async (context) => {
    const given = parse(await context.req.text());
    if (!Array.isArray(given) || given.length === 0) {
      const detail = "the body has to be a JSON array of one event or more";
      return problemResponse(context, { status: 400, title: "No events", detail });
    }
    if (given.length > eventsAtMost) {
      const detail = `${given.length} events, where a batch may have ${eventsAtMost}: send it in parts`;
      return problemResponse(context, { status: 413, title: "Batch too large", detail });
    }
    const checked = given.map((it: unknown) => auditEvent.safeParse(it));
    const errors = checked.flatMap((it, index) =>
      it.success ? [] : it.error.issues.map((issue) => ({ index, detail: detailOf(issue) })),
    );
    if (errors.length > 0) {
      const detail = "nothing of the batch was kept: correct these events, and send it again";
      return problemResponse(context, { status: 400, title: "Invalid events", detail, errors });
    }
    const events = checked.flatMap((it, index) =>
      it.success
        ? [{ id: it.data.event_id.toLowerCase(), event: jsonRecord.parse(given[index]) }]
        : [],
    );
    const sender: Principal | undefined = context.get("principal");
    await receive(events, sender?.username ?? "token");
    const event_ids = events.map((it) => it.id);
    return context.json({ event_ids, message: `${event_ids.length} events kept` }, 201);
  });
  return app;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const detailOf = ({ path, message }: z.core.$ZodIssue): string => {
  const said = message.replace(/^Invalid input: /, "");
  return path.length === 0 ? said : `${path.join(".")}: ${said}`;
};

/** A static token, compared in a time that tells nothing of it; whoever sends another is left to `otherwise`. */
export const bearerToken =
  (token: string, otherwise: MiddlewareHandler<ApiEnv>): MiddlewareHandler<ApiEnv> =>
  async (context, next) => {
    const given = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1] ?? "";
    if (!timingSafeEqual(digest(given), digest(token))) return otherwise(context, next);
    await next();
    return undefined;
  };

const digest = (given: string): Buffer => createHash("sha256").update(given).digest();
