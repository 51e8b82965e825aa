/** The graph of a workload, as JSON and drawn. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { mergeGraphs, type Graph } from "../../../graph/graph.ts";
import { graphDot } from "../../../graph/render/dot.ts";
import { graphJson } from "../../../graph/render/json.ts";
import { graphMermaid } from "../../../graph/render/mermaid.ts";
import { graphMermaidGantt } from "../../../graph/render/mermaid-gantt.ts";
import { graphMermaidState } from "../../../graph/render/mermaid-state.ts";
import { graphSvg } from "../../../graph/render/svg.ts";
import { workloadGraph, type RunWithSteps } from "../../../graph/workload-graph.ts";
import type { Scope } from "../../../model/uid.ts";
import type { Queryable } from "../../../store/database.ts";
import { readResource } from "../../../store/resources.ts";
import { stepsOfRuns } from "../../../store/run-pages.ts";
import { listRuns } from "../../../store/runs.ts";
import {
  resourcesOfWorkload,
  scopesOfWorkload,
  type WorkloadPlace,
} from "../../../store/workload-resources.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { covers, reachOf, type Reach } from "../auth/roles.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { name } from "../schemas/common.ts";
import { exportQuery, graph, graphQuery } from "../schemas/graph.ts";
import type { ApiServices } from "../services.ts";

export const app = z.object({ app: name });

export function graphRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/graph/{app}",
      summary: "What a workload is made of: resources, providers, workflows, runs and steps",
      ...guard(authorize, "read"),
      request: { params: app, query: graphQuery },
      responses: {
        200: {
          description: "Of all environments that have it, or of one",
          content: { "application/json": { schema: graph } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const workload = context.req.valid("param").app;
      const found = await readGraph(db, workload, context.req.valid("query"), reach);
      return context.json(graphJson(workload, found), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/graph/{app}/export",
      summary: "The same, drawn",
      ...guard(authorize, "read"),
      request: { params: app, query: exportQuery },
      responses: {
        200: {
          description: "In the format that was asked for",
          content: {
            "application/json": { schema: graph },
            "image/svg+xml": { schema: z.string() },
            "text/vnd.graphviz": { schema: z.string() },
            "text/plain": { schema: z.string() },
          },
        },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const workload = context.req.valid("param").app;
      const { format, ...query } = context.req.valid("query");
      const found = await readGraph(db, workload, query, reach);
      const { type, text } = await drawn(workload, found, format);
      return new Response(text, { status: 200, headers: { "content-type": type } });
    },
  );
  return router;
}

async function drawn(
  workload: string,
  found: Graph,
  format: z.output<typeof exportQuery>["format"],
): Promise<{ readonly type: string; readonly text: string }> {
  switch (format) {
    case "json":
      return { type: "application/json", text: JSON.stringify(graphJson(workload, found)) };
    case "dot":
      return { type: "text/vnd.graphviz; charset=utf-8", text: graphDot(workload, found) };
    case "mermaid":
    case "mermaid-flowchart":
      return { type: "text/plain; charset=utf-8", text: graphMermaid(found) };
    case "mermaid-state":
      return { type: "text/plain; charset=utf-8", text: graphMermaidState(found) };
    case "mermaid-gantt":
      return { type: "text/plain; charset=utf-8", text: graphMermaidGantt(workload, found) };
    case "png":
      throw new ApiError(501, {
        code: "no-png",
        detail: "graphs are drawn as vectors, and not as pixels",
        hint: "ask for `format=svg`: browsers show it, and `rsvg-convert` makes a PNG of it",
      });
    case "svg": {
      const text = await graphSvg(workload, found);
      if (text !== undefined) return { type: "image/svg+xml", text };
      throw new ApiError(422, {
        code: "graph-too-large",
        detail: `a graph of ${found.nodes.length} nodes is too large to be drawn`,
        hint: "ask for fewer runs (`runs=0`), for one environment, or for `format=dot`",
      });
    }
  }
}

export async function readGraph(
  db: Queryable,
  workload: string,
  query: WorkloadPlace & { readonly runs: number },
  reach: Reach,
): Promise<Graph> {
  const scopes = covers(reach, workload) ? await scopesOfWorkload(db, workload, query) : [];
  if (scopes.length === 0) throw notFound(`application "${workload}"`);
  const graphs: Graph[] = [];
  for (const scope of scopes) {
    const uids = await resourcesOfWorkload(db, scope, workload);
    const read = await Promise.all(uids.map((it) => readResource(db, scope, it)));
    const resources = read
      .filter((it) => it !== undefined)
      .filter((it) => covers(reach, it.workload));
    const runs = await runsOf(
      db,
      scope,
      resources.map((it) => it.uid),
      query.runs,
    );
    graphs.push(workloadGraph({ scope, workload, resources, runs }));
  }
  return mergeGraphs(graphs);
}

async function runsOf(
  db: Queryable,
  scope: Scope,
  uids: readonly RunWithSteps["run"]["uid"][],
  limit: number,
): Promise<RunWithSteps[]> {
  if (limit === 0 || uids.length === 0) return [];
  const runs = (await Promise.all(uids.map((uid) => listRuns(db, scope, { uid, limit })))).flat();
  const steps = await stepsOfRuns(
    db,
    runs.map((it) => it.id),
  );
  return runs.map((run) => ({ run, steps: steps.get(run.id) ?? [] }));
}
