/** What a plan is made from: everything that decides, and nothing that has to be fetched. */
import type { Place, Problem } from "../model/problem.ts";
import type { Desired, Recorded, ResourceIdentity } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";

/**
 * What git history says about resources that the tree no longer asks for (law 1). Only `proven`
 * lets one be deleted; the rest say why not.
 */
export type History =
  /** The applied commit is an ancestor of this one, and the tree was read whole. */
  | { readonly kind: "proven" }
  /** Nothing was applied yet. */
  | { readonly kind: "first" }
  /** The applied commit is no ancestor: a force-push, or another branch under the same name. */
  | { readonly kind: "rewritten"; readonly base: string }
  /** The tree holds nothing at all. */
  | { readonly kind: "emptied" }
  /** These files may hold the missing spec. */
  | { readonly kind: "unreadable"; readonly files: readonly string[] };

/** A resource that git asks for, but that a mistake in a file keeps from being worked out. */
export interface Blocked extends ResourceIdentity {
  readonly message: string;
  readonly place: Place;
}

export interface DeletionPolicy {
  readonly budget: { readonly count: number; readonly percent: number };
  readonly graceMs: number;
  readonly statefulGraceMs: number;
  readonly approval: "never" | "always" | "over-budget";
}

export interface PlanInput {
  readonly environment: string;
  readonly commit: string;
  readonly base: string | null;
  /** Unique by uid. */
  readonly desired: readonly Desired[];
  readonly blocked: readonly Blocked[];
  /** Unique by uid; the deleted are left out. */
  readonly recorded: readonly Recorded[];
  readonly history: History;
  /** Workloads (identities) whose file is still in the tree, though nothing selects it any more. */
  readonly unselected: ReadonlySet<string>;
  readonly policy: DeletionPolicy;
  /** Resources of this environment whose deletion began within the last hour (law 4). */
  readonly recentDeletions: ReadonlySet<Uid>;
  /** Hashes of plans that somebody approved. */
  readonly approved: ReadonlySet<string>;
  /** The store's time, ISO 8601; only `until` of a gate depends on it. */
  readonly now: string;
  readonly problems: readonly Problem[];
}
