import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { cannedServer, runCtl, type CannedServer } from "../../../test/support/ctl.ts";

const user = { username: "ada", role: "viewer", team: "shop", teams: { shop: "operator" } };
const team = { id: "shop", name: "shop", workloads: ["shop-*"], members: [{ username: "ada" }] };
const key = { name: "ci", masked_key: "inn_k_abcd…", created_at: "", expires_at: null };
const declared = {
  status: 405,
  headers: { "content-type": "application/problem+json" },
  body: {
    status: 405,
    title: "Method not allowed",
    code: "declared-in-settings",
    detail: "it is declared in the settings",
    hint: "add in innominatus.yaml:\napi:\n  users:\n    - username: ada",
  },
};

let server: CannedServer;
beforeAll(async () => {
  server = await cannedServer({
    "GET /api/admin/config": { body: { pollMs: 60_000, databaseUrl: "***" } },
    "GET /api/admin/users": { body: [{ ...user, source: "settings" }] },
    "GET /api/admin/users/ada/api-keys": { body: [{ ...key, last_used_at: null }] },
    "DELETE /api/admin/users/ada/api-keys/ci": { status: 204, body: "" },
    "GET /api/teams": { body: [team] },
    "GET /api/teams/shop": { body: { ...team, members: ["ada"] } },
    "GET /api/providers/stats": { body: { providers: 2, provisioners: 5 } },
    "POST /api/admin/reload": { body: { success: false, message: "p.yaml:3: gone" } },
    "POST /api/profile/api-keys": { status: 201, body: { key: "inn_k_x", expires_at: null } },
    "DELETE /api/profile/api-keys/ci": { status: 204, body: "" },
    "GET /api/resources": {
      body: [
        { id: "1", uid: "postgres.default#shop.db", state: "failed", health_status: "unhealthy" },
        { id: "2", uid: "postgres.default#shop.ok", state: "active", health_status: "healthy" },
      ],
    },
    "POST /api/admin/users": declared,
    "DELETE /api/admin/users/ada": declared,
    "POST /api/admin/users/ada/api-keys": declared,
    "POST /api/teams": declared,
    "DELETE /api/teams/shop": declared,
    "PUT /api/resources/2": declared,
  });
});
afterAll(() => server.close());

const ctl = (words: readonly string[]) =>
  runCtl(words, { env: { INNOMINATUS_API_BASE: server.url, INNOMINATUS_API_TOKEN: "t" } });

describe("what administrators see", () => {
  const rows: [readonly string[], readonly string[]][] = [
    [
      ["admin", "show"],
      ["pollMs: 60000", 'databaseUrl: "***"'],
    ],
    [
      ["admin", "list-users"],
      ["ada", "shop: operator", "settings"],
    ],
    [
      ["admin", "user-api-keys", "ada"],
      ["ci", "inn_k_abcd…"],
    ],
    [["admin", "user-api-keys", "--username", "ada", "-o", "json"], ['"masked_key"']],
    [
      ["admin", "user-revoke-key", "--username", "ada", "--key-name", "ci"],
      ["ci of ada is revoked"],
    ],
    [["admin", "generate-api-key", "--name", "ci", "--expiry-days", "7"], ["inn_k_x"]],
    [["admin", "revoke-api-key", "--key-name", "ci"], ["ci is revoked"]],
    [
      ["team", "list"],
      ["shop", "shop-*", "ada"],
    ],
    [
      ["team", "get", "shop", "-o", "yaml"],
      ["workloads:", "username: ada"],
    ],
    [
      ["provider", "stats"],
      ["provisioners", "5"],
    ],
    [
      ["resource", "health", "shop.ok"],
      ["healthy", "active"],
    ],
  ];
  test.each(rows)("%j", async (words, told) => {
    const ran = await ctl(words);
    expect(ran.code).toBe(0);
    for (const it of told) expect(ran.stdout).toContain(it);
  });

  it("fails where a provider has mistakes, or a resource", async () => {
    expect(await ctl(["provider", "reload"])).toMatchObject({ code: 1 });
    expect(await ctl(["resource", "health", "shop.db", "--check"])).toMatchObject({ code: 1 });
  });
});

describe("what is declared elsewhere", () => {
  const rows: (readonly string[])[] = [
    ["admin", "add-user", "--username", "ada", "--password", "s3cret", "--role", "user"],
    ["admin", "delete-user", "ada"],
    ["admin", "user-generate-key", "--username", "ada", "--name", "ci", "--expiry-days", "9"],
    ["team", "create", "--name", "shop", "--description", "the shop"],
    ["team", "delete", "shop"],
    ["resource", "update", "shop.ok", '{"size":"large"}'],
    ["resource", "transition", "shop.ok", "active"],
  ];
  test.each(rows.map((it) => [it]))("%j fails, and prints the lines to add", async (words) => {
    const ran = await ctl(words);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(
      /error: it is declared[^]* {8}api:\n {10}users:\n {12}- username: ada\n/,
    );
    expect(ran.stderr).not.toContain("s3cret");
  });

  it("never sends the password of a user to be", async () => {
    expect(server.asked.filter((it) => it.path === "/api/admin/users").length).toBeGreaterThan(0);
    expect(server.asked.map((it) => it.body).join("")).not.toContain("s3cret");
    const put = server.asked.filter((it) => it.method === "PUT").map((it) => it.body);
    expect(put).toEqual(['{"configuration":{"size":"large"}}', '{"state":"active"}']);
  });

  it("is asked for nobody in particular, and for no params, in vain", async () => {
    expect(await ctl(["admin", "add-user"])).toMatchObject({ code: 2 });
    expect(await ctl(["resource", "update", "shop.ok", "size=large"])).toMatchObject({ code: 2 });
  });
});
