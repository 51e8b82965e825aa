/** What a status is rendered from: the record of one environment, and where it goes on the branch. */
import type { Condition } from "../model/condition.ts";
import type { Problem } from "../model/problem.ts";
import type { Recorded } from "../model/resource.ts";

export interface WorkloadState {
  readonly name: string;
  /** The spec that asks for it. */
  readonly file: string;
  /** As `conditionsOf` gives them. */
  readonly conditions: readonly Condition[];
}

export interface EnvironmentState {
  readonly environment: string;
  readonly workloads: readonly WorkloadState[];
  /** All of the environment's, deleted ones or not. */
  readonly resources: readonly Recorded[];
  readonly problems: readonly Problem[];
  /** Of the last plan; `null` before there was one. */
  readonly planHash: string | null;
}

/** Where a workload's status is; what cannot be in a file's name is percent-encoded. */
export const statusPath = (environment: string, workload: string): string =>
  `${statusFolder(environment)}/${segment(workload)}.yaml`;

export const statusFolder = (environment: string): string => segment(environment);

const segment = (name: string): string => encodeURIComponent(name).replace(/^\./, "%2E");
