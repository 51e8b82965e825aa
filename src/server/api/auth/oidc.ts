/** Bearer tokens of an OpenID Connect issuer: who signed it, for whom, and which roles its groups give. */
import { createRemoteJWKSet, customFetch, jwtVerify, type JWTPayload } from "jose";
import { z } from "zod";
import type { OidcSettings } from "../../../settings/api.ts";
import { scopes, type Role } from "../schemas/session.ts";
import { highestRole, type Principal } from "./roles.ts";

/** @returns `undefined` for a token that proves nothing, or whose groups give no role */
export type TokenReader = (token: string) => Promise<Principal | undefined>;

export interface OidcTools {
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  /** Told why a token was not taken: for the log, never for the caller. */
  readonly onRefused: (error: unknown) => void;
}

const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url() });
const timeoutMs = 5_000;
const largestAnswer = 512 * 1_024;

export function createTokenReader(settings: OidcSettings, tools: OidcTools): TokenReader {
  const bounded = boundedFetch(tools.fetch);
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  const keysOf = async (): Promise<ReturnType<typeof createRemoteJWKSet>> => {
    const uri = settings.jwksUri ?? (await discover(settings.issuer, bounded));
    keys ??= createRemoteJWKSet(new URL(uri), {
      timeoutDuration: timeoutMs,
      cooldownDuration: 30_000,
      cacheMaxAge: 600_000,
      [customFetch]: bounded,
    });
    return keys;
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys ?? (await keysOf()), {
        issuer: settings.issuer,
        audience: settings.audience,
        // What a shared secret signs, or nothing, is not the issuer's.
        algorithms: [
          "RS256",
          "RS384",
          "RS512",
          "PS256",
          "PS384",
          "PS512",
          "ES256",
          "ES384",
          "EdDSA",
        ],
        requiredClaims: ["exp", settings.usernameClaim],
        clockTolerance: 30,
        currentDate: tools.now(),
      });
      return principalOf(payload, settings);
    } catch (error) {
      tools.onRefused(error);
      return undefined;
    }
  };
}

function principalOf(payload: JWTPayload, settings: OidcSettings): Principal | undefined {
  const username = payload[settings.usernameClaim];
  if (typeof username !== "string" || username === "") return undefined;
  const claimed = payload[settings.groupsClaim];
  const groups = new Set(Array.isArray(claimed) ? claimed : [claimed]);
  const granted = settings.groups.filter((it) => groups.has(it.group));
  if (granted.length === 0) return undefined;
  const everywhere = granted.filter((it) => it.team === undefined).map((it) => it.role);
  const names = new Set(granted.flatMap((it) => it.team ?? []));
  const teams = [...names].toSorted().map((team): [string, Role] => {
    const held = granted.filter((it) => it.team === team).map((it) => it.role);
    return [team, strongest(held)];
  });
  return {
    username: `oidc:${username}`,
    actor: `oidc:${username}`,
    via: "oidc",
    role: everywhere.length === 0 ? null : strongest(everywhere),
    teams: Object.fromEntries(teams),
    scopes,
  };
}

const strongest = (held: readonly Role[]): Role =>
  highestRole({ role: null, teams: Object.fromEntries(held.map((it) => [it, it])) });

async function discover(issuer: string, get: typeof fetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await get(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`reading ${url}: status ${response.status}`);
  const found = discovery.parse(await response.json());
  if (found.issuer !== issuer) throw new Error(`${url} speaks for ${found.issuer}`);
  return found.jwks_uri;
}

/** No redirects, and no answer larger than a set of keys is. */
const boundedFetch =
  (get: typeof fetch): typeof fetch =>
  async (url, options) => {
    const response = await get(url, { ...options, redirect: "error" });
    const bytes = await readBounded(response);
    return new Response(bytes, { status: response.status, headers: response.headers });
  };

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const value: unknown = (await reader?.read())?.value;
    if (!(value instanceof Uint8Array)) break;
    size += value.length;
    if (size > largestAnswer) {
      await reader?.cancel();
      throw new Error("the issuer's answer is too large");
    }
    chunks.push(value);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}
