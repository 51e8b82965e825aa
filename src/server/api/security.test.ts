/** What somebody who means harm sends. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  jsonOf,
  listOf,
  openEmptyApi,
  openTestApi,
  password,
  textIn,
  type TestApi,
} from "../../../test/support/api.ts";
import {
  advanceStoreTime,
  openTestDatabase,
  setStoreTime,
} from "../../../test/support/database.ts";
import { uidOf, wish } from "../../../test/support/runs.ts";
import type { Database } from "../../store/database.ts";

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDatabase("embedded");
}, 60_000);
afterAll(() => db.close());
beforeEach(async () => {
  api = await openEmptyApi(db);
});
afterEach(() => setStoreTime(db, undefined));

const login = (username: string, given: string, headers: Record<string, string> = {}) =>
  api.fetch("/api/login", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ username, password: given }),
  });
const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe("logging in", () => {
  it("does the same work, and says the same, for a user who is not there", async () => {
    const before = api.calls.length;
    const wrong = await login("viewer", "wrong");
    const wrongCalls = api.calls.slice(before);
    const unknown = await login("nobody", "wrong");
    const unknownCalls = api.calls.slice(before + wrongCalls.length);
    expect(unknownCalls).toEqual(wrongCalls);
    expect(wrongCalls).toHaveLength(1);
    expect([unknown.status, await unknown.text()]).toEqual([wrong.status, await wrong.text()]);
    expect(unknown.status).toBe(401);
  });

  it("takes so many attempts on a user, by whatever address, and then none for a while", async () => {
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect((await login("viewer", "wrong")).status).toBe(401);
    }
    const calls = api.calls.length;
    const refused = await login("viewer", password);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(api.calls).toHaveLength(calls);
    expect((await login("operator", password)).status).toBe(200);
    await advanceStoreTime(db, 61_000);
    expect((await login("viewer", password)).status).toBe(200);
  });

  it("counts attempts at the same time, so that none slips through", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => login("viewer", "wrong")));
    expect(all.filter((it) => it.status === 401)).toHaveLength(5);
  });

  it("counts by address, and believes a header of trusted proxies only", async () => {
    const limits = { perUser: 1_000, perAddress: 3, windowMs: 60_000 };
    api = await openTestApi(db, { settings: { login: limits } });
    const from = (index: number) => ({ "x-forwarded-for": `10.0.0.${index}` });
    for (let index = 1; index <= 3; index++) await login(`user${index}`, "wrong", from(index));
    expect((await login("user4", "wrong", from(4))).status).toBe(429);
    api = await openTestApi(db, { settings: { login: limits, trustedProxies: 1 } });
    expect((await login("user5", "wrong", from(5))).status).toBe(401);
    // What the client itself wrote stands before what the proxy added.
    const forged = { "x-forwarded-for": "10.9.9.9, 10.0.0.5" };
    for (let index = 0; index < 2; index++) await login("user6", "wrong", forged);
    expect((await login("user7", "wrong", forged)).status).toBe(429);
  });

  it("keeps no token and no password, only what proves one", async () => {
    const token = await api.tokenOf("admin");
    const { rows } = await db.query(
      `select (select jsonb_agg(s) from api_sessions s)::text || (select jsonb_agg(e) from events e)::text as all`,
    );
    const stored = JSON.stringify(rows);
    expect(stored).toContain("LoggedIn");
    for (const secret of [token, token.slice(6), password]) expect(stored).not.toContain(secret);
  });
});

describe("a token", () => {
  it("is worth nothing once its user is deleted", async () => {
    const token = await api.tokenOf("operator");
    const users = api.services.settings.users.filter((it) => it.username !== "operator");
    const without = await openTestApi(db, { settings: { users } });
    expect((await without.fetch("/api/user-info", withToken(token))).status).toBe(401);
    expect((await api.fetch("/api/user-info", withToken(token))).status).toBe(200);
  });

  it("is worth nothing after its end, or after logging out", async () => {
    const token = await api.tokenOf("operator");
    await advanceStoreTime(db, 3_600_001);
    expect((await api.fetch("/api/user-info", withToken(token))).status).toBe(401);
    await setStoreTime(db, undefined);
    await api.as("operator", "/api/logout", { method: "POST" });
    expect((await api.fetch("/api/user-info", withToken(token))).status).toBe(401);
  });

  it("has what its user's role has now, not what it had", async () => {
    const token = await api.tokenOf("admin");
    const users = api.services.settings.users.map((it) => ({ ...it, role: "viewer" as const }));
    const demoted = await openTestApi(db, { settings: { users } });
    expect((await demoted.fetch("/api/admin/providers", withToken(token))).status).toBe(403);
  });
});

describe("an API key", () => {
  const make = (body: object) =>
    api.as("operator", "/api/profile/api-keys", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("has its scopes and no more, is shown once, and can be revoked", async () => {
    const made = await jsonOf(await make({ name: "ci", scopes: ["read"] }));
    const key = textIn(made, "key");
    expect((await api.fetch("/api/resources", withToken(key))).status).toBe(200);
    const submitted = { method: "POST", ...withToken(key), body: "x" };
    expect((await api.fetch("/api/specs", submitted)).status).toBe(403);
    const listed = await api.as("operator", "/api/profile/api-keys");
    const text = await listed.clone().text();
    expect(text).not.toContain(key);
    const [row] = await listOf(listed);
    expect(row).toMatchObject({ name: "ci", scopes: ["read"] });
    expect(textIn(row, "last_used_at")).toBeTruthy();
    const remove = { method: "DELETE" };
    expect((await api.as("operator", "/api/profile/api-keys/ci", remove)).status).toBe(204);
    expect((await api.fetch("/api/resources", withToken(key))).status).toBe(401);
  });

  it("ends when it is said to", async () => {
    const made = await jsonOf(await make({ name: "short", expiry_days: 1 }));
    await advanceStoreTime(db, 86_400_001);
    expect((await api.fetch("/api/resources", withToken(textIn(made, "key")))).status).toBe(401);
  });

  it("makes no keys, and has no scope that its user lacks", async () => {
    const made = await jsonOf(await make({ name: "ci" }));
    expect(made["scopes"]).toEqual(["read", "write", "secrets"]);
    const init = {
      method: "POST",
      body: JSON.stringify({ name: "child" }),
      headers: {
        authorization: `Bearer ${textIn(made, "key")}`,
        "content-type": "application/json",
      },
    };
    expect((await api.fetch("/api/profile/api-keys", init)).status).toBe(403);
    expect((await make({ name: "more", scopes: ["admin"] })).status).toBe(403);
    expect((await make({ name: "ci" })).status).toBe(409);
  });
});

describe("a body", () => {
  const post = (path: string, body: string | ReadableStream, type = "application/json") =>
    api.as("operator", path, {
      method: "POST",
      headers: { "content-type": type },
      body,
      duplex: "half",
    });

  it("is bounded, whether it says its length or not", async () => {
    const large = "x".repeat(100_001);
    expect((await post("/api/specs", large, "application/yaml")).status).toBe(413);
    const chunks = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode("y".repeat(50_000)));
      },
    });
    expect((await post("/api/profile/api-keys", chunks)).status).toBe(413);
  });

  it("that is malformed, or nested deep, is told as a problem", async () => {
    const deep = `${"[".repeat(40_000)}${"]".repeat(40_000)}`;
    for (const body of ["{", deep, "null", '"text"', "\u0000", `{"name":${deep}}`]) {
      const response = await post("/api/profile/api-keys", body);
      expect([response.status, response.headers.get("content-type")]).toEqual([
        400,
        "application/problem+json",
      ]);
    }
  });

  it.each(["/api/profile/api-keys", "/api/login", "/api/specs"])(
    "that is no JSON is told with its line and column by %s",
    async (path) => {
      const response = await post(path, '{\n  "name": "ci",\n  scopes: []\n}');
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect([response.status, await jsonOf(response)]).toMatchObject([
        400,
        {
          code: "malformed",
          detail:
            'the body is no JSON: line 3, column 3: expected a key in double quotes, found "s"',
          problems: [{ file: "body", line: 3, column: 3, code: "json/syntax" }],
        },
      ]);
    },
  );

  it("of a spec comes under any type that clients give YAML, as curl's own, and no other", async () => {
    const refused = { kind: "refused", reason: "conflict", message: "seen", hint: "" } as const;
    const submit = () => Promise.resolve(refused);
    const { specs } = api.services;
    api = await openTestApi(db, { specs: { ...specs, submit } });
    const types = ["application/yaml", "text/x-yaml", "text/plain; charset=utf-8"];
    for (const type of [...types, "application/x-www-form-urlencoded"]) {
      expect((await post("/api/specs", "a: 1", type)).status).toBe(409);
    }
    for (const path of ["/api/specs", "/api/profile/api-keys"]) {
      const response = await post(path, "a", "image/png");
      expect([response.status, (await jsonOf(response))["code"]]).toEqual([
        415,
        "unsupported-content-type",
      ]);
    }
  });

  it("adds no properties to every object", async () => {
    await post("/api/profile/api-keys", '{"__proto__":{"polluted":true},"name":"x"}');
    expect("polluted" in {}).toBe(false);
  });
});

describe("a path", () => {
  it("that climbs out leads nowhere", async () => {
    for (const path of [
      "/api/docs/../../package.json",
      "/api/docs/..%2f..%2fpackage.json",
      "/api/docs/%2e%2e/%2e%2e/etc/passwd",
      "/api/docs/package.json",
      "/api/docs/swagger-ui-bundle.js%00.txt",
    ]) {
      expect((await api.fetch(path)).status).toBe(404);
    }
  });

  it("is text to the database, and nothing else", async () => {
    await wish(db, [uidOf("shop.a")]);
    for (const id of ["' or true --", "%", "_", "\\", "*", "$1", "\u{1f600}"]) {
      const response = await api.as("viewer", `/api/resources/${encodeURIComponent(id)}`);
      expect(response.status).toBe(404);
    }
    const cursor = Buffer.from('["a"]').toString("base64url");
    for (const query of ["limit=0", "limit=1e9", "limit=x", "cursor=x", `cursor=${cursor}`]) {
      expect((await api.as("viewer", `/api/resources?${query}`)).status).toBe(400);
    }
  });

  it("with a NUL, which no text of PostgreSQL holds, is no internal error", async () => {
    for (const path of ["/api/resources/a%00b", "/api/resources?app=a%00b", "/api/workflows/%00"]) {
      expect((await api.as("viewer", path)).status).toBe(400);
    }
    expect((await login("a\u0000b", "wrong")).status).toBe(400);
  });
});

describe("law 7: secrets", () => {
  it("are in no answer and no line of the log", async () => {
    const seen: string[] = [];
    for (const operation of api.operations.filter((it) => it.startsWith("GET "))) {
      const path = operation.slice(4).replaceAll(/\{[^}]+\}/g, "none");
      if (path.endsWith("/stream")) continue;
      seen.push(await (await api.as("admin", path)).text());
    }
    await login("admin", "a-wrong-secret");
    const hash = api.services.settings.users[0]?.passwordHash ?? "";
    const token = await api.tokenOf("admin");
    for (const secret of [password, "a-wrong-secret", hash, token]) {
      expect(seen.join("\n")).not.toContain(secret);
      expect(api.logged.join("\n")).not.toContain(secret);
    }
  });
});

it("answers CORS only where an origin is set", async () => {
  const headers = { origin: "https://portal.example" };
  const plain = await api.fetch("/api/auth/config", { headers });
  expect(plain.headers.get("access-control-allow-origin")).toBeNull();
  const open = await openTestApi(db, { settings: { cors: ["https://portal.example"] } });
  const given = await open.fetch("/api/auth/config", { headers });
  expect(given.headers.get("access-control-allow-origin")).toBe("https://portal.example");
  const other = await open.fetch("/api/auth/config", { headers: { origin: "https://x.example" } });
  expect(other.headers.get("access-control-allow-origin")).toBeNull();
});

it("sends nothing again that the caller has, and compresses what is large", async () => {
  await wish(
    db,
    Array.from({ length: 20 }, (_, index) => uidOf(`shop.r${index}`)),
  );
  const first = await api.as("viewer", "/api/resources");
  const tag = first.headers.get("etag") ?? "";
  const again = await api.as("viewer", "/api/resources", { headers: { "if-none-match": tag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const zipped = await api.as("viewer", "/api/resources", {
    headers: { "accept-encoding": "gzip" },
  });
  expect(zipped.headers.get("content-encoding")).toBe("gzip");
  expect(zipped.headers.get("content-length")).toBeNull();
  const small = await api.as("viewer", "/api/resources?limit=1&app=none", {
    headers: { "accept-encoding": "gzip" },
  });
  expect(small.headers.get("content-encoding")).toBeNull();
  expect(small.headers.get("content-length")).toBe("2");
});
