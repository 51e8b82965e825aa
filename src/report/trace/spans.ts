/**
 * What is recorded → spans, from commit over plan and run to step. Every id follows from the record, so
 * that spans of different replicas join; no attribute holds more than names, states and times.
 */
import { createHash } from "node:crypto";
import type { AuditSource } from "../../model/audit.ts";
import type { StepRecord } from "../../model/run.ts";

export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  /** ISO 8601. */
  readonly startAt: string;
  readonly endAt: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly failed: boolean;
}

const idOf = (length: 16 | 32, ...parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, length);

/** All that comes of one plan is one trace. */
const traceIdOf = (correlation: string): string => idOf(32, "trace", correlation);

type Spoken = Pick<
  AuditSource,
  | "at"
  | "repository"
  | "environment"
  | "uid"
  | "run"
  | "commit"
  | "correlation"
  | "context"
  | "data"
  | "type"
>;

/** Commit and plan, once somebody has decided by the plan. */
export function planSpans(event: Spoken): readonly SpanRecord[] {
  const { correlation, commit, at, context } = event;
  if (correlation === null || commit === null) return [];
  const shared = {
    traceId: traceIdOf(correlation),
    attributes: { ...placeOf(event), "innominatus.plan": correlation },
    failed: false,
    endAt: at,
  };
  const seenAt = context.seenAt ?? at;
  const root = idOf(16, "commit", correlation);
  return [
    { ...shared, name: "commit", spanId: root, parentId: undefined, startAt: seenAt },
    { ...shared, name: "plan", spanId: planId(correlation), parentId: root, startAt: at },
  ];
}

const planId = (correlation: string): string => idOf(16, "plan", correlation);

const outcomes: Readonly<Record<string, string>> = {
  RunCompleted: "succeeded",
  RunFailed: "failed",
  RunCancelled: "cancelled",
  RunSuperseded: "superseded",
};

export const endsRun = ({ type, context }: Pick<Spoken, "type" | "context">): boolean =>
  Object.hasOwn(outcomes, type) && context.startedAt !== undefined;

/** A run that has ended and its steps, whichever replicas performed them. */
export function runSpans(event: Spoken, steps: readonly StepRecord[]): readonly SpanRecord[] {
  const { correlation, run, context, at } = event;
  if (correlation === null || run === null || !endsRun(event)) return [];
  const { startedAt = at, endedAt = at, queuedAt, operation = "", workflow = "" } = context;
  const outcome = outcomes[event.type] ?? "";
  const traceId = traceIdOf(correlation);
  const spanId = idOf(16, "run", run);
  const reason = event.data["reason"];
  const whole: SpanRecord = {
    traceId,
    spanId,
    parentId: planId(correlation),
    name: `run ${operation}`,
    startAt: startedAt,
    endAt: endedAt,
    failed: outcome === "failed",
    attributes: {
      ...placeOf(event),
      "innominatus.uid": event.uid ?? "",
      "innominatus.run": run,
      "innominatus.operation": operation,
      "innominatus.workflow": workflow,
      "innominatus.outcome": outcome,
      "innominatus.attempt": context.attempt ?? 1,
      ...(typeof reason === "string" && reason !== "" ? { "innominatus.reason": reason } : {}),
      ...(queuedAt === undefined
        ? {}
        : { "innominatus.waited_ms": Date.parse(startedAt) - Date.parse(queuedAt) }),
    },
  };
  const each = steps.map((step): SpanRecord => ({
    traceId,
    spanId: idOf(16, "step", run, step.name),
    parentId: spanId,
    name: `step ${step.name}`,
    startAt: step.startedAt,
    endAt: step.endedAt ?? endedAt,
    failed: step.state === "failed",
    attributes: {
      "innominatus.step": step.name,
      "innominatus.step.type": step.type,
      "innominatus.step.state": step.state,
      "innominatus.step.attempts": step.attempts,
    },
  }));
  return [whole, ...each];
}

const placeOf = ({ repository, environment, commit }: Spoken) => ({
  "innominatus.repository": repository,
  "innominatus.environment": environment,
  "innominatus.commit": commit ?? "",
});
