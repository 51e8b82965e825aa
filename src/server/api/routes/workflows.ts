/** Runs of workflows, with their steps and logs. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { Queryable } from "../../../store/database.ts";
import {
  findListedRuns,
  pageOfRuns,
  stepsOfRuns,
  type ListedRun,
} from "../../../store/run-pages.ts";
import { pageOfLogs } from "../../../store/steps.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { likePatterns, reachOf, type Reach } from "../auth/roles.ts";
import { endPage, readPage } from "../pages.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import { pageHeaders } from "../schemas/common.ts";
import { logLine, logQuery, workflow, workflowQuery } from "../schemas/workflow.ts";
import type { ApiServices } from "../services.ts";
import { follow, lastEventId, wantsStream } from "../stream.ts";
import { hasEnded, statesOf, workflowView } from "../views/workflow.ts";

export const runId = z.object({
  id: z.string().min(1).max(100).meta({ description: "Id, or the end of one (8 characters)" }),
});

export function workflowRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/workflows",
      summary: "Runs of workflows, newest first",
      ...guard(authorize, "read"),
      request: { query: workflowQuery },
      responses: pageResponses(workflow, "With their steps"),
    }),
    async (context) => {
      const { app, status, search, environment, repository, resource, ...rest } =
        context.req.valid("query");
      const page = readPage(rest, z.string());
      const filter = {
        repository,
        environment,
        workload: app,
        states: status === undefined ? undefined : statesOf(status),
        search,
        resource,
        workloads: likePatterns(reachOf(context.get("principal"), "read", settings.teams)),
      };
      const found = await pageOfRuns(db, filter, page.after, page.limit + 1);
      const items = endPage(context, page, found, (it) => it.id);
      const ids = items.map((it) => it.id);
      const steps = ids.length === 0 ? new Map<string, []>() : await stepsOfRuns(db, ids);
      return context.json(
        items.map((it) => workflowView(it, steps.get(it.id) ?? [])),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/workflows/{id}",
      summary: "One run",
      ...guard(authorize, "read"),
      request: { params: runId },
      responses: {
        200: {
          description: "With its steps",
          content: { "application/json": { schema: workflow } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const found = await theRun(db, context.req.valid("param").id, reach);
      const steps = await stepsOfRuns(db, [found.id]);
      return context.json(workflowView(found, steps.get(found.id) ?? []), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/workflows/{id}/logs",
      summary: "What a run's steps printed, masked; followed as server-sent events",
      ...guard(authorize, "read"),
      request: { params: runId, query: logQuery },
      responses: {
        200: {
          description: "In the order written; or events `log`, and at the end `end`",
          headers: pageHeaders,
          content: {
            "application/json": { schema: z.array(logLine) },
            "text/event-stream": { schema: z.string() },
          },
        },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const { follow: asked, step, after, ...rest } = context.req.valid("query");
      const page = readPage(rest, z.string().regex(/^\d{1,18}$/));
      const run = await theRun(db, context.req.valid("param").id, reach);
      const from = lastEventId(context, /^\d+$/) ?? page.after ?? after ?? "0";
      if (!wantsStream(context, asked)) {
        const found = await pageOfLogs(db, run.id, { after: from, step, limit: page.limit + 1 });
        return context.json([...endPage(context, page, found, (it) => it.id)], 200);
      }
      return follow(context, services, {
        from,
        async read(cursor) {
          // Asked before the lines: what was written before the end is not missed.
          const [now] = await findListedRuns(db, run.id, null);
          const lines = await pageOfLogs(db, run.id, { after: cursor, step, limit: 1_000 });
          const events = lines.map((it) => ({
            id: it.id,
            event: "log",
            data: JSON.stringify(it),
          }));
          const isOver = (now === undefined || hasEnded(now)) && lines.length < 1_000;
          if (!isOver) return { events, cursor: lines.at(-1)?.id ?? cursor, end: false };
          const state = now === undefined ? "gone" : now.state;
          const last = { event: "end", data: JSON.stringify({ state, reason: now?.reason ?? "" }) };
          return { events: [...events, last], cursor, end: true };
        },
      });
    },
  );

  return router;
}

/** @throws {ApiError} where there is none within reach, or several */
export async function theRun(db: Queryable, given: string, reach: Reach): Promise<ListedRun> {
  const [found, second] = await findListedRuns(db, given, likePatterns(reach));
  if (found === undefined) throw notFound(`run "${given}"`);
  if (second === undefined || found.id === given) return found;
  throw new ApiError(409, {
    code: "ambiguous",
    detail: `several runs end with "${given}"`,
    hint: "give more of its id",
  });
}
