/** The words that every rendering of a plan shares, so that terminal, comment and status never differ. */
import type { Gate, Operation, Plan, PlannedOperation, Reason } from "../../model/plan.ts";
import { isError, type Problem } from "../../model/problem.ts";
import type { IsSensitive } from "./fields.ts";
import type { Uid } from "../../model/uid.ts";
import { clip, counted, utc, visible } from "./visible.ts";

/** What the operations alone do not tell. */
export interface PlanFacts {
  readonly isSensitive: IsSensitive;
  /** Whether deleting the resource deletes data (`stateful: true` on its capability). */
  readonly isStateful: (uid: Uid) => boolean;
}

export const symbols = {
  create: "+",
  update: "~",
  delete: "-",
  replace: "±",
  adopt: "→",
  none: "·",
} as const satisfies Record<Operation, string>;

const reasons = {
  Added: "asked for by this commit, not there yet",
  Changed: "its params change",
  BundleChanged: "its provider's workflows changed",
  ProviderChanged: "another provider serves its type now",
  ImmutableChanged: "a param changes that cannot change in place",
  Incomplete: "its last run did not finish",
  Removed: "removed from git",
  RemovalUnproven: "gone from the tree, but history does not prove that it was removed",
  Held: "on hold",
  UpToDate: "up to date",
} as const satisfies Record<Reason, string>;

export const reasonWords = (reason: Reason): string => reasons[reason];

/** What is lost when the operation runs; `undefined` where nothing is. */
export function stakeText(operation: PlannedOperation, facts: PlanFacts): string | undefined {
  const stateful = facts.isStateful(operation.uid);
  if (operation.operation === "delete") {
    return stateful
      ? "its data and its credentials are deleted with it"
      : "it and its credentials are gone for good";
  }
  if (operation.operation !== "replace") return undefined;
  return stateful
    ? "it is deleted and made anew: its data is lost"
    : "it is deleted and made anew, with new credentials";
}

/** `held by grace until 2026-11-22 10:00 UTC: revert 5f0c… to keep it`. */
export function gateText(gate: Gate): string {
  const until = gate.until === undefined ? "" : ` until ${utc(gate.until)}`;
  return `held by ${gate.kind}${until}: ${clip(visible(gate.message), 400)}`;
}

/** `delete-postgres (database-team@1.0.0)`. */
export function workflowText(operation: PlannedOperation): string {
  const provider = clip(visible(operation.provider), 120);
  return operation.workflow === null
    ? provider
    : `${clip(visible(operation.workflow), 120)} (${provider})`;
}

const lossy = (operation: PlannedOperation): boolean =>
  operation.operation === "delete" || operation.operation === "replace";

/** What a person has to look at, in the order to look at it; what is simply up to date is left out. */
export function grouped(plan: Plan): {
  readonly deletions: readonly PlannedOperation[];
  readonly changes: readonly PlannedOperation[];
  readonly onHold: readonly PlannedOperation[];
} {
  return {
    deletions: plan.operations.filter(lossy),
    changes: plan.operations.filter((it) => !lossy(it) && it.operation !== "none"),
    onHold: plan.operations.filter((it) => it.operation === "none" && it.gate !== null),
  };
}

/** `1 to create, 1 to delete, 2 unchanged; 1 held`. */
export function summaryText(plan: Plan): string {
  const { summary } = plan;
  const adopt = plan.operations.filter((it) => it.operation === "adopt").length;
  const counts: readonly (readonly [number, string])[] = [
    [summary.create, "to create"],
    [summary.update, "to update"],
    [summary.replace, "to replace"],
    [summary.delete, "to delete"],
    [adopt, "to adopt"],
  ];
  const changes = counts.filter(([count]) => count > 0).map(([count, verb]) => `${count} ${verb}`);
  const parts = changes.length === 0 ? ["no changes"] : changes;
  if (summary.none > 0) parts.push(`${summary.none} unchanged`);
  return parts.join(", ") + (summary.held > 0 ? `; ${summary.held} held` : "");
}

/** For a title that stands before everything else: `no changes, 2 errors`. */
export const headline = (plan: Plan): string =>
  [summaryText(plan), problemCount(plan.problems)].filter((it) => it !== "").join(", ");

/** `2 errors, 1 warning`; empty without problems. */
export function problemCount(problems: readonly Problem[]): string {
  const errors = problems.filter(isError).length;
  const warnings = problems.length - errors;
  return [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ].join(", ");
}

export interface NextStep {
  readonly text: string;
  /** What to type, where there is something. */
  readonly command?: string;
}

const approvable = (gate: Gate | null): boolean =>
  gate?.kind === "approval" || gate?.kind === "budget";

/** What a reader can do about the plan, most pressing first. */
export function nextSteps(plan: Plan): NextStep[] {
  const errors = plan.problems.filter(isError).length;
  const waiting = plan.operations.filter((it) => approvable(it.gate)).length;
  const steps: NextStep[] = [];
  if (errors > 0) {
    const text = `fix the ${counted(errors, "error")}: what they concern stays as it is until then`;
    steps.push({ text });
  }
  if (waiting > 0) {
    const text = `${counted(waiting, "operation")} ${waiting === 1 ? "waits" : "wait"} for an approval of this plan`;
    steps.push({ text, command: `innominatus approve ${visible(plan.hash)}` });
  }
  return steps;
}
