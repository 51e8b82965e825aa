/**
 * An administrator's session that acts as another user, to see what they see. Whatever it does is on
 * the audit trail under both names; it ends with the session, or once the role is gone.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { actAs } from "../../../store/api-sessions.ts";
import { appendEvents } from "../../../store/events.ts";
import { findAccount } from "../auth/accounts.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import type { Principal } from "../auth/roles.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { impersonateRequest, impersonation } from "../schemas/session.ts";
import type { ApiServices } from "../services.ts";

const path = "/api/impersonate";

export function impersonationRoutes(
  services: ApiServices,
  authorize: Authorize,
): OpenAPIHono<ApiEnv> {
  const { db, settings, clock } = services;
  const router = createRouter();
  const shown = { content: { "application/json": { schema: impersonation } } };

  router.openapi(
    createRoute({
      method: "post",
      path,
      summary: "Act as another user with this session",
      ...guard(authorize, "admin"),
      request: {
        body: { required: true, content: { "application/json": { schema: impersonateRequest } } },
      },
      responses: { 200: { description: "From the next request on", ...shown }, ...problems },
    }),
    async (context) => {
      const principal = context.get("principal");
      const { username } = context.req.valid("json");
      const session = sessionOf(principal);
      if (principal.impersonator !== undefined) {
        throw new ApiError(409, {
          code: "impersonating",
          detail: `${principal.impersonator} acts as ${principal.username} already`,
          hint: "end it with DELETE /api/impersonate first",
        });
      }
      const account = await findAccount(db, settings, username);
      if (account === undefined) throw notFound(`user "${username}"`);
      if (username === principal.username) {
        throw new ApiError(422, {
          code: "impersonating",
          detail: `you are ${username}`,
          hint: "name another user: GET /api/users lists them",
        });
      }
      await set(session, username, { type: "ImpersonationStarted", principal, username });
      return context.json({ active: true, username, impersonated_by: principal.username }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path,
      summary: "Whom this session acts as",
      ...guard(authorize, "read"),
      responses: { 200: { description: "Oneself, or another", ...shown }, ...problems },
    }),
    (context) => {
      const { username, impersonator } = context.get("principal");
      const active = impersonator !== undefined;
      return context.json({ active, username, impersonated_by: impersonator ?? null }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path,
      summary: "Be oneself again",
      ...guard(authorize, "read"),
      responses: { 204: { description: "From the next request on" }, ...problems },
    }),
    async (context) => {
      const principal = context.get("principal");
      const { username, impersonator, session } = principal;
      if (impersonator === undefined || session === undefined) throw notFound("impersonation");
      await set(session, null, { type: "ImpersonationEnded", principal, username });
      return context.body(null, 204);
    },
  );

  const set = (
    session: string,
    username: string | null,
    told: { readonly type: string; readonly principal: Principal; readonly username: string },
  ): Promise<void> =>
    db.transaction(async (tx) => {
      await actAs(tx, session, username);
      const { type, principal } = told;
      const actor = principal.impersonator ?? principal.username;
      const fact = { repository: "", environment: "", type, actor };
      const data = { username: told.username };
      await appendEvents(tx, [{ ...fact, data }], clock.now().getTime());
    });
  return router;
}

/** What ends with a session needs one: an API key or an issuer's token would act so for ever. */
function sessionOf({ via, session }: Principal): string {
  if (via === "session" && session !== undefined) return session;
  throw new ApiError(403, {
    code: "session-needed",
    detail: "only a session may act as another user, as that ends with it",
    hint: "log in with POST /api/login first",
  });
}
