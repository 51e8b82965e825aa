/** What the loops work with: made once, in cli/, and handed to all of them. */
import type { Logger } from "pino";
import type { StepExecutor } from "../execute/step-type.ts";
import type { KubernetesTools } from "../execute/steps/kubernetes.ts";
import type { RetryPolicy as StepRetryPolicy } from "../execute/retry.ts";
import type { Clock, Random } from "../model/clock.ts";
import type { Sealer } from "../secrets/seal.ts";
import { createVault, type Vault } from "../secrets/vault.ts";
import type { Database, Queryable } from "../store/database.ts";
import { secretRows } from "../store/secrets.ts";
import type { Settings } from "../settings/settings.ts";
import type { RetryPolicy } from "./result.ts";

export interface Services {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly executors: ReadonlyMap<string, StepExecutor>;
  /** Absent: no environment has a cluster. */
  readonly kubernetes?: KubernetesTools;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** This process, in leases and in the audit trail. */
  readonly holder: string;
  readonly limits: Limits;
}

export interface Limits {
  readonly workers: number;
  readonly workersPerProvider: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** From a run's first claim to its deadline, where its workflow does not say. */
  readonly runTimeoutMs: number;
  readonly cooldown: Settings["cooldown"];
  readonly stepRetry: StepRetryPolicy;
  readonly runRetry: RetryPolicy;
  /** What an environment remembers between passes is read again after so long. */
  readonly resyncMs: number;
}

/** The secret store, inside a transaction or outside of one. */
export const vaultOn = (sealer: Sealer, db: Queryable): Vault =>
  createVault(sealer, secretRows(db));
