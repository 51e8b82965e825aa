/** Environments as `innominatus status` lists them. */
import type { Json } from "../../model/json.ts";
import { isError } from "../../model/problem.ts";
import { phaseOf, type Recorded } from "../../model/resource.ts";
import type { Scope, Uid } from "../../model/uid.ts";
import type { Wait } from "../../model/wait.ts";
import { problemJson } from "../../plan/render/json.ts";
import { shortCommit } from "../../plan/render/visible.ts";
import type { EnvironmentRecord } from "../../store/environments.ts";
import { between } from "./elapsed.ts";
import type { Listing } from "./listing.ts";
import { waitsJson, waitText } from "./waits.ts";

export interface EnvironmentRow {
  readonly scope: Scope;
  readonly environment: EnvironmentRecord;
  readonly resources: readonly Recorded[];
  /** Of those that wait for something. */
  readonly waits: ReadonlyMap<Uid, readonly Wait[]>;
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
      title: "waiting",
      text: (it) => String(it.waits.size),
      colour: (it) => (it.waits.size > 0 ? "yellow" : undefined),
    },
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
      waiting: [...row.waits].map(([uid, waits]): Json => ({ uid, waits: waitsJson(waits) })),
      held: inPhase(row, "held"),
      failed: inPhase(row, "failed"),
      errors: environment.problems.filter(isError).length,
      problems: environment.problems.map(problemJson),
    };
  },
  empty: "nothing is recorded yet: run `innominatus sync --repo …`",
});

export interface WaitingRow {
  readonly scope: Scope;
  readonly uid: Uid;
  readonly waits: readonly Wait[];
}

export const waitingIn = (rows: readonly EnvironmentRow[]): readonly WaitingRow[] =>
  rows.flatMap(({ scope, waits }) =>
    [...waits].map(([uid, found]) => ({ scope, uid, waits: found })),
  );

/** What resources wait for, below their environments: the first reason, and how many more there are. */
export const waitingListing: Listing<WaitingRow> = {
  columns: [
    { title: "resource", text: (it) => it.uid },
    { title: "environment", text: ({ scope }) => `${scope.repository}/${scope.environment}` },
    { title: "waits for", text: waitsText, colour: () => "yellow" },
  ],
  json: ({ uid, waits }) => ({ uid, waits: waitsJson(waits) }),
  empty: "",
};

function waitsText({ waits: [first, ...others] }: WaitingRow): string {
  if (first === undefined) return "";
  const more = others.map(({ reason }) => reason).join(", ");
  return more === "" ? waitText(first) : `${waitText(first)}; then ${more}`;
}
