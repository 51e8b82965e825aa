/** A run: one execution of one workflow for one resource, and the journal of its steps. */
import type { Scope, Uid } from "./uid.ts";

export const runStates = [
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "superseded",
  "cancelled",
] as const;

export type RunState = (typeof runStates)[number];

/** `observe` is asked for after a delete, before the record is closed; the others come from plans. */
export type RunOperation = "create" | "update" | "delete";

export interface Run extends Scope {
  /** UUIDv7: sorts by age. */
  readonly id: string;
  readonly uid: Uid;
  readonly operation: RunOperation;
  readonly workflow: string;
  /** Name of the provider, for fairness among them. */
  readonly provider: string;
  /** Hash of the bundle it runs from, to its end, whatever git says meanwhile. */
  readonly bundle: string;
  readonly commit: string;
  readonly plan: string;
  readonly state: RunState;
  readonly reason: string;
  readonly message: string;
  readonly attempt: number;
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** A worker's right to go on with a run, until the lease ends; `token` grows with every claim of the target. */
export interface Claim extends Scope {
  readonly run: string;
  readonly uid: Uid;
  readonly target: string;
  readonly token: bigint;
  readonly commit: string;
  /** The plan's hash: the correlation id of all that is done for it. */
  readonly plan: string;
}

export type StepState = "started" | "waiting" | "ended" | "failed" | "skipped";

export interface StepRecord {
  readonly run: string;
  readonly index: number;
  readonly name: string;
  readonly type: string;
  readonly state: StepState;
  readonly attempts: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Names only: what a step prints may be secret. */
  readonly outputNames: readonly string[];
  /** Masked. */
  readonly error: string | null;
}
