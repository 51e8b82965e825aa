import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openTestServer, type TestServer } from "../../../../test/support/http.ts";
import type { OidcSettings } from "../../../settings/api.ts";
import { createTokenReader, type TokenReader } from "./oidc.ts";

const now = new Date("2026-03-01T12:00:00Z");
const seconds = now.getTime() / 1_000;

let own: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
let other: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
beforeAll(async () => {
  own = await generateKeyPair("ES256");
  other = await generateKeyPair("ES256");
});

let issuer: TestServer;
let answers: Record<string, string>;
let read: TokenReader;
let refused: unknown[];
const settings = (): OidcSettings => ({
  issuer: issuer.url,
  audience: "innominatus",
  name: "Test",
  usernameClaim: "sub",
  groupsClaim: "groups",
  groups: [
    { group: "platform", role: "admin" },
    { group: "readers", role: "viewer" },
    { group: "payments-dev", role: "operator", team: "payments" },
    { group: "payments-lead", role: "approver", team: "payments" },
  ],
});
const reader = (more: Partial<OidcSettings> = {}): TokenReader =>
  createTokenReader(
    { ...settings(), ...more },
    { fetch, now: () => now, onRefused: (error) => refused.push(error) },
  );

beforeEach(async () => {
  refused = [];
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "one", alg: "ES256", use: "sig" };
  answers = { "/jwks": JSON.stringify({ keys: [jwk] }) };
  issuer = await openTestServer(({ path }) => {
    const body = answers[path];
    return body === undefined ? { status: 404 } : { body };
  });
  answers["/.well-known/openid-configuration"] = JSON.stringify({
    issuer: issuer.url,
    jwks_uri: `${issuer.url}/jwks`,
  });
  read = reader();
});
afterEach(() => issuer.close());

const claims = (): JWTPayload => ({
  iss: issuer.url,
  aud: "innominatus",
  sub: "ada",
  exp: seconds + 600,
  groups: ["readers"],
});
const sign = (payload: JWTPayload, key = own.privateKey, kid = "one"): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid }).sign(key);

describe("a token of the issuer", () => {
  it("names who it is of, and gives the roles of its groups", async () => {
    const token = await sign({ ...claims(), groups: ["readers", "payments-dev", "payments-lead"] });
    expect(await read(token)).toMatchObject({
      username: "oidc:ada",
      via: "oidc",
      role: "viewer",
      teams: { payments: "approver" },
    });
  });

  it("asks for the keys once, whatever the number of tokens", async () => {
    for (let index = 0; index < 5; index++) await read(await sign(claims()));
    expect(issuer.asked.map((it) => it.path)).toEqual([
      "/.well-known/openid-configuration",
      "/jwks",
    ]);
  });

  it("is not looked for where the settings name the keys", async () => {
    const named = reader({ jwksUri: `${issuer.url}/jwks` });
    expect(await named(await sign(claims()))).toBeDefined();
    expect(issuer.asked.map((it) => it.path)).toEqual(["/jwks"]);
  });
});

const without = (it: JWTPayload, key: string): JWTPayload =>
  Object.fromEntries(Object.entries(it).filter(([name]) => name !== key));

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("what is refused", () => {
  it.each<[string, (it: JWTPayload) => JWTPayload]>([
    ["another audience", (it) => ({ ...it, aud: "else" })],
    ["another issuer", (it) => ({ ...it, iss: "https://else.example" })],
    ["one that has ended", (it) => ({ ...it, exp: seconds - 60 })],
    ["one that begins later", (it) => ({ ...it, nbf: seconds + 600 })],
    ["one without an end", (it) => without(it, "exp")],
    ["one without a name", (it) => without(it, "sub")],
    ["one whose groups give no role", (it) => ({ ...it, groups: ["else"] })],
    ["one without groups", (it) => without(it, "groups")],
  ])("%s", async (_, change) => {
    expect(await read(await sign(claims()))).toBeDefined();
    expect(await read(await sign(change(claims())))).toBeUndefined();
  });

  it("one that another key has signed", async () => {
    expect(await read(await sign(claims(), other.privateKey))).toBeUndefined();
  });

  it("one that nobody has signed, and one that the public key has as a secret", async () => {
    const none = `${encoded({ alg: "none" })}.${encoded(claims())}.`;
    expect(await read(none)).toBeUndefined();
    const secret = Buffer.from(answers["/jwks"] ?? "");
    const confused = await new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .sign(secret);
    expect(await read(confused)).toBeUndefined();
  });

  it("all, where the discovery document speaks for somebody else, or is too large", async () => {
    answers["/.well-known/openid-configuration"] = JSON.stringify({
      issuer: "https://else.example",
      jwks_uri: `${issuer.url}/jwks`,
    });
    expect(await read(await sign(claims()))).toBeUndefined();
    answers["/jwks"] = JSON.stringify({ keys: [], padding: "x".repeat(600_000) });
    const named = reader({ jwksUri: `${issuer.url}/jwks` });
    expect(await named(await sign(claims()))).toBeUndefined();
    expect(refused.map(String).join("\n")).toMatch(/speaks for.*\n.*too large/);
  });
});
