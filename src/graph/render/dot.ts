/** A graph in Graphviz's language. */
import { visible } from "../../plan/render/visible.ts";
import type { Graph, GraphNode } from "../graph.ts";
import type { GraphStatus } from "../status.ts";

export function graphDot(name: string, { nodes, edges }: Graph): string {
  const lines = [
    `digraph ${quoted(name)} {`,
    `  rankdir=LR;`,
    `  node [style="filled,rounded", fontname="sans-serif", fontsize=11, color="#57606a"];`,
    `  edge [fontname="sans-serif", fontsize=9, color="#57606a"];`,
    ...nodes.map(
      (it) =>
        `  ${quoted(it.id)} [label=${quoted(`${it.name}\n${it.type}, ${it.status}`)}, shape=${shapes[it.type]}, fillcolor="${colours[it.status]}"];`,
    ),
    ...edges.map(
      (it) => `  ${quoted(it.source)} -> ${quoted(it.target)} [label=${quoted(it.type)}];`,
    ),
    `}`,
  ];
  return `${lines.join("\n")}\n`;
}

const shapes = {
  application: "component",
  resource: "cylinder",
  provider: "house",
  workflow: "folder",
  run: "box",
  step: "ellipse",
} as const satisfies Record<GraphNode["type"], string>;

/** Light enough for black text; worse is warmer. */
export const colours = {
  pending: "#eaeef2",
  waiting: "#fff8c5",
  running: "#ddf4ff",
  succeeded: "#dafbe1",
  failed: "#ffebe9",
  skipped: "#f6f8fa",
} as const satisfies Record<GraphStatus, string>;

/** In a double-quoted string only `"` and `\` mean something; a `\n` between lines is ours. */
const quoted = (text: string): string =>
  `"${text
    .split("\n")
    .map((it) => visible(it).replaceAll("\\", "\\\\").replaceAll('"', '\\"'))
    .join("\\n")}"`;
