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
  format: z.enum(["json", "dot", "mermaid", "mermaid-flowchart", "svg"]).default("svg"),
});
