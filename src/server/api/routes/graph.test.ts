import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { z } from "zod";
import { databases, openTestDatabase } from "../../../../test/support/database.ts";
import { openEmptyApi, type TestApi } from "../../../../test/support/api.ts";
import { enqueue, testScope, uidOf, wish } from "../../../../test/support/runs.ts";
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
    api = await openEmptyApi(db);
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
    const response = await api.as("viewer", "/api/graph/shop/export?format=gif");
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("svg");
  });

  it("has upstream's other views, of those workloads only that one may see", async () => {
    const { rows } = await db.query(`select id from runs`);
    const [run] = z.array(z.object({ id: z.string() })).parse(rows);
    const ask = async (path: string) => (await api.as("viewer", `/api/graph/shop/${path}`)).json();
    expect(await ask("history?limit=5")).toMatchObject({
      runs: [{ id: run?.id, duration_ms: null }],
    });
    expect(await ask("critical-path")).toMatchObject({
      path: [{ name: "pay.c" }, { name: "pay.b" }, { name: "shop.a" }],
      total_duration_ms: 0,
    });
    expect(await ask("metrics")).toMatchObject({ runs: 1, nodes_by_type: { resource: 3 } });
    expect(await ask("layout?type=hierarchical")).toMatchObject({
      nodes: [{ level: 0, x: 0, y: 0 }, {}, {}, {}, {}, {}, {}],
    });
    await db.query(`update resources set message = 'no answer' where uid = $1`, [uidOf("pay.b")]);
    expect(await ask("annotations")).toMatchObject({ annotations: [{ text: "no answer" }] });
    const one = graph.parse(await ask(`workflow/${run?.id}`));
    expect(one.nodes.map((it) => it.type)).toEqual([
      "application",
      "resource",
      "provider",
      "workflow",
      "run",
    ]);
    for (const path of [
      "layout",
      "history",
      "critical-path",
      "metrics",
      "annotations",
      "workflow/x",
    ]) {
      expect((await api.as("payer", `/api/graph/shop/${path}`)).status).toBe(404);
    }
    expect((await api.as("viewer", "/api/graph/shop/workflow/none")).status).toBe(404);
    for (const path of ["ws", "export?format=png"]) {
      expect((await api.as("viewer", `/api/graph/shop/${path}`)).status).toBe(501);
    }
    const state = await api.as("viewer", "/api/graph/shop/export?format=mermaid-state");
    expect(await state.text()).toMatch(/^stateDiagram-v2/);
    const gantt = await api.as("viewer", "/api/graph/shop/export?format=mermaid-gantt");
    expect(await gantt.text()).toMatch(/^gantt/);
  });
});
