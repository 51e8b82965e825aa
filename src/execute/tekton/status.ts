/** What a PipelineRun and its TaskRuns say of themselves (E29, E31, E32). Pure, and loose: the engine may say more. */
import { z } from "zod";
import type { Json } from "../../model/json.ts";

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
});

const result = z.object({ name: z.string(), value: z.json() });
const named = z.object({ name: z.string() });

export const pipelineRunSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({ status: z.string().optional() }).default({}),
  status: z
    .object({
      conditions: z.array(condition).default([]),
      startTime: z.string().optional(),
      completionTime: z.string().optional(),
      results: z.array(result).default([]),
      childReferences: z.array(z.object({ name: z.string(), kind: z.string() })).default([]),
      skippedTasks: z
        .array(z.object({ name: z.string(), reason: z.string().default("") }))
        .default([]),
      pipelineSpec: z
        .object({ tasks: z.array(named).default([]), finally: z.array(named).default([]) })
        .optional(),
      provenance: z
        .object({
          refSource: z.object({ digest: z.record(z.string(), z.string()).default({}) }).optional(),
        })
        .optional(),
    })
    .default({ conditions: [], results: [], childReferences: [], skippedTasks: [] }),
});

export type PipelineRun = z.output<typeof pipelineRunSchema>;

const containerState = z.object({
  exitCode: z.number(),
  reason: z.string().default(""),
  startedAt: z.string().nullish(),
});

const taskStep = z.object({
  name: z.string(),
  container: z.string().default(""),
  running: z.object({ startedAt: z.string().nullish() }).nullish(),
  waiting: z.object({ reason: z.string().default("") }).nullish(),
  terminated: containerState.nullish(),
  terminationReason: z.string().default(""),
});

export const taskRunSchema = z.object({
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  status: z
    .object({
      conditions: z.array(condition).default([]),
      podName: z.string().default(""),
      startTime: z.string().optional(),
      completionTime: z.string().optional(),
      steps: z.array(taskStep).default([]),
      sidecars: z.array(taskStep).default([]),
    })
    .default({ conditions: [], podName: "", steps: [], sidecars: [] }),
});

export type TaskRun = z.output<typeof taskRunSchema>;

export interface Condition {
  readonly reason: string;
  readonly message: string;
}

/** How far a PipelineRun is (E29). `cancelled`: as its spec asks; by whom, its reader knows. */
export type Progress =
  | { readonly state: "running" }
  | ({ readonly state: "succeeded" } & Condition)
  | ({ readonly state: "failed" } & Condition)
  | ({ readonly state: "cancelled" } & Condition);

/** `True` is success whatever its reason, `False` is the end, everything else is under way. */
export function progressOf({ status }: PipelineRun): Progress {
  const found = status.conditions.find(({ type }) => type === "Succeeded");
  if (found === undefined) return { state: "running" };
  const { reason, message } = found;
  if (found.status === "True") return { state: "succeeded", reason, message };
  if (found.status !== "False") return { state: "running" };
  const isCancelled = ["Cancelled", "CancelledRunFinally", "StoppedRunFinally"].includes(reason);
  return { state: isCancelled ? "cancelled" : "failed", reason, message };
}

/** Tasks that have ended, of all that the pipeline has; `undefined` while nobody knows its tasks (E32). */
export function countTasks(
  { status }: PipelineRun,
  taskRuns: readonly TaskRun[],
): { readonly done: number; readonly all: number } | undefined {
  if (status.pipelineSpec === undefined) return undefined;
  const { tasks, finally: last } = status.pipelineSpec;
  const done = taskRuns.filter((it) => it.status.completionTime !== undefined).length;
  const all = tasks.length + last.length;
  return { done: Math.min(done + status.skippedTasks.length, all), all };
}

/** With their JSON types: a text, a list or a map (E31). */
export const resultsOf = ({ status }: PipelineRun): Readonly<Record<string, Json>> =>
  Object.fromEntries(status.results.map(({ name, value }) => [name, value]));

/** What the reference meant when it was resolved, `sha256:…`; `undefined` while it is not, or for what has no digest. */
export function resolvedDigest({ status }: PipelineRun): string | undefined {
  const sha256 = status.provenance?.refSource?.digest["sha256"];
  return sha256 === undefined ? undefined : `sha256:${sha256}`;
}

/** When it ended, as the engine says; `undefined` where it says nothing that is a time. */
export function completedAt({ status }: PipelineRun): string | undefined {
  const at = new Date(status.completionTime ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
