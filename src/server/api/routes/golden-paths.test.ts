import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { jsonOf, listOf, openTestApi, textIn, type TestApi } from "../../../../test/support/api.ts";
import { openTestDatabase } from "../../../../test/support/database.ts";
import { emptyTables, enqueue, uidOf, wish } from "../../../../test/support/runs.ts";
import { readProviders } from "../../../desired/providers.ts";
import { buildCatalog } from "../../../provider/catalog.ts";
import type { Database } from "../../../store/database.ts";

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDatabase("embedded");
}, 60_000);
afterAll(() => db.close());
beforeEach(async () => {
  await emptyTables(db);
  await db.query("truncate api_sessions, api_keys, api_login_attempts, api_users");
});

const workflow = (name: string) =>
  `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
parameters:
  - { name: size, type: string, default: small, description: how large }
  - { name: token, type: string, default: hush, sensitive: true }
steps: [{ name: hello, type: policy, config: { script: "echo {{ .parameters.size }}" } }]
`;
const manifest = (name: string, capabilities: string) =>
  `apiVersion: v1
kind: Provider
metadata: { name: ${name}, version: 1.0.0 }
${capabilities}
workflows:
  - { name: onboard, file: ./onboard.yaml, category: goldenpath, description: a new team, version: 1.1.0, tags: [team] }
  - { name: broken, file: ./broken.yaml, category: goldenpath }
  - { name: make, file: ./make.yaml }
`;
const claiming =
  "capabilities: { resourceTypeCapabilities: [{ type: team, operations: { create: { workflow: onboard }, delete: { workflow: make } } }] }";

function openWith(manifests: Readonly<Record<string, string>>): Promise<TestApi> {
  const texts = Object.entries(manifests).flatMap(([name, text]): [string, string][] => [
    [`${name}/provider.yaml`, text],
    [`${name}/onboard.yaml`, workflow("onboard")],
    [`${name}/make.yaml`, workflow("make")],
    [`${name}/broken.yaml`, "kind: Workflow\n"],
  ]);
  const read = readProviders(
    Object.keys(manifests).map((it) => `${it}/provider.yaml`),
    new Map(texts.map(([path, value]) => [path, { ok: true, value, problems: [] }])),
    { layer: "repository", label: "test" },
  );
  const { catalog } = buildCatalog(read.providers);
  return openTestApi(db, { providers: () => catalog.providers });
}

const execute = (body: object) =>
  api.as("operator", "/api/workflows/golden-paths/onboard/execute", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("golden paths", () => {
  it("are those of every provider, one that serves no type among them, without the broken ones", async () => {
    api = await openWith({ a: manifest("a", ""), b: manifest("b", claiming) });
    const first = await api.as("viewer", "/api/golden-paths?limit=1");
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const rows = [...(await listOf(first)), ...(await listOf(await api.as("viewer", next)))];
    expect(rows).toMatchObject([
      {
        name: "onboard",
        provider: "a",
        description: "a new team",
        version: "1.1.0",
        tags: ["team"],
        resource_types: [],
      },
      { name: "onboard", provider: "b", resource_types: ["team"] },
    ]);
    expect((await api.as("viewer", "/api/golden-paths/onboard")).status).toBe(409);
    const one = await jsonOf(await api.as("viewer", "/api/golden-paths/onboard?provider=b"));
    expect(one).toMatchObject({
      provider: "b",
      steps: [{ name: "hello", type: "policy" }],
      parameters: [
        { name: "size", default: "small", description: "how large" },
        { name: "token", default: null },
      ],
    });
    expect((await api.as("viewer", "/api/golden-paths/broken")).status).toBe(404);
  });

  const rows: [string, string, readonly string[]][] = [
    [
      "claims a type with it",
      claiming,
      ["Score spec of shop", "onboard:\n    type: team\n    params:\n      size: large"],
    ],
    [
      "claims none",
      "",
      [
        "x/provider.yaml",
        "workflow: onboard",
        "delete:",
        "type: onboard\n    params:\n      size: large",
      ],
    ],
  ];
  test.each(rows)(
    "are not run, but told how to ask for, where the provider %s",
    async (_, claims, told) => {
      api = await openWith({ x: manifest("x", claims) });
      const response = await execute({ application: "shop", parameters: { size: "large" } });
      expect(response.status).toBe(501);
      const problem = await jsonOf(response);
      expect(problem["code"]).toBe("golden-path-not-run");
      for (const it of told) expect(textIn(problem, "hint")).toContain(it);
      const { rows: runs } = await db.query("select id from runs");
      expect(runs).toEqual([]);
    },
  );
});

describe("what upstream has and is not here", () => {
  test.each([
    ["POST", "/api/ai/chat"],
    ["POST", "/api/ai/generate-spec"],
    ["GET", "/api/demo/status"],
    ["POST", "/api/demo/time"],
    ["POST", "/api/demo/nuke"],
    ["POST", "/api/admin/demo/reset"],
    ["POST", "/api/oidc/token"],
  ])("%s %s says what to do instead", async (method, path) => {
    api = await openTestApi(db);
    const response = await api.as("admin", path, { method });
    expect(response.status).toBe(501);
    expect(textIn(await jsonOf(response), "hint")).toMatch(/`/);
  });

  it("is not promised by what is asked before a button is shown", async () => {
    api = await openTestApi(db);
    expect(await (await api.as("viewer", "/api/ai/status")).json()).toMatchObject({
      enabled: false,
    });
    expect(await (await api.fetch("/api/oidc/config")).json()).toMatchObject({ enabled: false });
  });
});

it("a run's resource is tried again by the run, by those who may", async () => {
  api = await openTestApi(db);
  await wish(db, [uidOf("shop.a")]);
  await enqueue(db, uidOf("shop.a"));
  const [run] = await listOf(await api.as("viewer", "/api/workflows"));
  const id = textIn(run, "id");
  const retry = (username: string) =>
    api.as(username, `/api/workflows/${id}/retry`, { method: "POST" });
  expect((await retry("operator")).status).toBe(409);
  await db.query(`update resources set phase = 'failed', stalled = true`);
  expect((await retry("payer")).status).toBe(404);
  const again = await retry("operator");
  expect(await again.json()).toMatchObject({ success: true, parent_execution_id: id });
  expect(await listOf(await api.as("viewer", "/api/events?type=BlockCleared"))).toHaveLength(1);
});
