import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Recorded } from "../model/resource.ts";
import { runStates, type Run, type StepState } from "../model/run.ts";
import type { Uid } from "../model/uid.ts";
import { bundle, recorded, workflow } from "../../test/support/plan.ts";
import { mergeGraphs, type Graph } from "./graph.ts";
import { graphDot } from "./render/dot.ts";
import { graphJson } from "./render/json.ts";
import { graphMermaid } from "./render/mermaid.ts";
import { graphSvg } from "./render/svg.ts";
import {
  workloadGraph,
  type RunWithSteps,
  type ShownStep,
  type WorkloadRecord,
} from "./workload-graph.ts";

const scope = { repository: "origin", environment: "production" };
const db: Uid = "postgres.default#shop.db";
const twoSteps = bundle({
  provider: "database-team",
  workflows: {
    create: workflow("create-postgres", {
      steps: ["role", "database"].map((name) => ({
        name,
        type: "sql",
        config: {},
        timeoutMs: 1,
        retries: 0,
        retrySafe: true,
      })),
    }),
  },
});

const runOf = (given: Partial<Run> = {}): Run => ({
  ...scope,
  id: "run-1",
  uid: db,
  operation: "create",
  workflow: "create-postgres",
  provider: "database-team",
  bundle: "bundle-1",
  commit: "c0ffee",
  plan: "plan-1",
  state: "succeeded",
  reason: "Succeeded",
  message: "",
  attempt: 1,
  queuedAt: "2026-01-01T00:00:00.000Z",
  startedAt: "2026-01-01T00:00:01.000Z",
  endedAt: "2026-01-01T00:00:03.000Z",
  ...given,
});

const stepOf = (name: string, state: StepState = "ended", index = 0): ShownStep => ({
  run: "run-1",
  index,
  name,
  type: "sql",
  state,
  attempts: 1,
  startedAt: "2026-01-01T00:00:01.000Z",
  endedAt: state === "ended" ? "2026-01-01T00:00:02.500Z" : null,
  error: null,
});

const shop = (given: Partial<WorkloadRecord> = {}): Graph =>
  workloadGraph({
    scope,
    workload: "shop",
    resources: [recorded(db, { bundle: twoSteps })],
    runs: [{ run: runOf(), steps: [stepOf("role"), stepOf("database", "ended", 1)] }],
    ...given,
  });

const chain = (graph: Graph): string[] =>
  graph.edges.map(({ source, type, target }) => {
    const name = (id: string) => graph.nodes.find((it) => it.id === id)?.name;
    return `${name(source)} ${type} ${name(target)}`;
  });

describe("the graph of a workload", () => {
  it("goes from workload to resource, provider, workflow, run and step", () => {
    expect(chain(shop())).toEqual([
      "shop contains db",
      "db requires database-team",
      "database-team executes create-postgres",
      `create-postgres triggers create ${db}`,
      `create ${db} contains role`,
      `create ${db} contains database`,
    ]);
  });

  it("shows the steps that an open run has still ahead, and none for one that ended", () => {
    const state = (run: Run) =>
      shop({ runs: [{ run, steps: [stepOf("role", "started")] }] })
        .nodes.filter((it) => it.type === "step")
        .map((it) => `${it.name} ${it.status} ${it.step?.number}/${it.step?.of}`);
    expect(state(runOf({ state: "running", endedAt: null }))).toEqual([
      "role running 1/2",
      "database pending 2/2",
    ]);
    expect(state(runOf({ state: "failed" }))).toEqual(["role running 1/1"]);
  });

  it("follows what a resource needs into other workloads", () => {
    const cache: Uid = "redis.default#other.cache";
    const resources = [
      recorded(db, { bundle: twoSteps, dependsOn: [cache] }),
      recorded(cache, {}),
      recorded("redis.default#third.cache", {}),
    ];
    const graph = shop({ resources });
    expect(graph.nodes.filter((it) => it.type === "resource").map((it) => it.name)).toEqual([
      "db",
      "cache",
    ]);
    expect(chain(graph)).toContain("db depends-on cache");
    expect(chain(graph)).not.toContain("shop contains cache");
  });

  it("is the application alone where there is nothing yet, or nothing any more", () => {
    expect(shop({ resources: [recorded(db, { phase: "deleted" })] })).toMatchObject({
      nodes: [{ type: "application", status: "pending" }],
      edges: [],
    });
  });

  const statuses: [Partial<Recorded>, string][] = [
    [{ phase: "requested" }, "pending"],
    [{ phase: "provisioning" }, "running"],
    [{ phase: "active" }, "succeeded"],
    [{ phase: "failed" }, "failed"],
    [{ phase: "active", gate: { kind: "grace", message: "until noon" } }, "waiting"],
  ];
  test.each(statuses)("%j is %s, and so is its workload", (given, status) => {
    const { nodes } = shop({ resources: [recorded(db, given)], runs: [] });
    expect(nodes.filter((it) => it.type !== "provider").map((it) => it.status)).toEqual([
      status,
      status,
    ]);
  });

  const name = fc.constantFrom("a", "b/c", "b", "c", "a/b", "%2F", "#", "x.y");
  const uid = fc
    .record({ workload: name, key: name })
    .map((it): Uid => `thing.default#${it.workload}.${it.key}`);
  const resource = fc
    .record({
      uid,
      workload: name,
      dependsOn: fc.array(uid, { maxLength: 3 }),
      provider: name,
      version: name,
      phase: fc.constantFrom("requested", "active", "deleted", "failed"),
    })
    .map(({ uid: id, provider, version, ...it }) =>
      recorded(id, { ...it, name: id, bundle: { ...twoSteps, provider, version } }),
    );
  const resources = fc.uniqueArray(resource, { selector: (it) => it.uid, maxLength: 8 });
  const runs = fc.uniqueArray(
    fc.record({
      run: fc
        .record({
          id: fc.nat({ max: 30 }).map((it) => `run-${it}`),
          uid,
          provider: name,
          workflow: name,
          state: fc.constantFrom(...runStates),
        })
        .map(runOf),
      steps: fc
        .uniqueArray(name, { maxLength: 3 })
        .map((names) => names.map((it, index) => stepOf(it, "ended", index))),
    }),
    { selector: (it: RunWithSteps) => it.run.id, maxLength: 8 },
  );
  const input = fc.record({
    scope: fc.record({ repository: name, environment: name }),
    workload: name,
    resources,
    runs,
  });

  const duplicates = (ids: readonly string[]): string[] =>
    ids.filter((it, index) => ids.indexOf(it) !== index);
  const ids = (list: readonly { readonly id: string }[]): string[] => list.map((it) => it.id);

  it("has no node twice, no edge twice, no edge without both its ends and no unreached node", () => {
    fc.assert(
      fc.property(input, (record) => {
        const { nodes, edges } = workloadGraph(record);
        expect(duplicates(ids(nodes))).toEqual([]);
        expect(duplicates(ids(edges))).toEqual([]);
        const known = new Set(ids(nodes));
        const targets = new Set(edges.map((it) => it.target));
        expect(edges.filter((it) => !known.has(it.source) || !known.has(it.target))).toEqual([]);
        const unreached = nodes.filter((it) => it.type !== "application" && !targets.has(it.id));
        expect(unreached).toEqual([]);
      }),
    );
  });

  it("does not depend on the order of the record, and keeps its ids as the record grows", () => {
    fc.assert(
      fc.property(input, (record) => {
        const graph = workloadGraph(record);
        const turned = workloadGraph({
          ...record,
          resources: record.resources.toReversed(),
          runs: record.runs.toReversed(),
        });
        expect(turned).toEqual(graph);
        const before = workloadGraph({ ...record, runs: record.runs.slice(1) });
        expect(ids(graph.nodes)).toEqual(expect.arrayContaining(ids(before.nodes)));
        expect(ids(graph.edges)).toEqual(expect.arrayContaining(ids(before.edges)));
      }),
    );
  });

  it("gives nothing of two scopes or two workloads one id", () => {
    fc.assert(
      fc.property(input, name, name, (record, environment, workload) => {
        fc.pre(environment !== record.scope.environment || workload !== record.workload);
        const one = workloadGraph(record);
        const other = workloadGraph({
          ...record,
          workload,
          scope: { ...record.scope, environment },
        });
        expect(mergeGraphs([one, other]).nodes.length).toBe(one.nodes.length + other.nodes.length);
        expect(mergeGraphs([one, one])).toEqual(one);
      }),
    );
  });
});

describe("a rendered graph", () => {
  it("has upstream's keys as JSON", () => {
    const { app_name, nodes, edges } = graphJson("shop", shop());
    expect(app_name).toBe("shop");
    expect(nodes.at(-1)).toEqual({
      id: "step:origin/production/shop/run-1/database",
      name: "database",
      type: "step",
      status: "succeeded",
      description: "",
      metadata: { step: "sql", attempts: 1 },
      created_at: "2026-01-01T00:00:01.000Z",
      updated_at: "2026-01-01T00:00:02.500Z",
      duration_ms: 1500,
      step_number: 2,
      total_steps: 2,
      workflow_id: "run-1",
      execution_order: 2,
    });
    expect(edges[0]).toEqual({
      id: "app:origin/production/shop|contains|resource:origin/production/shop/postgres.default%23shop.db",
      source_id: "app:origin/production/shop",
      target_id: "resource:origin/production/shop/postgres.default%23shop.db",
      type: "contains",
      description: "",
      metadata: {},
    });
  });

  it("is drawn, one figure a node and one line an edge", async () => {
    const graph = shop();
    const svg = (await graphSvg("shop", graph)) ?? "";
    expect(svg.match(/class="node"/g)).toHaveLength(graph.nodes.length);
    expect(svg.match(/class="edge"/g)).toHaveLength(graph.edges.length);
  });

  it("is not drawn where it is too large", async () => {
    const nodes = shop()
      .nodes.slice(0, 1)
      .flatMap((node) =>
        Array.from({ length: 1001 }, (_, index) => ({ ...node, id: `n${index}` })),
      );
    expect(await graphSvg("shop", { nodes, edges: [] })).toBeUndefined();
  });

  it("stays well-formed whatever a name holds", async () => {
    const hostile = `"];x -> y; \\" <script>\n\u202e]]--> %%{`;
    const graph = shop({ workload: hostile, resources: [recorded(db, { workload: hostile })] });
    const dot = graphDot(hostile, graph);
    const svg = (await graphSvg(hostile, graph)) ?? "";
    expect(svg.match(/class="node"/g)).toHaveLength(graph.nodes.length);
    expect(svg).not.toContain("<script>");
    expect(dot).not.toContain("\u202e");
    const mermaid = graphMermaid(graph).split("\n");
    const styles = 6;
    expect(mermaid).toHaveLength(1 + graph.nodes.length + graph.edges.length + styles + 1);
    expect(mermaid.slice(1, 1 + graph.nodes.length).join("\n")).not.toMatch(/script>|-->|%%/);
  });

  it("names every node and edge as Mermaid", () => {
    expect(graphMermaid(shop()).split("\n").slice(0, 4)).toEqual([
      "flowchart LR",
      `  n0[["shop<br/>application, succeeded"]]:::succeeded`,
      `  n1[("db<br/>resource, succeeded")]:::succeeded`,
      `  n2{{"database-team<br/>provider, succeeded"}}:::succeeded`,
    ]);
  });
});
