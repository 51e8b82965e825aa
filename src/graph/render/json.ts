/** A graph as upstream innominatus writes it: nodes and edges with snake_case keys. */
import type { Graph, GraphEdge, GraphNode } from "../graph.ts";

export const graphJson = (app: string, { nodes, edges }: Graph) => ({
  app_name: app,
  nodes: nodes.map(nodeJson),
  edges: edges.map(edgeJson),
});

const nodeJson = (it: GraphNode) => ({
  id: it.id,
  name: it.name,
  type: it.type,
  status: it.status,
  description: it.description,
  metadata: opened(it.metadata),
  created_at: it.createdAt,
  updated_at: it.updatedAt,
  duration_ms: it.durationMs,
  step_number: it.step?.number ?? null,
  total_steps: it.step?.of ?? null,
  workflow_id: it.step?.run ?? null,
  execution_order: it.step?.number ?? null,
});

const edgeJson = (it: GraphEdge) => ({
  id: it.id,
  source_id: it.source,
  target_id: it.target,
  type: it.type,
  description: "",
  metadata: {},
});

/** As writers of JSON take it: nothing is known of what is in it. */
const opened = (metadata: GraphNode["metadata"]): Record<string, unknown> => ({ ...metadata });
