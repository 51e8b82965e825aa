/** What upstream's API tells of a workload's graph beside the graph itself, all from the same record. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { Graph } from "../../../graph/graph.ts";
import { graphJson } from "../../../graph/render/json.ts";
import {
  aroundRun,
  criticalPathOf,
  figuresOf,
  lastDurationMs,
  layoutOf,
} from "../../../graph/views.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { reachOf, type Principal } from "../auth/roles.ts";
import { notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import {
  graph,
  graphAnnotations,
  graphCriticalPath,
  graphHistory,
  graphLayout,
  graphMetrics,
  graphQuery,
  historyQuery,
  layoutQuery,
} from "../schemas/graph.ts";
import type { ApiServices } from "../services.ts";
import { app, readGraph } from "./graph.ts";

const mostRuns = 20;

export function graphViewRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();
  const read = (
    principal: Principal,
    workload: string,
    query: Omit<z.output<typeof graphQuery>, "runs">,
    runs: number,
  ): Promise<Graph> =>
    readGraph(db, workload, { ...query, runs }, reachOf(principal, "read", settings.teams));
  const about = (path: string, summary: string) => ({
    method: "get" as const,
    path: `/api/graph/{app}/${path}`,
    summary,
    ...guard(authorize, "read"),
  });
  const answer = <S extends z.ZodType>(schema: S) => ({
    200: { description: "From the record", content: { "application/json": { schema } } },
    ...problems,
  });

  router.openapi(
    createRoute({
      ...about("layout", "Where to draw each node"),
      request: { params: app, query: layoutQuery },
      responses: answer(graphLayout),
    }),
    async (context) => {
      const { type = "hierarchical", runs, ...query } = context.req.valid("query");
      const workload = context.req.valid("param").app;
      const found = await read(context.get("principal"), workload, query, runs);
      return context.json({ app_name: workload, type, nodes: [...layoutOf(found)] }, 200);
    },
  );

  router.openapi(
    createRoute({
      ...about("history", "Runs of its resources, newest first"),
      request: { params: app, query: historyQuery },
      responses: answer(graphHistory),
    }),
    async (context) => {
      const { limit, ...query } = context.req.valid("query");
      const workload = context.req.valid("param").app;
      const found = await read(context.get("principal"), workload, query, limit);
      const runs = found.nodes
        .filter((it) => it.type === "run")
        .toSorted((a, b) => (b.createdAt ?? "").localeCompare(a.createdAt ?? ""))
        .slice(0, limit)
        .map((it) => ({
          id: textOf(it.metadata["run"]),
          name: it.name,
          status: it.status,
          commit: textOf(it.metadata["commit"]),
          created_at: it.createdAt,
          duration_ms: it.durationMs,
        }));
      return context.json({ app_name: workload, runs }, 200);
    },
  );

  router.openapi(
    createRoute({
      ...about("critical-path", "The chain of resources that takes longest"),
      request: { params: app, query: graphQuery },
      responses: answer(graphCriticalPath),
    }),
    async (context) => {
      const { runs, ...query } = context.req.valid("query");
      const workload = context.req.valid("param").app;
      const found = await read(context.get("principal"), workload, query, runs);
      const path = criticalPathOf(found).map((it) => ({
        id: it.id,
        name: it.name,
        duration_ms: lastDurationMs(found, it),
      }));
      const total = path.reduce((sum, it) => sum + it.duration_ms, 0);
      return context.json({ app_name: workload, path, total_duration_ms: total }, 200);
    },
  );

  router.openapi(
    createRoute({
      ...about("metrics", "How much is in it, and how long runs took"),
      request: { params: app, query: graphQuery },
      responses: answer(graphMetrics),
    }),
    async (context) => {
      const { runs, ...query } = context.req.valid("query");
      const workload = context.req.valid("param").app;
      const found = figuresOf(await read(context.get("principal"), workload, query, runs));
      return context.json(
        {
          app_name: workload,
          total_nodes: found.nodes,
          total_edges: found.edges,
          nodes_by_type: { ...found.byType },
          nodes_by_status: { ...found.byStatus },
          runs: found.runs,
          average_run_duration_ms: found.averageRunMs,
        },
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      ...about("annotations", "What the record says of its nodes"),
      request: { params: app, query: graphQuery },
      responses: answer(graphAnnotations),
    }),
    async (context) => {
      const { runs, ...query } = context.req.valid("query");
      const workload = context.req.valid("param").app;
      const { nodes } = await read(context.get("principal"), workload, query, runs);
      const annotations = nodes
        .filter((it) => ["resource", "run", "step"].includes(it.type) && it.description !== "")
        .map((it) => ({ node_id: it.id, text: it.description }));
      return context.json({ app_name: workload, annotations }, 200);
    },
  );

  router.openapi(
    createRoute({
      ...about("workflow/{id}", "One run with its steps, and what leads to it"),
      request: {
        params: app.extend({ id: z.string().min(1).max(100) }),
        query: graphQuery.omit({ runs: true }),
      },
      responses: answer(graph),
    }),
    async (context) => {
      const { app: workload, id } = context.req.valid("param");
      const query = context.req.valid("query");
      const found = await read(context.get("principal"), workload, query, mostRuns);
      const around = aroundRun(found, id);
      if (around === undefined) {
        throw notFound(`run "${id}" among the last ${mostRuns} of a resource of "${workload}"`);
      }
      return context.json(graphJson(workload, around), 200);
    },
  );
  return router;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
