import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import {
  jsonOf,
  listOf,
  openEmptyApi,
  openTestApi,
  textIn,
  type TestApi,
} from "../../../../test/support/api.ts";
import { openTestDatabase } from "../../../../test/support/database.ts";
import { uidOf, wish } from "../../../../test/support/runs.ts";
import type { Database } from "../../../store/database.ts";
import { addUser } from "../../../store/api-users.ts";

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDatabase("embedded");
}, 60_000);
afterAll(() => db.close());
beforeEach(async () => {
  api = await openEmptyApi(db);
});

const json = (method: string, body: object): RequestInit => ({
  method,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

describe("users and teams", () => {
  it("are listed by name, in pages, from the settings and the store", async () => {
    const stored = { username: "boss", role: "admin", teams: {}, passwordHash: "none" };
    await addUser(db, stored);
    // The settings win over the store.
    await addUser(db, { ...stored, username: "viewer" });
    const seen: string[] = [];
    let path: string | undefined = "/api/users?limit=2";
    while (path !== undefined) {
      const response: Response = await api.as("admin", path);
      for (const it of await listOf(response))
        seen.push(`${textIn(it, "username")} ${textIn(it, "source")}`);
      path = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(seen).toEqual([
      "admin settings",
      "approver settings",
      "boss store",
      "operator settings",
      "payer settings",
      "viewer settings",
    ]);
    const one = await api.as("admin", "/api/admin/users/payer");
    expect(await one.json()).toEqual({
      username: "payer",
      team: "payments",
      role: "operator",
      teams: { payments: "operator" },
      everywhere: null,
      source: "settings",
    });
    const payments = { id: "payments", workloads: ["pay*"], members: [{ username: "payer" }] };
    expect(await (await api.as("admin", "/api/teams")).json()).toMatchObject([payments]);
    expect(await (await api.as("admin", "/api/teams/payments")).json()).toMatchObject(payments);
    for (const path of [
      "/api/teams/none",
      "/api/admin/users/none",
      "/api/admin/users/none/api-keys",
    ]) {
      expect((await api.as("admin", path)).status).toBe(404);
    }
  });

  it("law 7: say no hash of a password", async () => {
    for (const path of [
      "/api/users",
      "/api/admin/users/payer",
      "/api/teams",
      "/api/admin/config",
    ]) {
      expect(await (await api.as("admin", path)).text()).not.toContain("scrypt");
    }
  });
});

it("an administrator lists the API keys of another, and ends one, on the audit trail", async () => {
  const made = await jsonOf(
    await api.as("operator", "/api/profile/api-keys", json("POST", { name: "ci" })),
  );
  const key = textIn(made, "key");
  const listed = await api.as("admin", "/api/admin/users/operator/api-keys");
  const text = await listed.clone().text();
  expect(await listOf(listed)).toMatchObject([{ name: "ci" }]);
  expect(text).not.toContain(key);
  const withKey = { headers: { authorization: `Bearer ${key}` } };
  expect((await api.fetch("/api/user-info", withKey)).status).toBe(200);
  const remove = () =>
    api.as("admin", "/api/admin/users/operator/api-keys/ci", { method: "DELETE" });
  expect((await remove()).status).toBe(204);
  expect((await api.fetch("/api/user-info", withKey)).status).toBe(401);
  expect((await remove()).status).toBe(404);
  const events = await listOf(await api.as("admin", "/api/events?type=ApiKeyRevoked"));
  expect(events).toMatchObject([{ actor: "admin", data: { name: "ci", username: "operator" } }]);
});

it("reads providers again where an administrator asks for it, and says what is wrong with them", async () => {
  let asked = 0;
  api = await openTestApi(db, {
    reload: () => {
      asked += 1;
      const problem = { file: "p/provider.yaml", line: 3, column: 1, pointer: "", message: "gone" };
      const problems = [{ ...problem, code: "provider/missing-file", severity: "error" as const }];
      return Promise.resolve({ changed: true, problems });
    },
  });
  const answer = await jsonOf(await api.as("admin", "/api/admin/reload", { method: "POST" }));
  expect(answer).toMatchObject({ success: false, providers: 0, provisioners: 0 });
  expect(answer["message"]).toContain("p/provider.yaml:3: gone");
  expect(asked).toBe(1);
  const events = await listOf(await api.as("admin", "/api/events?type=ProvidersReloaded"));
  expect(events).toMatchObject([{ actor: "admin", data: { changed: true } }]);
});

describe("what is declared elsewhere", () => {
  const user = { username: "ada", password: "never repeated", team: "shop", role: "user" };
  const rows: [string, string, object, string, readonly string[]][] = [
    [
      "POST",
      "/api/admin/users",
      user,
      "declared-in-settings",
      ["username: ada", "shop: operator", "innominatus user hash"],
    ],
    [
      "PUT",
      "/api/admin/users/ada",
      { role: "viewer" },
      "declared-in-settings",
      ["username: ada", "role: viewer"],
    ],
    ["DELETE", "/api/admin/users/ada", {}, "declared-in-settings", ["username: ada", "api.users"]],
    [
      "POST",
      "/api/admin/users/ada/api-keys",
      { name: "ci" },
      "own-keys-only",
      ["api-key create ci"],
    ],
    ["POST", "/api/teams", { name: "shop" }, "declared-in-settings", ["name: shop", "shop-*"]],
    ["DELETE", "/api/teams/shop", {}, "declared-in-settings", ["api.teams"]],
    [
      "POST",
      "/api/resources",
      {
        application_name: "shop",
        resource_name: "db",
        resource_type: "postgres",
        configuration: { size: "small" },
      },
      "declared-in-git",
      ["spec of shop", "resources:\n  db:\n    type: postgres\n    params:\n      size: small"],
    ],
    [
      "PUT",
      "/api/resources/{shop.a}",
      { configuration: { size: 2 } },
      "declared-in-git",
      ["a:\n    type: thing\n    params:\n      size: 2"],
    ],
    [
      "PUT",
      "/api/resources/{shop.a}",
      { state: "active" },
      "declared-in-git",
      ["resource retry", "why"],
    ],
    [
      "DELETE",
      "/api/resources/{shop.a}",
      {},
      "declared-in-git",
      ["`resources.shop.a`", "resource delete"],
    ],
  ];
  test.each(rows)("%s %s says where, and what to write", async (method, path, body, code, told) => {
    await wish(db, [uidOf("shop.a")]);
    const at = path.replace(/\{(.*)\}/, (_, name: string) => encodeURIComponent(uidOf(name)));
    const response = await api.as("admin", at, json(method, body));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
    const problem = await jsonOf(response);
    expect(problem["code"]).toBe(code);
    for (const it of told) expect(textIn(problem, "hint")).toContain(it);
    expect(JSON.stringify(problem)).not.toContain("never repeated");
    const [untouched] = await listOf(await api.as("admin", "/api/resources"));
    expect(untouched).toMatchObject({ state: "requested" });
  });

  it("tells nobody of a resource that they may not change", async () => {
    await wish(db, [uidOf("shop.a")]);
    const path = `/api/resources/${encodeURIComponent(uidOf("shop.a"))}`;
    for (const method of ["PUT", "DELETE"]) {
      expect((await api.as("payer", path, json(method, {}))).status).toBe(404);
    }
  });

  it("takes a body that means harm for none", async () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    for (const body of [
      "{",
      deep,
      `{"configuration":{"a":${deep}}}`,
      '{"username":{"a":1}}',
      "null",
    ]) {
      const init = { ...json("POST", {}), body };
      expect((await api.as("admin", "/api/admin/users", init)).status).toBe(405);
    }
  });
});
