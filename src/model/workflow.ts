/**
 * What a provider's files say, once read: the wide formats of upstream innominatus narrowed to one
 * shape. Plain JSON all through, because a bundle of it is stored and outlives the files.
 */
import type { Json, JsonRecord } from "./json.ts";

export type WorkflowOperation = "create" | "update" | "delete" | "observe";

export const workflowOperations = ["create", "update", "delete", "observe"] as const;

export interface Parameter {
  readonly name: string;
  readonly type: "string" | "boolean" | "number" | "integer" | "object" | "array";
  readonly required: boolean;
  /** A string default may itself be a template over the engine inputs. `undefined`: none. */
  readonly default?: Json;
  readonly enum?: readonly Json[];
  readonly pattern?: string;
  readonly description: string;
  readonly sensitive: boolean;
  /** Cannot change in place: a change of it plans `replace`. */
  readonly immutable: boolean;
  /** May change in place in one direction: a number upwards, one of `enum` to a later one. */
  readonly onlyGrows?: boolean;
}

export interface WorkflowStep {
  readonly name: string;
  readonly type: string;
  /** Every string in it is a template. */
  readonly config: JsonRecord;
  /** A template; the step is left out when it renders to nothing, `false`, `0` or `no`. */
  readonly when?: string;
  readonly timeoutMs: number;
  /** Further attempts after a failed one. */
  readonly retries: number;
  /** May run again when nobody can say whether an interrupted attempt took effect (E6, E15). */
  readonly retrySafe: boolean;
}

export interface OutputDeclaration {
  readonly template: string;
  /** Goes to the secret store; everything else sees its reference. */
  readonly sensitive: boolean;
}

export interface Workflow {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly steps: readonly WorkflowStep[];
  readonly outputs: { readonly [name: string]: OutputDeclaration };
  /** Template of what runs of this workflow exclude each other on; absent: the resource itself. */
  readonly target?: string;
  /** From a run's first start to its deadline; absent: as the controller's settings say. */
  readonly timeoutMs?: number;
}

/**
 * Everything needed to operate a resource later without git. Pinned on the resource when it is
 * created; content-addressed over all but `commit`.
 */
export interface Bundle {
  readonly hash: string;
  readonly provider: string;
  readonly version: string;
  /** Where the provider came from; for people. */
  readonly source: string;
  /** The capability's type, after aliases. */
  readonly type: string;
  readonly stateful: boolean;
  readonly workflows: { readonly [operation in WorkflowOperation]?: Workflow };
}
