/** A plan and its problems as JSON: the contract of DESIGN.md §10. Absent values are `null`. */
import type { Json, JsonRecord } from "../../model/json.ts";
import type { Gate, Plan, PlannedOperation } from "../../model/plan.ts";
import type { Problem } from "../../model/problem.ts";
import { conceal } from "./fields.ts";
import type { PlanFacts } from "./words.ts";

export function planJson(plan: Plan, facts: Pick<PlanFacts, "isSensitive">): JsonRecord {
  const { summary } = plan;
  return {
    hash: plan.hash,
    commit: plan.commit,
    base: plan.base,
    environment: plan.environment,
    operations: plan.operations.map((it) => operationJson(it, facts)),
    summary: {
      create: summary.create,
      update: summary.update,
      delete: summary.delete,
      replace: summary.replace,
      none: summary.none,
      held: summary.held,
    },
    problems: plan.problems.map(problemJson),
  };
}

function operationJson(
  operation: PlannedOperation,
  { isSensitive }: Pick<PlanFacts, "isSensitive">,
): Json {
  return {
    uid: operation.uid,
    operation: operation.operation,
    workload: operation.workload,
    provider: operation.provider,
    workflow: operation.workflow,
    reason: operation.reason,
    changes: operation.changes.map((it) => {
      const { path, from, to } = conceal(operation.uid, it, isSensitive);
      return { path, from: from ?? null, to: to ?? null };
    }),
    dependsOn: [...operation.dependsOn],
    gate: gateJson(operation.gate),
  };
}

export const gateJson = (gate: Gate | null): Json =>
  gate === null ? null : { kind: gate.kind, message: gate.message, until: gate.until ?? null };

/** The fields of `validate -o json`, in its order. */
export const problemJson = (problem: Problem): JsonRecord => ({
  file: problem.file,
  line: problem.line,
  column: problem.column,
  pointer: problem.pointer,
  code: problem.code,
  severity: problem.severity,
  message: problem.message,
  hint: problem.hint ?? null,
});
