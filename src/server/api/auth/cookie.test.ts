/** Sessions in browsers, and administrators who act as others with one. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  jsonOf,
  listOf,
  openEmptyApi,
  openTestApi,
  password,
  textIn,
  type TestApi,
} from "../../../../test/support/api.ts";
import {
  advanceStoreTime,
  openTestDatabase,
  setStoreTime,
} from "../../../../test/support/database.ts";
import { uidOf, wish } from "../../../../test/support/runs.ts";
import type { Database } from "../../../store/database.ts";

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

const login = async (username: string, headers: Record<string, string> = {}) => {
  const response = await api.fetch("/api/login", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ username, password }),
  });
  expect(response.status).toBe(200);
  return response;
};

async function browser(username: string) {
  const given = (await login(username)).headers.get("set-cookie") ?? "";
  const cookie = given.split(";")[0] ?? "";
  return (path: string, method = "GET", body?: object) =>
    api.fetch(path, {
      method,
      headers: { cookie, "sec-fetch-site": "same-origin", "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

const hourMs = 3_600_000;

describe("a session's cookie", () => {
  it("is for this site alone, no script reads it, and it is secure behind https", async () => {
    const plain = (await login("viewer")).headers.get("set-cookie") ?? "";
    expect(plain).toMatch(/^session_id=inn_s_[\w-]+; /);
    for (const it of ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=3600"]) {
      expect(plain.split("; ")).toContain(it);
    }
    const https = { "x-forwarded-proto": "https" };
    // Without a trusted proxy the header is the client's own word.
    expect((await login("viewer", https)).headers.get("set-cookie")).not.toContain("Secure");
    api = await openTestApi(db, { settings: { trustedProxies: 1 } });
    expect((await login("viewer", https)).headers.get("set-cookie")).toContain("; Secure");
  });

  it("is not given where another site's page logs in", async () => {
    const response = await login("viewer", { "sec-fetch-site": "cross-site" });
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  it("reads, and changes where this site asks for it", async () => {
    const ask = await browser("operator");
    const info = await jsonOf(await ask("/api/user-info"));
    expect(info).toMatchObject({ username: "operator", impersonated_by: null });
    expect((await ask("/api/profile/api-keys", "POST", { name: "ci" })).status).toBe(201);
    const token = await api.tokenOf("operator");
    const headers = {
      cookie: `session_id=${token}`,
      host: "inn.example",
      "content-type": "application/json",
    };
    const from = (origin: string) =>
      api.fetch("/api/profile/api-keys/ci", { method: "DELETE", headers: { ...headers, origin } });
    expect((await from("https://inn.example.evil")).status).toBe(403);
    expect((await from("https://inn.example")).status).toBe(204);
  });

  it("counts for nothing beside a bearer token, nor is an API key one", async () => {
    const cookie = `session_id=${await api.tokenOf("admin")}`;
    const both = { cookie, authorization: "Bearer inn_s_none" };
    expect((await api.fetch("/api/user-info", { headers: both })).status).toBe(401);
    const ask = await browser("operator");
    const made = await jsonOf(await ask("/api/profile/api-keys", "POST", { name: "ci" }));
    const asCookie = { cookie: `session_id=${textIn(made, "key")}` };
    expect((await api.fetch("/api/user-info", { headers: asCookie })).status).toBe(401);
  });

  it("ends three hours after it was used last, where its session lasts longer", async () => {
    api = await openTestApi(db, { settings: { sessionMs: 12 * hourMs } });
    const ask = await browser("viewer");
    await advanceStoreTime(db, 2 * hourMs);
    expect((await ask("/api/user-info")).status).toBe(200);
    await advanceStoreTime(db, 2 * hourMs);
    expect((await ask("/api/user-info")).status).toBe(200);
    await advanceStoreTime(db, 3 * hourMs + 1);
    expect((await ask("/api/user-info")).status).toBe(401);
  });

  it("ends with its session however much it is used", async () => {
    const ask = await browser("viewer");
    await advanceStoreTime(db, hourMs + 1);
    expect((await ask("/api/user-info")).status).toBe(401);
  });

  it("is cleared by logging out, and is of no use after it", async () => {
    const ask = await browser("viewer");
    const out = await ask("/api/logout", "POST");
    expect(out.status).toBe(204);
    expect(out.headers.get("set-cookie")).toMatch(/^session_id=; Max-Age=0; /);
    expect((await ask("/api/user-info")).status).toBe(401);
  });
});

describe("acting as another", () => {
  it("has what the other has and no more, and is on the trail under both names", async () => {
    await wish(db, [uidOf("shop.a")]);
    await db.query(`update resources set phase = 'failed', stalled = true where uid = $1`, [
      uidOf("shop.a"),
    ]);
    const ask = await browser("admin");
    const started = await ask("/api/impersonate", "POST", { username: "operator" });
    expect(await started.json()).toEqual({
      active: true,
      username: "operator",
      impersonated_by: "admin",
    });
    expect(await (await ask("/api/user-info")).json()).toMatchObject({
      username: "operator",
      role: "operator",
      impersonated_by: "admin",
    });
    expect((await ask("/api/admin/config")).status).toBe(403);
    const again = await ask(`/api/resources/${encodeURIComponent(uidOf("shop.a"))}/retry`, "POST");
    expect(again.status).toBe(200);
    // A key would outlive it.
    expect((await ask("/api/profile/api-keys", "POST", { name: "ci" })).status).toBe(403);
    expect((await ask("/api/impersonate", "DELETE")).status).toBe(204);
    expect((await ask("/api/impersonate", "DELETE")).status).toBe(404);
    expect(await (await ask("/api/impersonate")).json()).toMatchObject({
      active: false,
      username: "admin",
    });
    expect((await ask("/api/admin/config")).status).toBe(200);
    const events = await listOf(await ask("/api/events"));
    const told = events.map((it) => `${textIn(it, "type")} ${textIn(it, "actor")}`);
    for (const it of [
      "ImpersonationStarted admin",
      "BlockCleared admin as operator",
      "ImpersonationEnded admin",
    ]) {
      expect(told).toContain(it);
    }
  });

  it("is of this session alone", async () => {
    const [one, other] = [await browser("admin"), await browser("admin")];
    await one("/api/impersonate", "POST", { username: "viewer" });
    expect(await (await other("/api/user-info")).json()).toMatchObject({ username: "admin" });
    await one("/api/logout", "POST");
    const after = await browser("admin");
    expect(await (await after("/api/impersonate")).json()).toMatchObject({ active: false });
  });

  it("is for administrators with a session, as somebody else, once at a time", async () => {
    const ask = await browser("admin");
    expect((await ask("/api/impersonate", "POST", { username: "nobody" })).status).toBe(404);
    expect((await ask("/api/impersonate", "POST", { username: "admin" })).status).toBe(422);
    const made = await jsonOf(await ask("/api/profile/api-keys", "POST", { name: "ci" }));
    const withKey = await api.fetch("/api/impersonate", {
      method: "POST",
      headers: {
        authorization: `Bearer ${textIn(made, "key")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ username: "viewer" }),
    });
    expect(withKey.status).toBe(403);
    await ask("/api/impersonate", "POST", { username: "viewer" });
    expect((await ask("/api/impersonate", "POST", { username: "operator" })).status).toBe(403);
    const users = api.services.settings.users.map((it) => ({ ...it, role: "admin" as const }));
    api = await openTestApi(db, { settings: { users } });
    expect((await ask("/api/impersonate", "POST", { username: "operator" })).status).toBe(409);
  });

  it("ends at once with the administrator's role, and with the other user", async () => {
    const ask = await browser("admin");
    await ask("/api/impersonate", "POST", { username: "approver" });
    const all = api.services.settings.users;
    const demoted = all.map((it) =>
      it.username === "admin" ? { ...it, role: "viewer" as const } : it,
    );
    api = await openTestApi(db, { settings: { users: demoted } });
    expect((await ask("/api/user-info")).status).toBe(401);
    const gone = all.filter((it) => it.username !== "approver");
    api = await openTestApi(db, { settings: { users: gone } });
    expect((await ask("/api/user-info")).status).toBe(401);
  });
});
