/** A graph as a drawing. Graphviz runs in this process as WebAssembly: nothing has to be installed. */
import type { Graph } from "../graph.ts";
import { graphDot } from "./dot.ts";

/** Graphviz takes seconds for more than so many nodes, and nobody reads the result. */
const mostNodes = 1_000;

/** @returns `undefined` where the graph is too large to draw */
export async function graphSvg(name: string, graph: Graph): Promise<string | undefined> {
  if (graph.nodes.length > mostNodes) return undefined;
  // Loaded when first drawn: it is a megabyte, and most processes never draw.
  const { instance } = await import("@viz-js/viz");
  return (await instance()).renderString(graphDot(name, graph), { format: "svg" });
}
