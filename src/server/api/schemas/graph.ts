/** The graph of a workload, in upstream's field names. */
import { z } from "zod";
import { nodeTypes } from "../../../graph/graph.ts";
import { graphStatuses } from "../../../graph/status.ts";
import { anyRecord, name, time } from "./common.ts";

const node = z
  .object({
    id: z.string().meta({ description: "Scoped by repository, environment and workload" }),
    name: z.string(),
    type: z.enum(nodeTypes),
    status: z.enum(graphStatuses),
    description: z.string(),
    metadata: anyRecord,
    created_at: time.nullable(),
    updated_at: time.nullable(),
    duration_ms: z.number().nullable(),
    step_number: z.number().int().nullable(),
    total_steps: z.number().int().nullable(),
    workflow_id: z.string().nullable().meta({ description: "The run that a step is of" }),
    execution_order: z.number().int().nullable(),
  })
  .meta({ id: "GraphNode" });

const edge = z
  .object({
    id: z.string(),
    source_id: z.string(),
    target_id: z.string(),
    type: z.enum(["contains", "depends-on", "requires", "executes", "triggers"]),
    description: z.string(),
    metadata: anyRecord,
  })
  .meta({ id: "GraphEdge" });

export const graph = z
  .object({ app_name: z.string(), nodes: z.array(node), edges: z.array(edge) })
  .meta({ id: "Graph", description: "Workload, resources, providers, workflows, runs and steps" });

export const graphQuery = z.object({
  environment: name.optional(),
  repository: name.optional(),
  runs: z.coerce.number().int().min(0).max(20).default(3).meta({
    description: "How many runs of each resource, the newest first",
  }),
});

/** `mermaid-flowchart` is upstream's longer name of `mermaid`. */
export const exportQuery = graphQuery.extend({
  format: z
    .enum([
      "json",
      "dot",
      "mermaid",
      "mermaid-flowchart",
      "mermaid-state",
      "mermaid-gantt",
      "svg",
      "png",
    ])
    .default("svg"),
});

export const layoutQuery = graphQuery.extend({ type: z.enum(["hierarchical"]).optional() });

export const graphLayout = z
  .object({
    app_name: z.string(),
    type: z.literal("hierarchical"),
    nodes: z.array(
      z.object({ id: z.string(), level: z.number().int(), x: z.number(), y: z.number() }),
    ),
  })
  .meta({ id: "GraphLayout", description: "By what it is, from left to right" });

export const historyQuery = graphQuery
  .omit({ runs: true })
  .extend({ limit: z.coerce.number().int().min(1).max(20).default(10) });

export const graphHistory = z
  .object({
    app_name: z.string(),
    runs: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        status: z.enum(graphStatuses),
        commit: z.string(),
        created_at: time.nullable(),
        duration_ms: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: "GraphHistory", description: "Of each resource's newest runs, the newest first" });

export const graphCriticalPath = z
  .object({
    app_name: z.string(),
    path: z.array(z.object({ id: z.string(), name: z.string(), duration_ms: z.number() })),
    total_duration_ms: z.number(),
  })
  .meta({
    id: "GraphCriticalPath",
    description: "Resources, each needing the one before it, whose last runs took longest together",
  });

const counts = z.record(z.string(), z.number().int());
export const graphMetrics = z
  .object({
    app_name: z.string(),
    total_nodes: z.number().int(),
    total_edges: z.number().int(),
    nodes_by_type: counts,
    nodes_by_status: counts,
    runs: z.number().int(),
    average_run_duration_ms: z.number().nullable(),
  })
  .meta({ id: "GraphMetrics" });

export const graphAnnotations = z
  .object({
    app_name: z.string(),
    annotations: z.array(z.object({ node_id: z.string(), text: z.string() })),
  })
  .meta({
    id: "GraphAnnotations",
    description: "What the record says of nodes: gates and failures",
  });
