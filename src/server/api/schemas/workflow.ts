/** Runs, as upstream's workflow executions. */
import { z } from "zod";
import { runStates } from "../../../model/run.ts";
import { name, pageQuery, time } from "./common.ts";

export const executionStatuses = [
  "pending",
  "running",
  "completed",
  "failed",
  "cancelled",
] as const;
const stepStatuses = ["pending", "running", "waiting", "completed", "failed", "skipped"] as const;

export const step = z
  .object({
    id: z.string(),
    step_number: z.number().int(),
    step_name: z.string(),
    step_type: z.string(),
    status: z.enum(stepStatuses),
    attempts: z.number().int(),
    started_at: time.nullable(),
    completed_at: time.nullable(),
    duration_ms: z.number().nullable(),
    error_message: z.string().nullable(),
  })
  .meta({ id: "Step" });

export const workflow = z
  .object({
    id: z.string(),
    application_name: z.string(),
    workflow_name: z.string(),
    resource_uid: z.string(),
    resource_id: z.string().nullable(),
    operation: z.enum(["create", "update", "delete"]),
    provider: z.string(),
    repository: z.string(),
    environment: z.string(),
    commit: z.string(),
    plan: z.string(),
    status: z.enum(executionStatuses),
    state: z.enum(runStates).meta({ description: "In our own words" }),
    reason: z.string(),
    error_message: z.string().nullable(),
    attempt: z.number().int(),
    queued_at: time,
    started_at: time.nullable(),
    completed_at: time.nullable(),
    duration_ms: z.number().nullable(),
    total_steps: z.number().int(),
    completed_steps: z.number().int(),
    failed_steps: z.number().int(),
    steps: z.array(step),
  })
  .meta({ id: "Workflow" });

export const workflowQuery = pageQuery.extend({
  app: name.optional(),
  status: z.enum(executionStatuses).optional(),
  search: name.optional().meta({ description: "Part of the workflow's or the application's name" }),
  environment: name.optional(),
  repository: name.optional(),
  resource: z.string().max(500).optional().meta({ description: "Id or uid of a resource" }),
});

/** One line of a step's log; also the data of each `log` event of the stream. */
export const logLine = z
  .object({ id: z.string(), step: z.string(), at: time, text: z.string() })
  .meta({ id: "LogLine" });

export const logQuery = z.object({
  follow: z.enum(["true", "false"]).optional().meta({
    description:
      "Server-sent events until the run has ended; also with `Accept: text/event-stream`",
  }),
  step: name.optional(),
  after: z.string().regex(/^\d+$/).optional().meta({ description: "Id of the last line seen" }),
  cursor: pageQuery.shape.cursor,
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

export type ApiWorkflow = z.output<typeof workflow>;
export type ApiStep = z.output<typeof step>;
