/** What a graph says beyond its nodes and edges: where to draw them, how many, what took longest. Pure. */
import { analyseDependencies } from "./dependencies.ts";
import { nodeTypes, type Graph, type GraphNode } from "./graph.ts";
import { graphStatuses } from "./status.ts";

export interface Placed {
  readonly id: string;
  /** Column: what it is. */
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

const column = 240;
const line = 80;

/** From left to right by type, from top to bottom as they are in the graph. */
export function layoutOf({ nodes }: Graph): readonly Placed[] {
  const used = nodeTypes.filter((type) => nodes.some((it) => it.type === type));
  const filled = new Map<number, number>();
  return nodes.map((it) => {
    const level = used.indexOf(it.type);
    const row = filled.get(level) ?? 0;
    filled.set(level, row + 1);
    return { id: it.id, level, x: level * column, y: row * line };
  });
}

/** The chain of resources, each needing the one before it, whose last runs took longest together. */
export function criticalPathOf(graph: Graph): readonly GraphNode[] {
  const resources = graph.nodes.filter((it) => it.type === "resource");
  const needs = graph.edges.filter((it) => it.type === "depends-on");
  const { criticalPath } = analyseDependencies(
    resources.map((it) => ({
      name: it.id,
      dependsOn: needs.filter((edge) => edge.source === it.id).map((edge) => edge.target),
      // One more, so that of chains that took no time the longer one is told.
      cost: 1 + lastDurationMs(graph, it),
    })),
  );
  const byId = new Map(resources.map((it) => [it.id, it]));
  return criticalPath.flatMap((id) => byId.get(id) ?? []);
}

/** Of the resource's newest run that has ended; 0 where none has. */
export function lastDurationMs({ nodes }: Graph, resource: GraphNode): number {
  const ended = nodes
    .filter((it) => it.type === "run" && it.durationMs !== null)
    .filter((it) => isOf(it, resource))
    .toSorted((a, b) => (b.createdAt ?? "").localeCompare(a.createdAt ?? ""));
  return ended[0]?.durationMs ?? 0;
}

export interface Figures {
  readonly nodes: number;
  readonly edges: number;
  readonly byType: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly runs: number;
  /** `null` before any run has ended. */
  readonly averageRunMs: number | null;
}

export function figuresOf({ nodes, edges }: Graph): Figures {
  const count = (all: readonly string[], of: (it: GraphNode) => string) =>
    Object.fromEntries(all.map((key) => [key, nodes.filter((it) => of(it) === key).length]));
  const runs = nodes.filter((it) => it.type === "run");
  const took = runs.flatMap((it) => it.durationMs ?? []);
  const sum = took.reduce((all, it) => all + it, 0);
  return {
    nodes: nodes.length,
    edges: edges.length,
    byType: count(nodeTypes, (it) => it.type),
    byStatus: count(graphStatuses, (it) => it.status),
    runs: runs.length,
    averageRunMs: took.length === 0 ? null : Math.round(sum / took.length),
  };
}

/** A run with its steps, and what leads to it; `undefined` where the graph has no such run. */
export function aroundRun({ nodes, edges }: Graph, run: string): Graph | undefined {
  const start = nodes.find((it) => it.type === "run" && it.metadata["run"] === run);
  if (start === undefined) return undefined;
  const leading = reached(start.id, (id) =>
    edges.filter((it) => it.target === id && it.type !== "depends-on").map((it) => it.source),
  );
  const steps = nodes.filter((it) => it.step?.run === run).map((it) => it.id);
  // Its workflow may serve other resources, too.
  const own = new Set([...leading, ...steps].filter((id) => isOwn(nodes, id, start)));
  return {
    nodes: nodes.filter((it) => own.has(it.id)),
    edges: edges.filter((it) => own.has(it.source) && own.has(it.target)),
  };
}

function isOwn(nodes: readonly GraphNode[], id: string, run: GraphNode): boolean {
  const it = nodes.find((node) => node.id === id);
  return it?.type !== "resource" || isOf(run, it);
}

/** Of the same resource, in the same environment: what of an id is before its last part. */
const isOf = (run: GraphNode, resource: GraphNode): boolean =>
  run.metadata["uid"] === resource.metadata["uid"] && placeOf(run.id) === placeOf(resource.id);

const placeOf = (id: string): string =>
  id
    .slice(id.indexOf(":") + 1)
    .split("/")
    .slice(0, 3)
    .join("/");

function reached(from: string, next: (id: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set([from]);
  for (const id of seen) for (const it of next(id)) seen.add(it);
  return seen;
}
