/** Status of a node in upstream's words, which its dashboards colour by. */
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { RunState, StepState } from "../model/run.ts";

/** Worst first: what a node is that stands for several. */
export const graphStatuses = [
  "failed",
  "running",
  "waiting",
  "pending",
  "succeeded",
  "skipped",
] as const;

export type GraphStatus = (typeof graphStatuses)[number];

export function resourceStatus(resource: Pick<Recorded, "phase" | "gate">): GraphStatus {
  switch (phaseOf(resource)) {
    case "requested":
      return "pending";
    case "provisioning":
    case "updating":
    case "deleting":
      return "running";
    case "held":
      return "waiting";
    case "failed":
      return "failed";
    case "active":
    case "deleted":
      return "succeeded";
  }
}

export function runStatus(state: RunState): GraphStatus {
  switch (state) {
    case "queued":
      return "pending";
    case "superseded":
    case "cancelled":
      return "skipped";
    case "running":
    case "waiting":
    case "succeeded":
    case "failed":
      return state;
  }
}

export function stepStatus(state: StepState): GraphStatus {
  switch (state) {
    case "started":
      return "running";
    case "ended":
      return "succeeded";
    case "waiting":
    case "failed":
    case "skipped":
      return state;
  }
}

/** `pending` of none: nothing has happened yet. */
export const worstOf = (all: readonly GraphStatus[]): GraphStatus =>
  graphStatuses.find((it) => all.includes(it)) ?? "pending";
