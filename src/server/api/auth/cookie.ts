/** The session's cookie, for browsers: what it may be used for, and from where. */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { ApiSettings } from "../../../settings/api.ts";
import { cameByHttps } from "./address.ts";

/** As upstream has it. */
export const sessionCookie = "session_id";

/** A browser that does nothing for so long is signed out, whatever `api.session` says. */
export const idleMs = 3 * 3_600_000;

type CookieSettings = Pick<ApiSettings, "sessionMs" | "trustedProxies">;

/** None where another site's page had the browser log in: the session would be somebody else's. */
export function giveSessionCookie(
  context: Context,
  token: string,
  { sessionMs, trustedProxies }: CookieSettings,
): void {
  const site = context.req.header("sec-fetch-site");
  if (site === "cross-site" || site === "same-site") return;
  const maxAge = Math.floor(sessionMs / 1_000);
  setCookie(context, sessionCookie, token, { ...attributes(context, trustedProxies), maxAge });
}

export function takeSessionCookie(context: Context, { trustedProxies }: CookieSettings): void {
  deleteCookie(context, sessionCookie, attributes(context, trustedProxies));
}

export const sessionCookieOf = (context: Context): string | undefined =>
  getCookie(context, sessionCookie);

/** Reading is left to SameSite; anything else has to say that a page of this very site sends it. */
export function isOurOwn({ method, headers, url }: Request): boolean {
  if (["GET", "HEAD"].includes(method)) return true;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin") ?? "";
  // A proxy may have ended TLS: the scheme is not compared.
  return (
    URL.canParse(origin) && new URL(origin).host === (headers.get("host") ?? new URL(url).host)
  );
}

const attributes = (context: Context, trustedProxies: number) =>
  ({
    path: "/",
    httpOnly: true,
    sameSite: "Strict",
    secure: cameByHttps(context, trustedProxies),
  }) as const;
