/** Environments as `innominatus status` lists them. */
import { isError } from "../../model/problem.ts";
import { phaseOf, type Recorded } from "../../model/resource.ts";
import type { Scope } from "../../model/uid.ts";
import { problemJson } from "../../plan/render/json.ts";
import { shortCommit } from "../../plan/render/visible.ts";
import type { EnvironmentRecord } from "../../store/environments.ts";
import { between } from "./elapsed.ts";
import type { Listing } from "./listing.ts";

export interface EnvironmentRow {
  readonly scope: Scope;
  readonly environment: EnvironmentRecord;
  readonly resources: readonly Recorded[];
}

const standing = ({ resources }: EnvironmentRow): readonly Recorded[] =>
  resources.filter((it) => it.phase !== "deleted");

const inPhase = (row: EnvironmentRow, phase: string): number =>
  standing(row).filter((it) => phaseOf(it) === phase).length;

export const environmentListing = (now: Date): Listing<EnvironmentRow> => ({
  columns: [
    { title: "repository", text: (it) => it.scope.repository },
    { title: "environment", text: (it) => it.scope.environment },
    { title: "branch", text: (it) => it.environment.branch },
    { title: "commit", text: (it) => shortCommit(it.environment.observedCommit ?? "") },
    {
      title: "looked",
      text: ({ environment: { observedAt } }) => (observedAt ? between(observedAt, now) : ""),
    },
    { title: "active", text: (it) => `${inPhase(it, "active")}/${standing(it).length}` },
    {
      title: "held",
      text: (it) => String(inPhase(it, "held")),
      colour: (it) => (inPhase(it, "held") > 0 ? "yellow" : undefined),
    },
    {
      title: "failed",
      text: (it) => String(inPhase(it, "failed")),
      colour: (it) => (inPhase(it, "failed") > 0 ? "red" : undefined),
    },
    { title: "message", text: ({ environment }) => environment.message },
  ],
  json: (row) => {
    const { scope, environment } = row;
    return {
      repository: scope.repository,
      environment: scope.environment,
      branch: environment.branch,
      observedCommit: environment.observedCommit,
      appliedCommit: environment.appliedCommit,
      observedAt: environment.observedAt,
      plan: environment.planHash,
      reason: environment.reason,
      message: environment.message,
      resources: standing(row).length,
      active: inPhase(row, "active"),
      held: inPhase(row, "held"),
      failed: inPhase(row, "failed"),
      errors: environment.problems.filter(isError).length,
      problems: environment.problems.map(problemJson),
    };
  },
  empty: "nothing is recorded yet: run `innominatus sync --repo …`",
});
