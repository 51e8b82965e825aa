import { describe, expect, it } from "vitest";
import { bundle, recorded, workflow } from "../../test/support/plan.ts";
import type { Run } from "../model/run.ts";
import type { Uid } from "../model/uid.ts";
import { graphMermaidGantt } from "./render/mermaid-gantt.ts";
import { graphMermaidState } from "./render/mermaid-state.ts";
import { aroundRun, criticalPathOf, figuresOf, lastDurationMs, layoutOf } from "./views.ts";
import { mergeGraphs } from "./graph.ts";
import { workloadGraph, type RunWithSteps } from "./workload-graph.ts";

const scope = { repository: "origin", environment: "production" };
const made = bundle({ provider: "team", workflows: { create: workflow("make") } });
const uidOf = (name: string): Uid => `thing.default#shop.${name}`;
const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;

const run = (name: string, id: string, from: number, to: number | null): RunWithSteps => {
  const own: Run = {
    ...scope,
    id,
    uid: uidOf(name),
    operation: "create",
    workflow: "make",
    provider: "team",
    bundle: made.hash,
    commit: "c0ffee",
    plan: "plan",
    state: to === null ? "running" : "succeeded",
    reason: "",
    message: "",
    attempt: 1,
    queuedAt: at(from),
    startedAt: at(from),
    endedAt: to === null ? null : at(to),
  };
  const step = { run: id, index: 0, name: "do: it", type: "policy", attempts: 1, error: null };
  const ended = to === null ? null : at(to);
  const state = to === null ? "started" : "ended";
  return { run: own, steps: [{ ...step, state, startedAt: at(from), endedAt: ended }] };
};
const shop = (environment = "production") =>
  workloadGraph({
    scope: { ...scope, environment },
    workload: "shop",
    resources: [
      recorded(uidOf("net"), { name: "net", bundle: made }),
      recorded(uidOf("db"), { name: "db", bundle: made, dependsOn: [uidOf("net")] }),
      recorded(uidOf("dns"), { name: "dns", bundle: made }),
    ],
    runs: [
      run("net", "r1", 0, 2),
      run("db", "r2", 2, 3),
      run("db", "r4", 4, 9),
      run("dns", "r3", 0, 6),
      run("dns", "r5", 7, null),
    ],
  });

describe("views of a graph", () => {
  it("have the chain whose last runs took longest", () => {
    const graph = shop();
    const path = criticalPathOf(graph).map((it) => [it.name, lastDurationMs(graph, it)]);
    expect(path).toEqual([
      ["net", 2_000],
      ["db", 5_000],
    ]);
    // A run of another environment's resource of the same uid is none of it.
    const staging = workloadGraph({
      scope: { ...scope, environment: "staging" },
      workload: "shop",
      resources: [recorded(uidOf("net"), { name: "net", bundle: made })],
      runs: [],
    });
    const both = mergeGraphs([graph, staging]);
    const [other] = staging.nodes.filter((it) => it.type === "resource");
    expect(other && lastDurationMs(both, other)).toBe(0);
  });

  it("place every node once, no two at one place", () => {
    const graph = shop();
    const placed = layoutOf(graph);
    expect(placed.map((it) => it.id)).toEqual(graph.nodes.map((it) => it.id));
    expect(new Set(placed.map((it) => `${it.x},${it.y}`)).size).toBe(placed.length);
    expect(placed.slice(0, 3).map((it) => [it.level, it.x, it.y])).toEqual([
      [0, 0, 0],
      [1, 240, 0],
      [1, 240, 80],
    ]);
  });

  it("count what is in it", () => {
    const graph = shop();
    const figures = figuresOf(graph);
    expect(figures).toMatchObject({
      nodes: graph.nodes.length,
      edges: graph.edges.length,
      byType: { resource: 3, run: 5, step: 5, application: 1 },
      runs: 5,
      averageRunMs: 3_500,
    });
    expect(Object.values(figures.byStatus).reduce((a, b) => a + b)).toBe(graph.nodes.length);
    expect(figuresOf({ nodes: [], edges: [] }).averageRunMs).toBeNull();
  });

  it("have a run with its steps and what leads to it, and nothing of its siblings", () => {
    const around = aroundRun(shop(), "r2");
    expect(around?.nodes.map((it) => `${it.type} ${it.name}`)).toEqual([
      "application shop",
      "resource db",
      "provider team",
      "workflow make",
      `run create ${uidOf("db")}`,
      "step do: it",
    ]);
    const ids = new Set(around?.nodes.map((it) => it.id));
    expect(around?.edges.every((it) => ids.has(it.source) && ids.has(it.target))).toBe(true);
    expect(aroundRun(shop(), "r9")).toBeUndefined();
  });
});

describe("Mermaid's other diagrams", () => {
  it("are states with a line for each edge", () => {
    const graph = shop();
    const lines = graphMermaidState(graph).split("\n");
    expect(lines[0]).toBe("stateDiagram-v2");
    expect(lines.filter((it) => it.includes("-->"))).toHaveLength(graph.edges.length);
    expect(lines.filter((it) => / as n\d+$/.test(it))).toHaveLength(graph.nodes.length);
    expect(lines).toContain(`  state "shop, application, ${graph.nodes[0]?.status}" as n0`);
  });

  it("are a chart of the steps that have begun, whatever their names hold", () => {
    const lines = graphMermaidGantt("shop: #1\nx", shop()).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "gantt",
      "  title shop   1 nx",
      "  dateFormat x",
      "  axisFormat %H:%M:%S",
    ]);
    const start = new Date(at(4)).getTime();
    expect(lines).toContain(`  do  it :done, ${start}, ${start + 5_000}`);
    const running = new Date(at(7)).getTime();
    expect(lines).toContain(`  do  it :active, ${running}, ${running + 1}`);
    expect(lines.filter((it) => it.startsWith("  section "))).toHaveLength(5);
  });
});
