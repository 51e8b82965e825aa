/** Kubernetes' conditions: the truth about a workload or an environment; a phase is for display. */

export interface Condition {
  readonly type: "Ready" | "Reconciling" | "Stalled";
  readonly status: "True" | "False" | "Unknown";
  /** One CamelCase word, stable. */
  readonly reason: string;
  readonly message: string;
  readonly observedCommit: string;
  /** ISO 8601, UTC; changes only when `status` does. */
  readonly lastTransitionTime: string;
}
