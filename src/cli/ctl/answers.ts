/**
 * What the API answers, as far as this command looks at it. Loose in every part: a newer server adds
 * fields, an older one lacks some, and upstream's ids are numbers.
 */
import { z } from "zod";

/** Of what another version leaves out, or means otherwise. */
const text = z.string().catch("");
const maybeText = z.string().nullable().catch(null);
const count = z.number().catch(0);
const id = z.union([z.string(), z.number()]).transform(String);

const gate = z
  .looseObject({ kind: text, message: text, until: z.string().optional().catch(undefined) })
  .nullable()
  .catch(null);

export const resource = z.looseObject({
  id,
  uid: text,
  application_name: text,
  resource_name: text,
  resource_type: text,
  environment: text,
  state: z.string(),
  health_status: text,
  gate,
  provider_id: z.union([z.string(), z.number()]).transform(String).catch(""),
  provider_metadata: z
    .looseObject({
      outputs: z.record(z.string(), z.unknown()).catch({}),
      secret_refs: z.record(z.string(), z.string()).catch({}),
    })
    .catch({ outputs: {}, secret_refs: {} }),
  workflow_execution_id: id.nullable().catch(null),
  error_message: maybeText,
  stalled: z.boolean().catch(false),
  next_attempt_at: maybeText,
  commit: text,
  file: text,
  updated_at: text,
  created_at: text,
});

export type Resource = z.output<typeof resource>;

const step = z.looseObject({
  step_number: count,
  step_name: text,
  step_type: text,
  status: text,
  started_at: maybeText,
  completed_at: maybeText,
  duration_ms: z.number().nullable().catch(null),
  error_message: maybeText,
});

export const workflow = z.looseObject({
  id,
  application_name: text,
  workflow_name: text,
  resource_uid: text,
  resource_id: id.nullable().catch(null),
  operation: text,
  status: z.string(),
  attempt: count,
  error_message: maybeText,
  started_at: maybeText,
  completed_at: maybeText,
  queued_at: maybeText,
  total_steps: count,
  completed_steps: count,
  commit: text,
  steps: z.array(step).catch([]),
});

export type Workflow = z.output<typeof workflow>;

export const logLine = z.looseObject({ id: id.catch(""), step: text, at: text, text });

const operation = z.looseObject({
  uid: text,
  operation: text,
  workload: text,
  provider: text,
  reason: text,
  gate,
});

export const plan = z.looseObject({
  hash: text,
  commit: text,
  environment: text,
  operations: z.array(operation).catch([]),
});

export type Plan = z.output<typeof plan>;

export const recordedPlan = plan.extend({
  seen_at: text,
  author: text,
  subject: text,
  current: z.boolean().catch(false),
  approved: z.boolean().catch(false),
  needs_approval: z.boolean().catch(false),
});

export const submitted = z.looseObject({
  message: text,
  name: text,
  environment: text,
  file: text,
  branch: text,
  commit: text,
  changed: z.boolean().catch(true),
  pull_request: z
    .looseObject({ number: z.number().catch(0), url: text })
    .nullable()
    .catch(null),
  plan: plan.nullable().catch(null),
});

export type Submitted = z.output<typeof submitted>;

export const spec = z.looseObject({
  name: text,
  environment: text,
  repository: text,
  file: text,
  commit: text,
  ready: text,
  reason: text,
  message: text,
});

export const specDetail = spec.extend({ content: maybeText });

export const environment = z.looseObject({
  name: text,
  repository: text,
  branch: text,
  applied_commit: maybeText,
  observed_commit: maybeText,
  reason: text,
  message: text,
});

export const provider = z.looseObject({
  name: text,
  version: text,
  category: text,
  description: text,
  workflows: z.array(z.looseObject({ name: text })).catch([]),
  capabilities: z.unknown(),
});

export const event = z.looseObject({
  id: id.catch(""),
  at: text,
  type: text,
  actor: text,
  resource_uid: maybeText,
});

export const login = z.looseObject({
  token: z.string().min(1),
  username: text,
  expires: maybeText,
});

export const userInfo = z.looseObject({ username: text, team: text, role: text });

export const apiKey = z.looseObject({
  name: text,
  masked_key: text,
  created_at: text,
  expires_at: maybeText,
  last_used_at: maybeText,
});

export const createdApiKey = z.looseObject({ key: z.string(), name: text, expires_at: maybeText });

const words = z.record(z.string(), z.string()).catch({});

export const user = z.looseObject({
  username: text,
  role: text,
  team: text,
  teams: words,
  source: text,
});

export const team = z.looseObject({
  name: text,
  description: text,
  workloads: z.array(z.string()).catch([]),
  members: z
    .array(
      z.union([
        z.looseObject({ username: text, role: text }),
        z.string().transform((username) => ({ username, role: "" })),
      ]),
    )
    .catch([]),
});

export const goldenPath = z.looseObject({
  name: text,
  provider: text,
  description: text,
  parameters: z.array(z.looseObject({ name: text })).catch([]),
});

export const graph = z.looseObject({
  nodes: z.array(z.looseObject({ id, name: text, type: text, status: text, description: text })),
  edges: z.array(z.looseObject({ id, source_id: id, target_id: id, type: text })),
});

export const secretValue = z.looseObject({ value: z.string() });
export const outcome = z.looseObject({ message: text, uid: text });
export const record = z.record(z.string(), z.json());
