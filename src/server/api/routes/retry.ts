/** Upstream's way to try again: by a run, whose resource is tried with what git asks for now. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { guard, type Authorize } from "../auth/authorize.ts";
import { reachOf } from "../auth/roles.ts";
import { retryResource } from "../retry.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { retried } from "../schemas/resource.ts";
import type { ApiServices } from "../services.ts";
import { refuseBeyond, theResource } from "./resources.ts";
import { runId, theRun } from "./workflows.ts";

const retriedRun = retried
  .extend({ parent_execution_id: z.string().meta({ description: "The run that failed" }) })
  .meta({ id: "RetriedRun" });

export function retryRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();
  router.openapi(
    createRoute({
      method: "post",
      path: "/api/workflows/{id}/retry",
      summary: "Try again what a run's resource failed with",
      ...guard(authorize, "write"),
      request: { params: runId },
      responses: {
        200: {
          description: "The next pass tries it, in a run of its own",
          content: { "application/json": { schema: retriedRun } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const principal = context.get("principal");
      const reach = reachOf(principal, "write", settings.teams);
      const run = await theRun(db, context.req.valid("param").id, reach);
      const found = await theResource(db, run.resourceId ?? run.uid, "everything");
      refuseBeyond(reach, found);
      const again = await retryResource(services, principal, found);
      return context.json({ ...again, parent_execution_id: run.id }, 200);
    },
  );
  return router;
}
