/** A resource on its two sides: as git asks for it, and as the store recorded it. */
import type { JsonRecord } from "./json.ts";
import type { Gate } from "./plan.ts";
import type { Place } from "./problem.ts";
import type { RunOperation } from "./run.ts";
import type { Uid } from "./uid.ts";
import type { Bundle } from "./workflow.ts";

export const phases = [
  "requested",
  "provisioning",
  "active",
  "updating",
  "deleting",
  "deleted",
  "failed",
  "held",
] as const;

export type Phase = (typeof phases)[number];

/** What both sides know of a resource. */
export interface ResourceIdentity {
  readonly uid: Uid;
  /** Name of the workload that asks for it; of a shared one, the first by name. */
  readonly workload: string;
  /** What the uid was made of in place of the workload's name: `innominatus.dev/id`, or the name itself. */
  readonly identity: string;
  /** Its key under the workload's `resources`. */
  readonly name: string;
  readonly type: string;
  readonly class: string;
}

export interface Desired extends ResourceIdentity {
  /** Params with every placeholder resolved that can be; secrets stand as references, unknowns as `${…}`. */
  readonly params: JsonRecord;
  /** Params as written but for `${metadata.…}`: what a run resolves when it starts. */
  readonly template: JsonRecord;
  /** What the names of resources in `template` mean: one uid a name, in the order of the names. */
  readonly dependsOn: readonly Uid[];
  readonly bundle: Bundle;
  /** How the provider and its workflows were chosen: one sentence per decision (law 12). */
  readonly rule: readonly string[];
  readonly protected: boolean;
  /** `innominatus.dev/hold`: nothing is done to it while it stands. */
  readonly hold: boolean;
  readonly place: Place;
}

/** Outputs of a resource as everybody may see them: a secret one is `{ secretRef }`'s text in `secretRefs`. */
export interface Outputs {
  readonly outputs: JsonRecord;
  /** Reference by output name: `secret://…` or `k8s://…`. */
  readonly secretRefs: { readonly [name: string]: string };
  /** The Secret that holds all of them in the workload's namespace, `k8s://namespace/name`; absent: there is none. */
  readonly credentialsSecret?: string;
}

/** Why a recorded resource is no longer wanted, once history proved it (law 1). */
export interface Removal {
  /** The commit whose tree no longer asks for it. */
  readonly commit: string;
  /** The applied commit that did. */
  readonly base: string;
}

/** The last thing a run tried to do to a resource. */
export interface Attempt {
  readonly operation: RunOperation;
  /** Hash of operation, params and bundle: a different wish starts afresh (E14). */
  readonly hash: string;
}

export interface Recorded extends ResourceIdentity, Outputs {
  /** Where its own life stands; `held` is said by `gate`. */
  readonly phase: Exclude<Phase, "held">;
  /** What holds the operation that the last plan wanted, if any. */
  readonly gate: Gate | null;
  /** Some run has started for it: there may be something to delete. */
  readonly touched: boolean;
  /** Params of the last operation that succeeded or, before any did, of the one under way. */
  readonly params: JsonRecord;
  readonly template: JsonRecord;
  readonly dependsOn: readonly Uid[];
  readonly bundle: Bundle;
  /** Counts operations that ended well; 0 until the first did. */
  readonly revision: number;
  /** Asked for by the tree of the last applied commit. */
  readonly wanted: boolean;
  readonly removal: Removal | null;
  /** End of the grace period; set with `removal`. ISO 8601. */
  readonly deleteAfter: string | null;
  readonly protected: boolean;
  /** The commit of its last operation or, before that, of the one that asked for it. */
  readonly commit: string;
  readonly place: Place;
  /** When the phase began; ISO 8601. */
  readonly since: string;
  readonly reason: string;
  readonly message: string;
  readonly attempted: Attempt | null;
  /** Consecutive failed runs of `attempted`. */
  readonly failures: number;
  /** Not tried again before; ISO 8601. `null` while nothing failed, or when it is stalled. */
  readonly nextAttemptAt: string | null;
  readonly stalled: boolean;
  /** Of the last run. */
  readonly operation: RunOperation | null;
  /** The last run; `null` before there was one. */
  readonly run: string | null;
}

/** The phase that people see. */
export const phaseOf = (resource: Pick<Recorded, "phase" | "gate">): Phase =>
  resource.gate === null || resource.phase === "deleted" ? resource.phase : "held";
