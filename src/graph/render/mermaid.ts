/** A graph as a Mermaid flowchart, which forges draw in Markdown. */
import { visible } from "../../plan/render/visible.ts";
import type { Graph, GraphNode } from "../graph.ts";
import { colours } from "./dot.ts";

export function graphMermaid({ nodes, edges }: Graph): string {
  const number = new Map(nodes.map((it, index) => [it.id, `n${index}`]));
  const name = (id: string): string => number.get(id) ?? "";
  const lines = [
    "flowchart LR",
    ...nodes.map((it) => `  ${name(it.id)}${shaped(it)}:::${it.status}`),
    ...edges.map((it) => `  ${name(it.source)} -->|${it.type}| ${name(it.target)}`),
    ...Object.entries(colours).map(([status, fill]) => `  classDef ${status} fill:${fill}`),
  ];
  return `${lines.join("\n")}\n`;
}

function shaped(it: GraphNode): string {
  const label = `"${escaped(it.name)}<br/>${it.type}, ${it.status}"`;
  switch (it.type) {
    case "application":
      return `[[${label}]]`;
    case "resource":
      return `[(${label})]`;
    case "provider":
      return `{{${label}}}`;
    case "workflow":
      return `[/${label}/]`;
    case "run":
      return `[${label}]`;
    case "step":
      return `([${label}])`;
  }
}

/** Mermaid reads HTML in labels, and Markdown in some; entities are neither. */
export const escaped = (text: string): string =>
  visible(text).replaceAll(/[^\p{L}\p{N} ._-]/gu, (it) => `#${it.codePointAt(0) ?? 0};`);
