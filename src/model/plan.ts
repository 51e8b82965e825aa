/** A plan: what has to be done so that the recorded resources are what a commit asks for. */
import type { Json } from "./json.ts";
import type { Problem } from "./problem.ts";
import type { Uid } from "./uid.ts";

export type Operation = "create" | "update" | "delete" | "replace" | "adopt" | "none";

export const gateKinds = [
  "dependency",
  "approval",
  "grace",
  "budget",
  "history",
  "lock",
  "cooldown",
  "problem",
] as const;

/** Why an operation may not start yet. */
export interface Gate {
  readonly kind: (typeof gateKinds)[number];
  /** What holds it and what lifts it: for people, in words that stay the same while nothing changes. */
  readonly message: string;
  /** ISO 8601, where the gate opens by itself. */
  readonly until?: string;
}

/** One differing field. */
export interface Change {
  /** JSON pointer (RFC 6901) into the resource's params. */
  readonly path: string;
  /** `undefined`: not there. */
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

export const reasons = [
  "Added",
  "Changed",
  "BundleChanged",
  "ProviderChanged",
  "ImmutableChanged",
  "Incomplete",
  "Removed",
  "RemovalUnproven",
  "Held",
  "UpToDate",
] as const;

export type Reason = (typeof reasons)[number];

export interface PlannedOperation {
  readonly uid: Uid;
  readonly operation: Operation;
  readonly workload: string;
  /** `name@version` of the bundle that will be used. */
  readonly provider: string;
  /** Name of the workflow that will run; `null` for `none`. */
  readonly workflow: string | null;
  /** Hash of the bundle that will be used. */
  readonly bundle: string;
  readonly reason: Reason;
  readonly changes: readonly Change[];
  /** Operations of this plan that come first, sorted. */
  readonly dependsOn: readonly Uid[];
  readonly gate: Gate | null;
}

export interface PlanSummary {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
  readonly replace: number;
  readonly none: number;
  /** Operations with a gate; they are counted under their own word too. */
  readonly held: number;
}

export interface Plan {
  readonly hash: string;
  readonly commit: string;
  /** The applied commit that the plan starts from; `null` before there is one. */
  readonly base: string | null;
  readonly environment: string;
  /** One per uid on either side, sorted by uid. */
  readonly operations: readonly PlannedOperation[];
  readonly summary: PlanSummary;
  readonly problems: readonly Problem[];
}
