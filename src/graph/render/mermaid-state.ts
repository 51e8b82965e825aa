/** A graph as a Mermaid state diagram: upstream's `mermaid-state`. */
import type { Graph } from "../graph.ts";
import { colours } from "./dot.ts";
import { escaped } from "./mermaid.ts";

export function graphMermaidState({ nodes, edges }: Graph): string {
  const number = new Map(nodes.map((it, index) => [it.id, `n${index}`]));
  const name = (id: string): string => number.get(id) ?? "";
  const lines = [
    "stateDiagram-v2",
    "  direction LR",
    ...nodes.map(
      (it) => `  state "${escaped(it.name)}, ${it.type}, ${it.status}" as ${name(it.id)}`,
    ),
    ...edges.map((it) => `  ${name(it.source)} --> ${name(it.target)} : ${it.type}`),
    ...Object.entries(colours).map(([status, fill]) => `  classDef ${status} fill:${fill}`),
    ...nodes.map((it) => `  class ${name(it.id)} ${it.status}`),
  ];
  return `${lines.join("\n")}\n`;
}
