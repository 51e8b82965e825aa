/** A resource, in upstream's field names; what was a credential there is a reference here. */
import { z } from "zod";
import { phases } from "../../../model/resource.ts";
import { gateKinds } from "../../../model/plan.ts";
import { anyRecord, name, pageQuery, textRecord, time } from "./common.ts";

export const resourceStates = [
  "requested",
  "provisioning",
  "active",
  "updating",
  "terminating",
  "terminated",
  "failed",
] as const;

export const gate = z
  .object({ kind: z.enum(gateKinds), message: z.string(), until: z.string().optional() })
  .meta({ id: "Gate", description: "Why an operation may not start yet" });

export const resource = z
  .object({
    id: z.string(),
    uid: z.string(),
    application_name: z.string(),
    resource_name: z.string(),
    resource_type: z.string(),
    resource_class: z.string(),
    repository: z.string(),
    environment: z.string(),
    state: z.enum(resourceStates),
    phase: z.enum(phases).meta({ description: "`held` where a gate holds it" }),
    health_status: z.enum(["healthy", "degraded", "unhealthy", "unknown"]),
    configuration: anyRecord.meta({ description: "Its params; secrets are references" }),
    provider_id: z.string().meta({ description: "`name@version` of the pinned provider" }),
    provider_metadata: z.object({
      outputs: anyRecord,
      secret_refs: textRecord,
    }),
    type: z.literal("native"),
    provider: z.string(),
    workflow_execution_id: z.string().nullable(),
    desired_operation: z.enum(["create", "update", "delete"]).nullable(),
    gate: gate.nullable(),
    commit: z.string(),
    file: z.string(),
    reason: z.string(),
    error_message: z.string().nullable(),
    failures: z.number().int(),
    stalled: z.boolean(),
    next_attempt_at: time.nullable(),
    protected: z.boolean(),
    dependencies: z.array(z.string()).meta({ description: "Uids that it depends on" }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Resource" });

export const resourceDetail = resource
  .extend({
    state_transitions: z.array(
      z.object({
        to_state: z.string(),
        reason: z.string(),
        transitioned_by: z.string(),
        transitioned_at: time,
      }),
    ),
  })
  .meta({ id: "ResourceDetail" });

export const resourceQuery = pageQuery.extend({
  app: name.optional(),
  type: name.optional(),
  state: z.enum([...resourceStates, "held"]).optional(),
  environment: name.optional(),
  repository: name.optional(),
  provider: name.optional(),
});

export const secretValue = z
  .object({ key: z.string(), reference: z.string(), value: z.string() })
  .meta({ id: "SecretValue" });

export const retried = z
  .object({ success: z.boolean(), message: z.string(), uid: z.string() })
  .meta({ id: "Retried" });

export type ApiResource = z.output<typeof resource>;
