/** Score specs: what is in git, and what submitting one answers. */
import { z } from "zod";
import { fileProblem, name, pageQuery } from "./common.ts";
import { gate, resourceStates } from "./resource.ts";

const operation = z
  .object({
    uid: z.string(),
    operation: z.enum(["create", "update", "delete", "replace", "adopt", "none"]),
    workload: z.string(),
    provider: z.string(),
    workflow: z.string().nullable(),
    reason: z.string(),
    changes: z.array(
      z.object({ path: z.string(), from: z.unknown().optional(), to: z.unknown().optional() }),
    ),
    dependsOn: z.array(z.string()),
    gate: gate.nullable(),
  })
  .meta({ id: "Operation" });

export const plan = z
  .object({
    hash: z.string(),
    commit: z.string(),
    base: z.string().nullable(),
    environment: z.string(),
    operations: z.array(operation),
    summary: z.object({
      create: z.number(),
      update: z.number(),
      delete: z.number(),
      replace: z.number(),
      none: z.number(),
      held: z.number(),
    }),
    problems: z.array(fileProblem),
  })
  .meta({ id: "Plan" });

/** What submitting and removing answer. */
export const submitted = z
  .object({
    message: z.string(),
    name: z.string(),
    status: z.literal("success"),
    environment: z.string(),
    repository: z.string(),
    branch: z.string(),
    file: z.string(),
    commit: z.string(),
    changed: z.boolean().meta({ description: "False: git had exactly this already" }),
    pull_request: z.object({ number: z.number().int(), url: z.string() }).nullable(),
    plan: plan.meta({ description: "What the commit leads to" }),
  })
  .meta({ id: "Submitted" });

export const spec = z
  .object({
    name: z.string(),
    repository: z.string(),
    environment: z.string(),
    file: z.string(),
    commit: z.string().meta({ description: "The commit that brought it" }),
    team: z.string(),
    ready: z.enum(["True", "False", "Unknown"]),
    reason: z.string(),
    message: z.string(),
    resources: z.array(
      z.object({
        id: z.string(),
        uid: z.string(),
        name: z.string(),
        type: z.string(),
        state: z.enum(resourceStates),
      }),
    ),
  })
  .meta({ id: "Spec" });

export const specDetail = spec
  .extend({
    content: z.string().nullable().meta({
      description: "The file at the last applied commit; null where it cannot be read",
    }),
    problems: z.array(fileProblem),
  })
  .meta({ id: "SpecDetail" });

export const specQuery = pageQuery.extend({
  environment: name.optional(),
  repository: name.optional(),
});

export const submitQuery = z.object({ environment: name.optional(), repository: name.optional() });

export type ApiPlan = z.output<typeof plan>;
export type Submitted = z.output<typeof submitted>;
export type ApiSpec = z.output<typeof spec>;
