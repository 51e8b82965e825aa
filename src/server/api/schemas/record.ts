/** Plans that were made, events, providers and figures: what only is read, and approvals. */
import { z } from "zod";
import { anyRecord, fileProblem, name, pageQuery, time } from "./common.ts";
import { plan } from "./spec.ts";

export const recordedPlan = z
  .object({
    hash: z.string(),
    repository: z.string(),
    environment: z.string(),
    commit: z.string(),
    author: z.string(),
    subject: z.string(),
    seen_at: time,
    current: z.boolean().meta({ description: "It is what the environment's last look planned" }),
    approved: z.boolean(),
    needs_approval: z.boolean(),
    summary: plan.shape.summary,
    operations: plan.shape.operations,
  })
  .meta({ id: "RecordedPlan" });

export const planQuery = pageQuery.extend({
  environment: name.optional(),
  repository: name.optional(),
});

export const approval = z
  .object({ reason: z.string().max(2_000).default("") })
  .meta({ id: "Approval" });

export const approved = z
  .object({ message: z.string(), hash: z.string(), environment: z.string(), approver: z.string() })
  .meta({ id: "Approved" });

export const event = z
  .object({
    id: z.string(),
    at: time,
    type: z.string(),
    actor: z.string(),
    repository: z.string(),
    environment: z.string(),
    resource_uid: z.string().nullable(),
    workflow_execution_id: z.string().nullable(),
    commit: z.string().nullable(),
    data: anyRecord,
  })
  .meta({ id: "Event" });

export const eventQuery = pageQuery.extend({
  environment: name.optional(),
  repository: name.optional(),
  app: name.optional(),
  type: name.optional(),
  resource: z.string().max(500).optional().meta({ description: "Uid of a resource" }),
});

export const provider = z
  .object({
    name: z.string(),
    version: z.string(),
    category: z.string(),
    description: z.string(),
    source: z.string(),
    capabilities: z.array(
      z.object({
        type: z.string(),
        alias_for: z.string().nullable(),
        stateful: z.boolean(),
        operations: z.array(z.string()),
      }),
    ),
    workflows: z.array(
      z.object({ name: z.string(), parameters: z.array(z.string()), steps: z.number().int() }),
    ),
  })
  .meta({ id: "Provider" });

export const adminProvider = provider
  .extend({
    resources: z.number().int().meta({ description: "Recorded resources pinned to it" }),
    broken: z.array(z.object({ type: z.string(), message: z.string() })),
  })
  .meta({ id: "AdminProvider" });

export const providerStats = z
  .object({ providers: z.number().int(), provisioners: z.number().int() })
  .meta({ id: "ProviderStats" });

export const stats = z
  .object({
    applications: z.number().int(),
    workflows: z.number().int().meta({ description: "Runs under way" }),
    resources: z.number().int(),
    users: z.number().int(),
  })
  .meta({ id: "Stats" });

export const environment = z
  .object({
    name: z.string(),
    repository: z.string(),
    branch: z.string(),
    applied_commit: z.string().nullable(),
    observed_commit: z.string().nullable(),
    observed_at: time.nullable(),
    plan_hash: z.string().nullable(),
    reason: z.string(),
    message: z.string(),
    problems: z.array(fileProblem),
  })
  .meta({ id: "Environment" });

export const environmentQuery = pageQuery.extend({ repository: name.optional() });

export type ApiProvider = z.output<typeof provider>;
