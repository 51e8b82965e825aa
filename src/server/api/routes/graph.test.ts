import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { databases, openTestDatabase } from "../../../../test/support/database.ts";
import { openTestApi, type TestApi } from "../../../../test/support/api.ts";
import { emptyTables, enqueue, testScope, uidOf, wish } from "../../../../test/support/runs.ts";
import type { Database } from "../../../store/database.ts";
import { graph } from "../schemas/graph.ts";

describe.each(databases())("the graph on %s", (kind) => {
  let db: Database;
  let api: TestApi;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(async () => {
    await emptyTables(db);
    await db.query("truncate api_sessions, api_keys, api_login_attempts, api_users");
    api = await openTestApi(db);
    await wish(db, [uidOf("shop.a"), uidOf("pay.b"), uidOf("pay.c")]);
    await db.query(
      `update resources set depends_on = case uid when $1 then $4::jsonb when $2 then $5::jsonb
         else depends_on end, workload = case uid when $1 then 'shop' else 'pay' end where uid in ($1, $2, $3)`,
      [
        uidOf("shop.a"),
        uidOf("pay.b"),
        uidOf("pay.c"),
        JSON.stringify([uidOf("pay.b")]),
        JSON.stringify([uidOf("pay.c")]),
      ],
    );
    await enqueue(db, uidOf("shop.a"));
  });

  const shown = async (user: string, path: string) => {
    const response = await api.as(user, path);
    expect(response.status).toBe(200);
    const { nodes } = graph.parse(await response.json());
    return nodes.map((it) => `${it.type} ${it.name}`);
  };

  it("has a workload's resources, what they need, and their runs", async () => {
    expect(await shown("viewer", "/api/graph/shop")).toEqual([
      "application shop",
      "resource shop.a",
      "resource pay.b",
      "resource pay.c",
      "provider team",
      "workflow create-thing",
      `run create ${uidOf("shop.a")}`,
    ]);
    expect(await shown("viewer", "/api/graph/shop?runs=0")).not.toContain("workflow create-thing");
  });

  it("has each environment's, and of one only that", async () => {
    await wish(db, [uidOf("shop.a")], { ...testScope, environment: "staging" });
    const both = await shown("viewer", "/api/graph/shop");
    expect(both.filter((it) => it === "application shop")).toHaveLength(2);
    expect(await shown("viewer", "/api/graph/shop?environment=staging")).toEqual([
      "application shop",
      "resource shop.a",
      "provider team",
    ]);
  });

  it("is of those workloads only that one may see", async () => {
    expect((await api.as("payer", "/api/graph/shop")).status).toBe(404);
    expect(await shown("payer", "/api/graph/pay")).toContain("resource pay.b");
    expect((await api.as("viewer", "/api/graph/nothing")).status).toBe(404);
    expect((await api.fetch("/api/graph/shop")).status).toBe(401);
  });

  const formats = [
    ["dot", "text/vnd.graphviz", /^digraph "shop" \{/],
    ["mermaid", "text/plain", /^flowchart LR\n/],
    ["mermaid-flowchart", "text/plain", /^flowchart LR\n/],
    ["svg", "image/svg+xml", /<svg /],
    ["json", "application/json", /"nodes":\[/],
  ] as const;
  test.each(formats)("is exported as %s", async (format, type, text) => {
    const response = await api.as("viewer", `/api/graph/shop/export?format=${format}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain(type);
    expect(await response.text()).toMatch(text);
  });

  it("is exported in no format that there is not", async () => {
    const response = await api.as("viewer", "/api/graph/shop/export?format=png");
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("svg");
  });
});
