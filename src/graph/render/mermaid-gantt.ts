/** When the steps of a graph's runs took place, as a Mermaid Gantt chart: upstream's `mermaid-gantt`. */
import { visible } from "../../plan/render/visible.ts";
import type { Graph, GraphNode } from "../graph.ts";
import type { GraphStatus } from "../status.ts";

export function graphMermaidGantt(name: string, { nodes }: Graph): string {
  const runs = nodes
    .filter((it) => it.type === "run")
    .toSorted((a, b) => (a.createdAt ?? "").localeCompare(b.createdAt ?? ""));
  const sections = runs.flatMap((run) => {
    const id = run.metadata["run"];
    const steps = nodes.filter((it) => it.step !== null && it.step.run === id);
    const tasks = steps.flatMap(taskOf);
    return tasks.length === 0 ? [] : [`  section ${plain(run.name)}`, ...tasks];
  });
  const lines = ["gantt", `  title ${plain(name)}`, "  dateFormat x", "  axisFormat %H:%M:%S"];
  return `${[...lines, ...sections].join("\n")}\n`;
}

/** Nothing for a step that has not begun. One under way ends, so far, where it began. */
function taskOf({ name, status, createdAt, durationMs }: GraphNode): string[] {
  if (createdAt === null) return [];
  const start = new Date(createdAt).getTime();
  const tag = tags[status];
  return [`  ${plain(name)} :${tag}${start}, ${start + Math.max(1, durationMs ?? 0)}`];
}

const tags = {
  failed: "crit, ",
  running: "active, ",
  waiting: "active, ",
  pending: "",
  succeeded: "done, ",
  skipped: "done, ",
} as const satisfies Record<GraphStatus, string>;

/** A colon would end the name, and nothing in it can be escaped. */
const plain = (text: string): string => visible(text).replaceAll(/[^\p{L}\p{N} ._-]/gu, " ");
