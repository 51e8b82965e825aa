/** A claimed run while a worker has it: what it is performed with, and what comes up meanwhile. */
import type { Claim } from "../model/run.ts";
import type { Scope } from "../model/uid.ts";
import type { Masker } from "../secrets/mask.ts";
import type { Unwritten } from "../store/advance.ts";
import type { RecordedRun } from "../store/runs.ts";
import type { Services } from "./services.ts";

export interface FailedCleanup {
  readonly step: string;
  /** Masked. */
  readonly message: string;
}

export interface RunInHand {
  readonly services: Services;
  readonly claim: Claim;
  readonly run: RecordedRun;
  /** Until its deadline, when it was claimed. */
  readonly leftMs: number | undefined;
  /** Whether secret values of its resource were stored then. */
  readonly hasSecrets: boolean;
  readonly masker: Masker;
  /** Aborted when the process stops: the run ends at its next safe point. */
  readonly drain: AbortSignal;
  /** Aborted when the lease is lost. */
  readonly signal: AbortSignal;
  readonly failedCleanups: FailedCleanup[];
  /** What goes into the record with the next write. */
  readonly unwritten: Unwritten;
  /** What it waits for may have come before the wait was recorded. */
  woken: boolean;
}

export const scopeOf = ({ repository, environment }: Claim): Scope => ({ repository, environment });
