/** A recorded resource as the API tells it: our phases in upstream's states, credentials as references. */
import { phaseOf } from "../../../model/resource.ts";
import type { ListedResource } from "../../../store/resource-pages.ts";
import type { ApiResource, resourceStates } from "../schemas/resource.ts";

type State = (typeof resourceStates)[number];

const states = {
  requested: "requested",
  provisioning: "provisioning",
  active: "active",
  updating: "updating",
  deleting: "terminating",
  deleted: "terminated",
  failed: "failed",
} as const satisfies Record<ListedResource["phase"], State>;

export const stateOf = ({ phase }: Pick<ListedResource, "phase">): State => states[phase];

/** The phase that a state of the API means. */
export const phaseOfState = (state: string): string =>
  Object.entries(states).find(([, it]) => it === state)?.[0] ?? state;

export const resourceView = (it: ListedResource): ApiResource => ({
  id: it.id,
  uid: it.uid,
  application_name: it.workload,
  resource_name: it.name,
  resource_type: it.type,
  resource_class: it.class,
  repository: it.repository,
  environment: it.environment,
  state: stateOf(it),
  phase: phaseOf(it),
  health_status: healthOf(it),
  configuration: { ...it.params },
  provider_id: `${it.provider}@${it.version}`,
  provider_metadata: { outputs: { ...it.secretRefs, ...it.outputs }, secret_refs: it.secretRefs },
  type: "native",
  provider: it.provider,
  workflow_execution_id: it.run,
  desired_operation: it.operation,
  gate: it.gate,
  commit: it.commit,
  file: it.place.file,
  reason: it.reason,
  error_message: it.phase === "failed" || it.stalled ? it.message || it.reason : null,
  failures: it.failures,
  stalled: it.stalled,
  next_attempt_at: it.nextAttemptAt,
  protected: it.protected,
  dependencies: [...it.dependsOn],
  created_at: it.createdAt,
  updated_at: it.since,
});

function healthOf({ phase }: ListedResource): ApiResource["health_status"] {
  if (phase === "active" || phase === "updating") return "healthy";
  return phase === "failed" ? "unhealthy" : "unknown";
}
