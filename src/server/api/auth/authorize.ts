/** Who is asking, by the bearer token or a browser's cookie, and whether the one may: before any route sees the request. */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { noteSeen, noteUse } from "../../../store/api-sessions.ts";
import { readBearers } from "../../../store/bearers.ts";
import { ApiError } from "../problem.ts";
import type { ApiEnv } from "../router.ts";
import { scopes, type ScopeName } from "../schemas/session.ts";
import type { ApiServices } from "../services.ts";
import { findAccount, grantedTo } from "./accounts.ts";
import { idleMs, isOurOwn, sessionCookieOf } from "./cookie.ts";
import type { TokenReader } from "./oidc.ts";
import { may, type Principal } from "./roles.ts";
import { together } from "./together.ts";
import { hashToken, kindOf } from "./tokens.ts";

export type Authorize = (permission: ScopeName) => MiddlewareHandler<ApiEnv>;

/** @param readJwt of the configured issuer; `undefined`: none is */
export function createAuthorize(
  services: Pick<ApiServices, "db" | "settings">,
  readJwt: TokenReader | undefined,
): Authorize {
  const { db, settings } = services;
  const bearerBy = together((hashes) => readBearers(db, hashes));

  /** The token and its user are looked up each time, so that a deleted one is out at once. */
  async function principalOf(token: string, isCookie: boolean): Promise<Principal | undefined> {
    const kind = kindOf(token);
    if (kind === undefined || (isCookie && kind !== "session")) return undefined;
    if (kind === "jwt") return readJwt?.(token);
    const hash = hashToken(token);
    const bearer = await bearerBy(hash);
    if (bearer === undefined) return undefined;
    const { username, user } = bearer;
    const granted = grantedTo(settings, username, user);
    if (granted === undefined) return undefined;
    const { role, teams } = granted;
    const held = bearer.scopes;
    if (held === null) {
      if (isCookie && (bearer.idleMs ?? 0) >= idleMs) return undefined;
      if (isCookie && bearer.stale) await noteSeen(db, hash);
      const own = { username, actor: username, role, teams } as const;
      const session = { ...own, via: "session", scopes, session: hash } as const;
      return bearer.actsAs === null ? session : actingAs(session, bearer.actsAs);
    }
    if (bearer.stale) await noteUse(db, hash);
    const own = scopes.filter((it) => held.includes(it));
    return { username, actor: username, role, teams, via: "key", scopes: own };
  }

  /** Acting as another ends with the role, and with the other: the session is worth nothing then. */
  async function actingAs(own: Principal, other: string): Promise<Principal | undefined> {
    const account = own.role === "admin" ? await findAccount(db, settings, other) : undefined;
    if (account === undefined) return undefined;
    const { username, role, teams } = account;
    const actor = `${own.username} as ${username}`;
    return { ...own, username, actor, role, teams, impersonator: own.username };
  }

  return (permission) =>
    createMiddleware<ApiEnv>(async (context, next) => {
      const header = context.req.header("authorization");
      const cookie = header === undefined ? sessionCookieOf(context) : undefined;
      const token = bearerOf(header) ?? cookie;
      if (token === undefined) throw unauthenticated("no bearer token was sent");
      // The browser sends a cookie along whoever asks it to: what changes something has to be ours.
      if (cookie !== undefined && !isOurOwn(context.req.raw)) {
        throw new ApiError(403, {
          code: "cross-site",
          detail: "the request has a session's cookie, and does not say that this site sent it",
          hint: "send the token as `Authorization: Bearer …`; a browser sends Origin or Sec-Fetch-Site",
        });
      }
      const principal = await principalOf(token, cookie !== undefined);
      if (principal === undefined) {
        throw unauthenticated("the token is unknown, past its time, or its user is gone");
      }
      if (!may(principal, permission)) {
        throw new ApiError(403, {
          code: "forbidden",
          detail: `${principal.username} lacks the permission "${permission}", or this token does`,
          hint: "ask an administrator for a role that has it",
        });
      }
      context.set("principal", principal);
      await next();
    });
}

/** Bounded: nobody's token is longer, and everything about it is hashed or parsed. */
const longestToken = 16_384;

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.length > longestToken) return undefined;
  return /^Bearer +(\S+)$/i.exec(header)?.[1];
}

const unauthenticated = (detail: string): ApiError =>
  new ApiError(401, {
    code: "unauthenticated",
    detail,
    hint: "log in with POST /api/login, and send its token as `Authorization: Bearer …`",
    headers: { "www-authenticate": 'Bearer realm="innominatus"' },
  });

/** For a route's definition: the check, and what the OpenAPI document says of it. */
export const guard = (authorize: Authorize, permission: ScopeName) => ({
  middleware: authorize(permission),
  security: [{ bearer: [permission] }, { cookie: [] }],
});
