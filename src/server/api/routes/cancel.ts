/** Ending a run early: at once before it has begun, at a safe point once it has. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { cancelRun } from "../../../store/cancels.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { covers, reachOf } from "../auth/roles.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { runId, theRun } from "./workflows.ts";
import type { ApiServices } from "../services.ts";

const cancelled = z
  .object({ success: z.boolean(), message: z.string(), id: z.string() })
  .meta({ id: "Cancelled" });

export function cancelRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings, clock } = services;
  const router = createRouter();
  router.openapi(
    createRoute({
      method: "post",
      path: "/api/workflows/{id}/cancel",
      summary: "End a run at its next safe point",
      ...guard(authorize, "write"),
      request: { params: runId },
      responses: {
        200: {
          description: "It has ended, or ends with its current step",
          content: { "application/json": { schema: cancelled } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const principal = context.get("principal");
      const given = context.req.valid("param").id;
      const run = await theRun(db, given, "everything");
      // Where one may not change it, it is not there.
      const isOwn = covers(reachOf(principal, "write", settings.teams), run.workload);
      if (!isOwn) throw notFound(`run "${given}"`);
      const by = { actor: principal.actor, reason: "" };
      const outcome = await db.transaction((tx) =>
        cancelRun(tx, run.id, by, clock.now().getTime()),
      );
      if (outcome === "over") {
        throw new ApiError(409, {
          code: "already-over",
          detail: `run ${run.id} has ended, or is ending, anyway`,
        });
      }
      const how = outcome === "ended" ? "had not begun, and never will" : "ends with its step";
      return context.json({ success: true, message: `${run.id} ${how}`, id: run.id }, 200);
    },
  );
  return router;
}
