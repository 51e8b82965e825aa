/** What an application is made of, as a graph: in upstream's JSON, or drawn. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { mergeGraphs, type Graph } from "../../../graph/graph.ts";
import { graphDot } from "../../../graph/render/dot.ts";
import { graphJson } from "../../../graph/render/json.ts";
import { graphMermaid } from "../../../graph/render/mermaid.ts";
import { graphSvg } from "../../../graph/render/svg.ts";
import { workloadGraph } from "../../../graph/workload-graph.ts";
import type { Scope } from "../../../model/uid.ts";
import { listResources } from "../../../store/resources.ts";
import { listRuns } from "../../../store/runs.ts";
import { listSteps } from "../../../store/steps.ts";
import { findWorkloads } from "../../../store/workload-pages.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { likePatterns, reachOf, type Principal } from "../auth/roles.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { name } from "../schemas/common.ts";
import { graph, graphFormats, graphQuery } from "../schemas/record.ts";
import type { ApiServices } from "../services.ts";

const params = z.object({ app: name });

export function graphRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();

  const graphOf = async (
    principal: Principal,
    app: string,
    { runs: most, ...asked }: z.output<typeof graphQuery>,
  ): Promise<Graph> => {
    const workloads = likePatterns(reachOf(principal, "read", settings.teams));
    const found = await findWorkloads(db, { ...asked, workloads }, app);
    if (found.length === 0) throw notFound(`application "${app}"`);
    const graphs: Graph[] = [];
    for (const { repository, environment } of found) {
      const scope: Scope = { repository, environment };
      const resources = await listResources(db, scope);
      const needed = standingWith(resources, app);
      const runs = [];
      for (const { uid } of needed) {
        for (const run of most === 0 ? [] : await listRuns(db, scope, { uid, limit: most })) {
          runs.push({ run, steps: await listSteps(db, run.id) });
        }
      }
      graphs.push(workloadGraph({ scope, workload: app, resources, runs }));
    }
    return mergeGraphs(graphs);
  };

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/graph/{app}",
      summary: "An application's graph",
      ...guard(authorize, "read"),
      request: { params, query: graphQuery },
      responses: {
        200: {
          description: "Application, resources, providers, workflows, runs and steps",
          content: { "application/json": { schema: graph } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const { app } = context.req.valid("param");
      const made = await graphOf(context.get("principal"), app, context.req.valid("query"));
      return context.json(jsonOf(app, made), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/graph/{app}/export",
      summary: "An application's graph, drawn",
      ...guard(authorize, "read"),
      request: {
        params,
        query: graphQuery.extend({ format: z.enum(graphFormats).default("json") }),
      },
      responses: {
        200: {
          description: "In the format asked for",
          content: {
            "application/json": { schema: graph },
            "text/vnd.graphviz": { schema: z.string() },
            "text/vnd.mermaid": { schema: z.string() },
            "image/svg+xml": { schema: z.string() },
          },
        },
        ...problems,
      },
    }),
    async (context) => {
      const { app } = context.req.valid("param");
      const { format, ...asked } = context.req.valid("query");
      const made = await graphOf(context.get("principal"), app, asked);
      switch (format) {
        case "json":
          return context.json(jsonOf(app, made), 200);
        case "dot":
          return context.body(graphDot(app, made), 200, { "content-type": "text/vnd.graphviz" });
        case "mermaid":
        case "mermaid-flowchart":
          return context.body(graphMermaid(made), 200, { "content-type": "text/vnd.mermaid" });
        case "svg": {
          const svg = await graphSvg(app, made);
          if (svg !== undefined) {
            return context.body(svg, 200, { "content-type": "image/svg+xml" });
          }
          throw new ApiError(422, {
            code: "graph-too-large",
            detail: "the graph is too large to be drawn",
            hint: "ask for fewer runs with ?runs=, or for format=dot",
          });
        }
      }
    },
  );
  return router;
}

/** Widened to what the schema says. */
const jsonOf = (app: string, made: Graph): z.output<typeof graph> => graphJson(app, made);

/** The application's resources that stand, and what those need. */
function standingWith<
  R extends { uid: string; workload: string; phase: string; dependsOn: readonly string[] },
>(resources: readonly R[], app: string): readonly R[] {
  const byUid = new Map(resources.filter((it) => it.phase !== "deleted").map((it) => [it.uid, it]));
  const needed = new Map<string, R>();
  const take = (it: R | undefined): void => {
    if (it === undefined || needed.has(it.uid)) return;
    needed.set(it.uid, it);
    for (const uid of it.dependsOn) take(byUid.get(uid));
  };
  for (const it of byUid.values()) if (it.workload === app) take(it);
  return [...needed.values()];
}
