/** What only administrators see of the controller itself, and reading its providers again. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { appendEvents } from "../../../store/events.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { anyRecord, time } from "../schemas/common.ts";
import type { ApiServices } from "../services.ts";

const reloaded = z
  .object({
    success: z.boolean(),
    message: z.string(),
    providers: z.number().int(),
    provisioners: z.number().int(),
    timestamp: time,
  })
  .meta({ id: "Reloaded" });

export function administrationRoutes(
  services: ApiServices,
  authorize: Authorize,
): OpenAPIHono<ApiEnv> {
  const { db, clock, shownSettings, stopping } = services;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/admin/config",
      summary: "The controller's settings, with every secret as `***`",
      ...guard(authorize, "admin"),
      responses: {
        200: {
          description: "As they were read at its start; times in milliseconds",
          content: { "application/json": { schema: anyRecord } },
        },
        ...problems,
      },
    }),
    (context) => {
      const shown: Record<string, unknown> = { ...shownSettings };
      return context.json(shown, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/api/admin/reload",
      summary: "Read providers and repositories again now",
      ...guard(authorize, "admin"),
      responses: {
        200: {
          description: "What there is after it; settings are read at the start only",
          content: { "application/json": { schema: reloaded } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const { changed, problems: told } = await services.reload(
        AbortSignal.any([stopping, context.req.raw.signal]),
      );
      const now = clock.now();
      const { actor } = context.get("principal");
      const fact = { repository: "", environment: "", type: "ProvidersReloaded", actor };
      await db.transaction((tx) =>
        appendEvents(tx, [{ ...fact, data: { changed } }], now.getTime()),
      );
      const all = services.providers();
      const success = !told.some((it) => it.severity === "error");
      const what = changed
        ? "providers are read again, and have changed"
        : "providers are as they were";
      const wrong = told.map((it) => `${it.file}:${it.line}: ${it.message}`);
      return context.json(
        {
          success,
          message: [what, ...wrong].join("; "),
          providers: all.length,
          provisioners: all.reduce((sum, it) => sum + it.capabilities.length, 0),
          timestamp: now.toISOString(),
        },
        200,
      );
    },
  );
  return router;
}
