/**
 * What a workload is made of, as a graph: workload → resource → provider → workflow → run → step.
 * Ids are scoped by repository, environment and workload: graphs put together never clash.
 */
import type { JsonRecord } from "../model/json.ts";
import type { GraphStatus } from "./status.ts";

export const nodeTypes = [
  "application",
  "resource",
  "provider",
  "workflow",
  "run",
  "step",
] as const;

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  readonly type: (typeof nodeTypes)[number];
  readonly status: GraphStatus;
  readonly description: string;
  /** Names and references, never a secret's value. */
  readonly metadata: JsonRecord;
  /** ISO 8601; `null` where nobody recorded it. */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  /** Where a step stands in its run, from 1; `null` for everything else. */
  readonly step: { readonly number: number; readonly of: number; readonly run: string } | null;
  /** `null` before the end. */
  readonly durationMs: number | null;
}

export type EdgeType = "contains" | "depends-on" | "requires" | "executes" | "triggers";

export interface GraphEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly type: EdgeType;
}

/** Every node once, in the order of `nodeTypes`; every edge once, and both its ends are nodes. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphBuilder {
  /** What was added first stays. */
  add(node: Pick<GraphNode, "id" | "name" | "type" | "status"> & Partial<GraphNode>): void;
  join(source: string, type: EdgeType, target: string): void;
  build(): Graph;
}

export function createGraph(): GraphBuilder {
  const nodes = new Map<string, GraphNode>();
  const edges = new Map<string, GraphEdge>();
  const order = (it: GraphNode): number => nodeTypes.indexOf(it.type);
  return {
    add(node) {
      if (!nodes.has(node.id)) nodes.set(node.id, { ...nothingMore, ...node });
    },
    join(source, type, target) {
      const id = `${source}|${type}|${target}`;
      edges.set(id, { id, source, target, type });
    },
    build: () => ({
      nodes: [...nodes.values()].toSorted((a, b) => order(a) - order(b)),
      edges: [...edges.values()].filter((it) => nodes.has(it.source) && nodes.has(it.target)),
    }),
  };
}

const nothingMore = {
  description: "",
  metadata: {},
  createdAt: null,
  updatedAt: null,
  step: null,
  durationMs: null,
};

/** Several graphs as one, for a workload that is in several environments. */
export function mergeGraphs(graphs: readonly Graph[]): Graph {
  const builder = createGraph();
  for (const { nodes } of graphs) nodes.forEach((it) => builder.add(it));
  for (const { edges } of graphs)
    edges.forEach((it) => builder.join(it.source, it.type, it.target));
  return builder.build();
}
