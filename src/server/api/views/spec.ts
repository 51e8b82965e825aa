/** Workloads and commits as the API tells them. */
import type { Plan } from "../../../model/plan.ts";
import type { ListedWorkload } from "../../../store/workload-pages.ts";
import { teamOf, type Team } from "../auth/roles.ts";
import type { ApiPlan, ApiSpec, Submitted } from "../schemas/spec.ts";
import type { CommittedSpec } from "../../../controller/spec-store.ts";
import { stateOf } from "./resource.ts";

export function specView(it: ListedWorkload, teams: readonly Team[]): ApiSpec {
  const { name, repository, environment, file, commit } = it;
  const ready = it.conditions.find(({ type }) => type === "Ready");
  return {
    name,
    repository,
    environment,
    file,
    commit,
    team: teamOf(teams, name),
    ready: ready?.status ?? "Unknown",
    reason: ready?.reason ?? "Pending",
    message: ready?.message ?? "",
    resources: (it.resources ?? []).map(({ phase, ...rest }) => ({
      ...rest,
      state: stateOf({ phase }),
    })),
  };
}

export function submittedView(it: CommittedSpec, done: "submitted" | "removed"): Submitted {
  const { name, repository, environment, branch, file, commit, changed } = it;
  return {
    message: messageOf(it, done),
    name,
    status: "success",
    environment,
    repository,
    branch,
    file,
    commit,
    changed,
    pull_request: it.pullRequest === null ? null : { ...it.pullRequest },
    plan: planView(it.plan),
  };
}

function messageOf(it: CommittedSpec, done: "submitted" | "removed"): string {
  if (!it.changed) return `${it.name} is in git already, exactly so`;
  const where = `${it.commit.slice(0, 12)} on ${it.branch}`;
  if (it.pullRequest !== null) return `${it.name} is ${done} with ${it.pullRequest.url}`;
  return `${it.name} is ${done} as ${where}`;
}

/** Without what stays as it is: a plan is of the whole environment. */
const planView = (plan: Plan): ApiPlan => ({
  hash: plan.hash,
  commit: plan.commit,
  base: plan.base,
  environment: plan.environment,
  operations: plan.operations
    .filter((it) => it.operation !== "none" || it.gate !== null)
    .map((it) => ({
      uid: it.uid,
      operation: it.operation,
      workload: it.workload,
      provider: it.provider,
      workflow: it.workflow,
      reason: it.reason,
      gate: it.gate,
      changes: it.changes.map((change) => ({ ...change })),
      dependsOn: [...it.dependsOn],
    })),
  summary: plan.summary,
  problems: [...plan.problems],
});
