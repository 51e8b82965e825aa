/** A run as upstream's workflow execution: its states, and its steps, those to come among them. */
import type { ListedRun, ListedStep } from "../../../store/run-pages.ts";
import type { ApiStep, ApiWorkflow, executionStatuses } from "../schemas/workflow.ts";

type Status = (typeof executionStatuses)[number];

const statuses = {
  queued: "pending",
  running: "running",
  waiting: "running",
  succeeded: "completed",
  failed: "failed",
  superseded: "cancelled",
  cancelled: "cancelled",
} as const satisfies Record<ListedRun["state"], Status>;

/** The states of a run that a status of the API means. */
export const statesOf = (status: Status): string[] =>
  Object.entries(statuses).flatMap(([state, it]) => (it === status ? [state] : []));

export const hasEnded = ({ state }: Pick<ListedRun, "state">): boolean =>
  !["queued", "running", "waiting"].includes(state);

const stepStatuses = {
  started: "running",
  waiting: "waiting",
  ended: "completed",
  failed: "failed",
  skipped: "skipped",
} as const satisfies Record<ListedStep["state"], ApiStep["status"]>;

export function workflowView(run: ListedRun, journal: readonly ListedStep[]): ApiWorkflow {
  const begun = new Set(journal.map((it) => it.name));
  const ahead = hasEnded(run) ? [] : run.declared.filter((it) => !begun.has(it.name));
  const steps = [
    ...journal.map((it, index) => begunStep(run, it, index)),
    ...ahead.map((it, index) => pendingStep(run, it, journal.length + index)),
  ];
  const count = (status: ApiStep["status"]): number =>
    steps.filter((it) => it.status === status).length;
  return {
    id: run.id,
    application_name: run.workload,
    workflow_name: run.workflow,
    resource_uid: run.uid,
    resource_id: run.resourceId,
    operation: run.operation,
    provider: run.provider,
    repository: run.repository,
    environment: run.environment,
    commit: run.commit,
    plan: run.plan,
    status: statuses[run.state],
    state: run.state,
    reason: run.reason,
    error_message: run.state === "failed" ? run.message || run.reason : null,
    attempt: run.attempt,
    queued_at: run.queuedAt,
    started_at: run.startedAt,
    completed_at: run.endedAt,
    duration_ms: elapsed(run.startedAt, run.endedAt),
    total_steps: steps.length,
    completed_steps: count("completed"),
    failed_steps: count("failed"),
    steps,
  };
}

const begunStep = (run: ListedRun, it: ListedStep, index: number): ApiStep => ({
  id: `${run.id}/${it.name}`,
  step_number: index + 1,
  step_name: it.name,
  step_type: it.type,
  status: stepStatuses[it.state],
  attempts: it.attempts,
  started_at: it.startedAt,
  completed_at: it.endedAt,
  duration_ms: elapsed(it.startedAt, it.endedAt),
  error_message: it.error,
});

const pendingStep = (
  run: ListedRun,
  it: ListedRun["declared"][number],
  index: number,
): ApiStep => ({
  id: `${run.id}/${it.name}`,
  step_number: index + 1,
  step_name: it.name,
  step_type: it.type,
  status: "pending",
  attempts: 0,
  started_at: null,
  completed_at: null,
  duration_ms: null,
  error_message: null,
});

const elapsed = (from: string | null, to: string | null): number | null =>
  from === null || to === null ? null : new Date(to).getTime() - new Date(from).getTime();
