/** Logging in and out, who one is, and one's API keys. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { addKey, listKeys, removeKey, removeSession } from "../../../store/api-sessions.ts";
import { appendEvents } from "../../../store/events.ts";
import { addressOf } from "../auth/address.ts";
import { giveSessionCookie, takeSessionCookie } from "../auth/cookie.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { logIn } from "../auth/login.ts";
import { highestRole, permissionsOf, type Principal } from "../auth/roles.ts";
import { hashToken, hintOf, newToken } from "../auth/tokens.ts";
import { endPage, readPage } from "../pages.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import { name, pageQuery } from "../schemas/common.ts";
import {
  apiKey,
  authConfig,
  createdApiKey,
  login,
  loginRequest,
  newApiKey,
  userInfo,
} from "../schemas/session.ts";
import type { ApiServices } from "../services.ts";
import { keyView } from "../views/api-key.ts";

export function sessionRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, clock, settings } = services;
  const json = { "application/json": { schema: loginRequest } };
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "post",
      path: "/api/login",
      summary: "Log in with a password",
      security: [],
      request: { body: { required: true, content: json } },
      responses: {
        200: { description: "A session", content: { "application/json": { schema: login } } },
        ...problems,
      },
    }),
    async (context) => {
      const given = context.req.valid("json");
      const { account, token, expiresAt } = await logIn(
        services,
        given,
        addressOf(context, settings.trustedProxies),
      );
      const { username } = account;
      giveSessionCookie(context, token, settings);
      const [team = ""] = Object.keys(account.teams);
      return context.json(
        { token, username, team, role: highestRole(account), expires: expiresAt },
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/api/logout",
      summary: "End this session",
      ...guard(authorize, "read"),
      responses: { 204: { description: "Ended" }, ...problems },
    }),
    async (context) => {
      const { session, actor } = context.get("principal");
      if (session !== undefined) {
        await db.transaction(async (tx) => {
          await removeSession(tx, session);
          await appendEvents(tx, [{ ...nowhere, type: "LoggedOut", actor }], nowMs());
        });
      }
      takeSessionCookie(context, settings);
      return context.body(null, 204);
    },
  );

  for (const path of ["/api/user-info", "/api/profile", "/api/auth/whoami"] as const) {
    router.openapi(
      createRoute({
        method: "get",
        path,
        summary: "Who one is",
        ...guard(authorize, "read"),
        responses: {
          200: { description: "Oneself", content: { "application/json": { schema: userInfo } } },
          ...problems,
        },
      }),
      (context) => context.json(infoOf(context.get("principal")), 200),
    );
  }

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/auth/config",
      summary: "How one may log in",
      security: [],
      responses: {
        200: { description: "Ways", content: { "application/json": { schema: authConfig } } },
        ...problems,
      },
    }),
    (context) =>
      context.json(
        {
          oidc_enabled: settings.oidc !== undefined,
          oidc_provider_name: settings.oidc?.name ?? "",
        },
        200,
      ),
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/profile/api-keys",
      summary: "One's API keys",
      ...guard(authorize, "read"),
      request: { query: pageQuery },
      responses: pageResponses(apiKey, "By name"),
    }),
    async (context) => {
      const page = readPage(context.req.valid("query"), z.string());
      const { username } = context.get("principal");
      const found = await listKeys(db, username, { after: page.after, limit: page.limit + 1 });
      return context.json(endPage(context, page, found, (it) => it.name).map(keyView), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/api/profile/api-keys",
      summary: "Make an API key",
      ...guard(authorize, "read"),
      request: {
        body: { required: true, content: { "application/json": { schema: newApiKey } } },
      },
      responses: {
        201: {
          description: "The key, shown this once",
          content: { "application/json": { schema: createdApiKey } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const principal = context.get("principal");
      refuseKeysOf(principal);
      const asked = context.req.valid("json");
      const held = permissionsOf(principal).filter((it) => principal.scopes.includes(it));
      const granted = held.filter((it) => asked.scopes?.includes(it) ?? true);
      const missing = asked.scopes?.filter((it) => !held.includes(it)) ?? [];
      if (missing.length > 0) {
        throw new ApiError(403, {
          code: "scope-not-held",
          detail: `you do not have: ${missing.join(", ")}`,
          hint: `ask for some of: ${held.join(", ")}`,
        });
      }
      const key = newToken("key");
      const { username } = principal;
      const row = { hash: hashToken(key), username, name: asked.name, hint: hintOf(key) };
      const made = await db.transaction(async (tx) => {
        const added = await addKey(tx, { ...row, scopes: granted }, asked.expiry_days * dayMs);
        if (added === undefined) return undefined;
        const data = { name: asked.name, scopes: granted };
        const fact = { ...nowhere, type: "ApiKeyCreated", actor: principal.actor, data };
        await appendEvents(tx, [fact], nowMs());
        return added;
      });
      if (made === undefined) {
        throw new ApiError(409, {
          code: "name-taken",
          detail: `you have an API key named "${asked.name}"`,
          hint: "choose another name, or delete that one first",
        });
      }
      const { masked_key: _, last_used_at: __, ...facts } = keyView(made);
      return context.json({ key, ...facts }, 201);
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path: "/api/profile/api-keys/{name}",
      summary: "Revoke an API key",
      ...guard(authorize, "read"),
      request: { params: z.object({ name }) },
      responses: { 204: { description: "Revoked" }, ...problems },
    }),
    async (context) => {
      const principal = context.get("principal");
      refuseKeysOf(principal);
      const { name: given } = context.req.valid("param");
      const removed = await db.transaction(async (tx) => {
        if (!(await removeKey(tx, principal.username, given))) return false;
        const data = { name: given };
        const fact = { ...nowhere, type: "ApiKeyRevoked", actor: principal.actor, data };
        await appendEvents(tx, [fact], nowMs());
        return true;
      });
      if (!removed) throw notFound(`API key "${given}" of yours`);
      return context.body(null, 204);
    },
  );

  const nowMs = (): number => clock.now().getTime();
  return router;
}

const dayMs = 86_400_000;

/** Facts about users are about no environment. */
const nowhere = { repository: "", environment: "" };

/** A key that could make keys would outlive its own end; the issuer's users have their own tokens. */
function refuseKeysOf({ via, impersonator }: Principal): void {
  if (impersonator !== undefined) {
    throw new ApiError(403, {
      code: "impersonating",
      detail: `${impersonator} acts as this user, whose API keys are the user's own to manage`,
      hint: "end it with DELETE /api/impersonate",
    });
  }
  if (via === "session") return;
  throw new ApiError(403, {
    code: "session-needed",
    detail: "API keys are managed with a session only",
    hint: "log in with POST /api/login first",
  });
}

const infoOf = (principal: Principal) => ({
  username: principal.username,
  team: Object.keys(principal.teams)[0] ?? "",
  role: highestRole(principal),
  teams: { ...principal.teams },
  everywhere: principal.role,
  impersonated_by: principal.impersonator ?? null,
  scopes: permissionsOf(principal).filter((it) => principal.scopes.includes(it)),
});
