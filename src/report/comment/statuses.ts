/**
 * What a commit's statuses say: `innominatus/plan` and `innominatus/deletions` of a pull request's
 * head, `innominatus/reconcile` of what was merged. Environments other than `default` are named.
 */
import type { Plan, PlannedOperation } from "../../model/plan.ts";
import { isError } from "../../model/problem.ts";
import { partsOf } from "../../model/uid.ts";
import { clip, counted, shortCommit, visible } from "../../plan/render/visible.ts";
import { summaryText } from "../../plan/render/words.ts";
import type { LiveState } from "./live.ts";
import type { Planning } from "./open.ts";

export interface Verdict {
  readonly context: string;
  readonly state: "pending" | "success" | "failure" | "error";
  readonly description: string;
}

const context = (name: string, environment: string): string =>
  environment === "default" ? `innominatus/${name}` : `innominatus/${name}: ${environment}`;

/** Forges cut at 140 characters and more; nobody reads beyond. */
const described = (text: string): string => clip(visible(text), 140);

const environmentOf = (planning: Planning): string =>
  planning.kind === "planned" ? planning.plan.environment : planning.environment;

export function planVerdict(planning: Planning): Verdict {
  const name = context("plan", environmentOf(planning));
  if (planning.kind === "planned") {
    const errors = planning.plan.problems.filter(isError).length;
    const summary = summaryText(planning.plan);
    return errors > 0
      ? {
          context: name,
          state: "failure",
          description: described(`${counted(errors, "problem")}; ${summary}`),
        }
      : { context: name, state: "success", description: described(summary) };
  }
  const { why } = planning;
  switch (why.kind) {
    case "conflict":
      return { context: name, state: "failure", description: "conflicts with the target branch" };
    case "unrelated":
      return { context: name, state: "failure", description: "has no commit in common" };
    case "unsupported":
      return { context: name, state: "error", description: "the controller's git is too old" };
    case "failed":
      return { context: name, state: "error", description: described(why.message) };
  }
}

/** While it is being planned, for whoever waits for it. */
export const pendingVerdict = (environment: string): Verdict => ({
  context: context("plan", environment),
  state: "pending",
  description: "the plan is being made",
});

/** `undefined`: nothing is deleted, and there is nothing to say unless something was said before. */
export function deletionVerdict(plan: Plan): Verdict | undefined {
  const deletions = plan.operations.filter(
    (it) => it.operation === "delete" || it.operation === "replace",
  );
  if (deletions.length === 0) return undefined;
  const names = deletions.map((it) => partsOf(it.uid).id).join(", ");
  const waiting = deletions.some(needsApproval);
  const text = `${counted(deletions.length, "deletion")}${waiting ? " to approve" : ""}: ${names}`;
  return {
    context: context("deletions", plan.environment),
    state: waiting ? "pending" : "success",
    description: described(text),
  };
}

/** In place of one that was said of an earlier plan for the same commit. */
export const noDeletions = (environment: string): Verdict => ({
  context: context("deletions", environment),
  state: "success",
  description: "nothing is deleted",
});

const needsApproval = ({ gate }: PlannedOperation): boolean =>
  gate?.kind === "approval" || gate?.kind === "budget";

export function reconcileVerdict({ environment, resources }: LiveState): Verdict {
  const name = context("reconcile", environment);
  const of = (...phases: readonly string[]): number =>
    resources.filter((it) => phases.includes(it.phase)).length;
  const [failed, held] = [of("failed"), of("held")];
  const ready = of("active", "deleted", "kept", "taken-back");
  const count = `${ready} of ${counted(resources.length, "resource")} done`;
  if (resources.length === 0) {
    return { context: name, state: "success", description: "nothing to do" };
  }
  if (failed > 0) {
    return { context: name, state: "failure", description: `${count}, ${failed} failed` };
  }
  if (ready === resources.length) return { context: name, state: "success", description: count };
  const waits = held > 0 ? `, ${held} held` : "";
  return { context: name, state: "pending", description: `${count}${waits}` };
}

/** Nothing more comes of a commit by itself: what was left of it is a newer one's. */
export const supersededVerdict = ({ environment }: LiveState, by: string): Verdict => ({
  context: context("reconcile", environment),
  state: "success",
  description: `superseded by ${shortCommit(by)}`,
});
