/** Who may ask for what: every operation of the OpenAPI document × every role, from one table. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonOf, openTestApi, type TestApi } from "../../../test/support/api.ts";
import { openTestDatabase } from "../../../test/support/database.ts";
import { claimed, enqueue, uidOf, wish } from "../../../test/support/runs.ts";
import type { Database } from "../../store/database.ts";
import { roles, type Role } from "./schemas/session.ts";

/** The lowest role that may; `nobody-needed`: without authentication. A new operation needs a row. */
const access: Readonly<Record<string, Role | "nobody-needed">> = {
  "DELETE /api/admin/users/{username}": "admin",
  "DELETE /api/admin/users/{username}/api-keys/{name}": "admin",
  "DELETE /api/applications/{name}": "operator",
  "DELETE /api/impersonate": "viewer",
  "DELETE /api/profile/api-keys/{name}": "viewer",
  "DELETE /api/resources/{id}": "operator",
  "DELETE /api/specs/{name}": "operator",
  "DELETE /api/teams/{id}": "admin",
  "GET /api/admin/config": "admin",
  "GET /api/admin/providers": "admin",
  "GET /api/admin/users": "admin",
  "GET /api/admin/users/{username}": "admin",
  "GET /api/admin/users/{username}/api-keys": "admin",
  "GET /api/ai/status": "viewer",
  "GET /api/applications": "viewer",
  "GET /api/applications/{name}": "viewer",
  "GET /api/auth/config": "nobody-needed",
  "GET /api/auth/whoami": "viewer",
  "GET /api/demo/status": "viewer",
  "GET /api/environments": "viewer",
  "GET /api/events": "viewer",
  "GET /api/events/stream": "viewer",
  "GET /api/golden-paths": "viewer",
  "GET /api/golden-paths/{name}": "viewer",
  "GET /api/graph/{app}": "viewer",
  "GET /api/graph/{app}/annotations": "viewer",
  "GET /api/graph/{app}/critical-path": "viewer",
  "GET /api/graph/{app}/export": "viewer",
  "GET /api/graph/{app}/history": "viewer",
  "GET /api/graph/{app}/layout": "viewer",
  "GET /api/graph/{app}/metrics": "viewer",
  "GET /api/graph/{app}/workflow/{id}": "viewer",
  "GET /api/graph/{app}/ws": "viewer",
  "GET /api/impersonate": "viewer",
  "GET /api/oidc/config": "nobody-needed",
  "GET /api/plans": "viewer",
  "GET /api/plans/{hash}": "viewer",
  "GET /api/profile": "viewer",
  "GET /api/profile/api-keys": "viewer",
  "GET /api/providers": "viewer",
  "GET /api/providers/stats": "viewer",
  "GET /api/resources": "viewer",
  "GET /api/resources/{id}": "viewer",
  "GET /api/resources/{id}/secrets/{key}": "operator",
  "GET /api/resources/{id}/why": "viewer",
  "GET /api/specs": "viewer",
  "GET /api/specs/{name}": "viewer",
  "GET /api/stats": "viewer",
  "GET /api/teams": "admin",
  "GET /api/teams/{id}": "admin",
  "GET /api/user-info": "viewer",
  "GET /api/users": "admin",
  "GET /api/workflows": "viewer",
  "GET /api/workflows/{id}": "viewer",
  "GET /api/workflows/{id}/logs": "viewer",
  "POST /api/admin/demo/reset": "admin",
  "POST /api/admin/reload": "admin",
  "POST /api/admin/users": "admin",
  "POST /api/admin/users/{username}/api-keys": "admin",
  "POST /api/ai/chat": "viewer",
  "POST /api/ai/generate-spec": "viewer",
  "POST /api/applications": "operator",
  "POST /api/demo/nuke": "viewer",
  "POST /api/demo/time": "viewer",
  "POST /api/impersonate": "admin",
  "POST /api/login": "nobody-needed",
  "POST /api/logout": "viewer",
  "POST /api/oidc/token": "viewer",
  "POST /api/plans/{hash}/approve": "approver",
  "POST /api/profile/api-keys": "viewer",
  "POST /api/resources": "operator",
  "POST /api/resources/{id}/retry": "operator",
  "POST /api/specs": "operator",
  "POST /api/teams": "admin",
  "POST /api/workflow-analysis": "viewer",
  "POST /api/workflow-analysis/preview": "viewer",
  "POST /api/workflows/golden-paths/{name}/execute": "operator",
  "POST /api/workflows/{id}/cancel": "operator",
  "POST /api/workflows/{id}/retry": "operator",
  "PUT /api/admin/users/{username}": "admin",
  "PUT /api/resources/{id}": "operator",
};

/** Open beside those, as they hold nothing but what the package itself says. */
const openPages = ["/api/openapi.json", "/api/docs", "/api/docs/start.js"];

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDatabase("embedded");
  const refused = { kind: "refused", reason: "not-found", message: "none", hint: "" } as const;
  const specs = {
    submit: async () => refused,
    remove: async () => refused,
    read: async () => undefined,
  };
  api = await openTestApi(db, { specs });
  await wish(db, [uidOf("shop.a")]);
}, 60_000);
afterAll(() => db.close());

const concrete = (path: string): string =>
  path.replace("{hash}", "0123456789abcdef").replaceAll(/\{[^}]+\}/g, "none");

const requestOf = (operation: string): readonly [string, RequestInit] => {
  const [method = "", path = ""] = operation.split(" ");
  const body = ["POST", "PUT"].includes(method) ? { body: "{}" } : {};
  return [concrete(path), { method, headers: { "content-type": "application/json" }, ...body }];
};

it("has a row for every operation of the document, and no other", () => {
  expect(Object.keys(access).toSorted()).toEqual(api.operations);
});

describe.each(Object.entries(access))("%s", (operation, least) => {
  it("needs authentication, or is one of the few that do not", async () => {
    const [path, init] = requestOf(operation);
    for (const authorization of [undefined, "Bearer inn_s_none", "Basic YTpi", "Bearer a.b.c"]) {
      const headers = new Headers(init.headers);
      if (authorization !== undefined) headers.set("authorization", authorization);
      const { status } = await api.fetch(path, { ...init, headers });
      expect(least === "nobody-needed" ? [200, 400] : [401]).toContain(status);
    }
  });

  it.each(least === "nobody-needed" ? [] : roles)("as %s", async (role) => {
    // The token of a session that this very request may end.
    const fresh = operation === "POST /api/logout" ? await openTestApi(db) : api;
    const stop = new AbortController();
    const [path, init] = requestOf(operation);
    const { status, body } = await fresh.as(role, path, { ...init, signal: stop.signal });
    stop.abort();
    await body?.cancel().catch(() => undefined);
    const mayAsk = least !== "nobody-needed" && roles.indexOf(role) >= roles.indexOf(least);
    expect(mayAsk ? [200, 201, 204, 400, 404, 405, 422, 501] : [403]).toContain(status);
  });
});

describe("with a browser's cookie", () => {
  const changes = Object.entries(access)
    .filter(([it, least]) => !it.startsWith("GET ") && least !== "nobody-needed")
    .map(([it]) => it);
  it.each(changes)("%s needs to come from this very site", async (operation) => {
    const [path, init] = requestOf(operation);
    const fresh = operation === "POST /api/logout" ? await openTestApi(db) : api;
    const cookie = `session_id=${await fresh.tokenOf("admin")}`;
    const from = (more: Record<string, string>) => {
      const headers = { "content-type": "application/json", cookie, ...more };
      return fresh.fetch(path, { ...init, headers });
    };
    const foreign: readonly Record<string, string>[] = [
      {},
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: "http://localhost" },
      { "sec-fetch-site": "none" },
    ];
    for (const headers of foreign) {
      const refused = await from(headers);
      expect([refused.status, await codeOf(refused)]).toEqual([403, "cross-site"]);
    }
    const taken = await from({ "sec-fetch-site": "same-origin" });
    expect(await codeOf(taken)).not.toBe("cross-site");
    expect(taken.status).not.toBe(401);
  });
});

async function codeOf(response: Response): Promise<unknown> {
  const type = response.headers.get("content-type");
  return type === "application/problem+json" ? (await jsonOf(response))["code"] : undefined;
}

it("opens nothing else but the pages about the API itself", async () => {
  for (const path of openPages) expect((await api.fetch(path)).status).toBe(200);
  for (const path of ["/swagger", "/swagger/index.html"]) {
    const old = await api.fetch(path, { redirect: "manual" });
    expect([old.status, old.headers.get("location")]).toEqual([308, "/api/docs"]);
  }
  const page = await api.fetch("/api/docs");
  expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
  expect(await page.text()).not.toMatch(/https?:\/\//);
});

describe("a user of a team", () => {
  it("sees and changes the team's workloads, and no other is there", async () => {
    await db.query(`update resources set workload = 'payout' where uid = $1`, [uidOf("shop.a")]);
    await wish(db, [uidOf("shop.b")]);
    const list = await api.as("payer", "/api/resources");
    const seen: unknown = await list.json();
    expect(seen).toMatchObject([{ application_name: "payout" }]);
    const other = encodeURIComponent(uidOf("shop.b"));
    for (const path of [`/api/resources/${other}`, `/api/resources/${other}/secrets/x`]) {
      expect((await api.as("payer", path)).status).toBe(404);
    }
    const post = { method: "POST" };
    expect((await api.as("payer", `/api/resources/${other}/retry`, post)).status).toBe(404);
    const own = encodeURIComponent(uidOf("shop.a"));
    expect((await api.as("payer", `/api/resources/${own}/retry`, post)).status).toBe(409);
    expect((await api.as("payer", "/api/specs/shop", { method: "DELETE" })).status).toBe(404);
    expect((await api.as("payer", "/api/admin/providers")).status).toBe(403);
  });

  it("E8: sees that another resource is in the way, and nothing of which it is", async () => {
    const shared = { target: "node/worker-1", declared: true };
    const scope = { repository: "elsewhere", environment: "default" };
    const [own, other] = [uidOf("pay.queue"), uidOf("secretive.queue")];
    await wish(db, [other], scope);
    await enqueue(db, other, { ...shared, scope });
    const { run } = await claimed(db);
    await wish(db, [own]);
    await db.query(`update resources set workload = 'payout' where uid = $1`, [own]);
    await enqueue(db, own, shared);

    const path = `/api/resources/${encodeURIComponent(own)}/why`;
    const seen = await jsonOf(await api.as("payer", path));
    expect(seen["waits"]).toEqual([
      { reason: "ResourceBusy", blocker: null, hidden: true, until: null },
    ]);
    expect(seen["text"]).toContain("a run of another resource has the target, until it ends");
    for (const word of [run, "secretive", "elsewhere"]) {
      expect(JSON.stringify(seen)).not.toContain(word);
    }
    expect((await jsonOf(await api.as("viewer", path)))["waits"]).toEqual([
      {
        reason: "ResourceBusy",
        blocker: { ...scope, uid: other, run },
        hidden: false,
        until: null,
      },
    ]);

    await db.query(`update resources set workload = 'payments' where uid = $1`, [other]);
    expect((await jsonOf(await api.as("payer", path)))["waits"]).toMatchObject([
      { blocker: { uid: other, run }, hidden: false },
    ]);
  });
});
