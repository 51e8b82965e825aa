/** The audit trail: as a list, and as it is written. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import {
  eventsAfter,
  lastEvent,
  pageOfEvents,
  type ListedEvent,
  type ListedEventFilter,
} from "../../../store/event-pages.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { likePatterns, may, reachOf, type Principal } from "../auth/roles.ts";
import { endPage, readPage } from "../pages.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import { event, eventQuery } from "../schemas/record.ts";
import type { ApiServices } from "../services.ts";
import { follow, lastEventId } from "../stream.ts";

const seq = z.string().regex(/^\d{1,18}$/);

export function eventRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();
  const filterOf = (
    principal: Principal,
    { app, type, environment, repository, resource }: z.output<typeof eventQuery>,
  ): ListedEventFilter => ({
    repository,
    environment,
    workload: app,
    type,
    uid: resource,
    workloads: likePatterns(reachOf(principal, "read", settings.teams)),
    ofUsers: may(principal, "admin"),
  });

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/events",
      summary: "The audit trail, newest first",
      ...guard(authorize, "read"),
      request: { query: eventQuery },
      responses: pageResponses(event, "Those about users are for administrators"),
    }),
    async (context) => {
      const query = context.req.valid("query");
      const page = readPage(query, seq);
      const filter = filterOf(context.get("principal"), query);
      const found = await pageOfEvents(db, filter, page.after, page.limit + 1);
      return context.json(endPage(context, page, found, (it) => it.seq).map(eventView), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/events/stream",
      summary: "The audit trail as it is written, as server-sent events",
      ...guard(authorize, "read"),
      request: { query: eventQuery.omit({ cursor: true, limit: true }) },
      responses: {
        200: {
          description: "From now on, or from `Last-Event-ID`",
          content: { "text/event-stream": { schema: z.string() } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const query = { ...context.req.valid("query"), limit: 0 };
      const filter = filterOf(context.get("principal"), query);
      const from = lastEventId(context, /^\d{1,18}$/) ?? (await lastEvent(db));
      const sent = new Set<string>();
      return follow(context, services, {
        from,
        async read(cursor) {
          // A transaction may commit after one that took a later number: the last ones are read again.
          const start = Math.max(Number(from), Number(cursor) - overlap);
          const found = await eventsAfter(db, filter, String(start), batch + overlap);
          const fresh = found.filter((it) => !sent.has(it.seq));
          for (const it of fresh) sent.add(it.seq);
          for (const it of sent) if (Number(it) < start) sent.delete(it);
          const events = fresh.map((it) => ({
            id: it.seq,
            event: it.type,
            data: JSON.stringify(eventView(it)),
          }));
          return { events, cursor: found.at(-1)?.seq ?? cursor, end: false };
        },
      });
    },
  );
  return router;
}

const overlap = 200;
const batch = 500;

const eventView = (it: ListedEvent): z.output<typeof event> => ({
  id: it.id,
  at: it.at,
  type: it.type,
  actor: it.actor,
  repository: it.repository,
  environment: it.environment,
  resource_uid: it.uid,
  workflow_execution_id: it.run,
  commit: it.commit,
  data: { ...it.data },
});
