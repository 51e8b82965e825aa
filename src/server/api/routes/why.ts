/** Why a resource is as it is, and what happens next (law 12). */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { explain } from "../../../controller/explain.ts";
import { whyJson, whyText } from "../../../cli/output/why.ts";
import { isRecord } from "../../../model/json.ts";
import { readResource } from "../../../store/resources.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { reachOf } from "../auth/roles.ts";
import { notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { why } from "../schemas/why.ts";
import type { ApiServices } from "../services.ts";
import { waitsWithin } from "../views/waits.ts";
import { resourceId, theResource } from "./resources.ts";

export function whyRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings, clock } = services;
  const router = createRouter();
  router.openapi(
    createRoute({
      method: "get",
      path: "/api/resources/{id}/why",
      summary: "What was decided for a resource, by which rule, and what happens next",
      ...guard(authorize, "read"),
      request: { params: resourceId },
      responses: {
        200: {
          description: "From the record alone",
          content: { "application/json": { schema: why } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const { id } = context.req.valid("param");
      const { repository, environment, uid } = await theResource(db, id, reach);
      const scope = { repository, environment };
      const resource = await readResource(db, scope, uid);
      if (resource === undefined) throw notFound(`resource "${id}"`);
      const found = await explain(db, scope, resource);
      const explained = { ...found, waits: await waitsWithin(db, found.waits, reach) };
      const { dependsOn, next, phase, since, gate, waits } = explained;
      const { decided, provider, run } = whyJson(explained);
      return context.json(
        {
          uid,
          environment,
          phase,
          since,
          decided: opened(decided),
          provider: opened(provider),
          depends_on: [...dependsOn],
          run: run === null ? null : opened(run),
          gate,
          waits: waits.map((it) => ({ ...it, hidden: it.hidden === true })),
          next,
          text: whyText(explained, clock.now()),
        },
        200,
      );
    },
  );
  return router;
}

const opened = (part: unknown): Record<string, unknown> => (isRecord(part) ? { ...part } : {});
