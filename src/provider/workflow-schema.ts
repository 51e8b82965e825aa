/** The workflow format (`innominatus.io/v1alpha1`): upstream's keys, and our optional ones (compat.md §1). */
import { z } from "zod";

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const duration = z.union([z.string(), z.number()]);
const anything = z.json();

/** The spellings of a parameter's type, and what each means. */
export const parameterTypes = {
  string: "string",
  boolean: "boolean",
  bool: "boolean",
  number: "number",
  float: "number",
  integer: "integer",
  int: "integer",
  object: "object",
  map: "object",
  array: "array",
  list: "array",
} as const;

const parameterTypeSchema = z.literal([
  "string",
  "boolean",
  "bool",
  "number",
  "float",
  "integer",
  "int",
  "object",
  "map",
  "array",
  "list",
]);

const parameterSchema = z.looseObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "a letter, then letters, digits, _ or -"),
  type: parameterTypeSchema.optional(),
  required: z.boolean().optional(),
  default: anything.optional(),
  enum: z.array(anything).min(1).optional(),
  pattern: z.string().optional(),
  description: z.string().nullish(),
  sensitive: z.boolean().optional(),
  immutable: z.boolean().optional(),
  onlyGrows: z.boolean().optional(),
});

/** What upstream's step has beside `config`: these are settings of the step's type, and join its config. */
const legacyConfig = {
  path: anything.optional(),
  playbook: anything.optional(),
  namespace: anything.optional(),
  resource: anything.optional(),
  outputDir: anything.optional(),
  repo: anything.optional(),
  branch: anything.optional(),
  commitMessage: anything.optional(),
  workspace: anything.optional(),
  repoName: anything.optional(),
  private: anything.optional(),
  owner: anything.optional(),
  appName: anything.optional(),
  repoURL: anything.optional(),
  targetPath: anything.optional(),
  project: anything.optional(),
  syncPolicy: anything.optional(),
  manifestPath: anything.optional(),
  gitBranch: anything.optional(),
  waitForSync: anything.optional(),
  operation: anything.optional(),
  workingDir: anything.optional(),
  variables: anything.optional(),
  env: anything.optional(),
};

export const legacyConfigSchema = z.object(legacyConfig);

/** Read, and without a meaning here: each is a warning that says so. */
export const idleKeys = [
  "parallel",
  "parallelGroup",
  "outputs",
  "outputFile",
  "setVariables",
] as const;

const stepSchema = z.looseObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "a letter, then letters, digits, _ or -"),
  type: z.string().min(1),
  config: z.record(z.string(), anything).nullish(),
  description: z.string().nullish(),
  timeout: duration.optional(),
  retries: z.int().min(0).max(100).optional(),
  retrySafe: z.boolean().optional(),
  when: scalar.optional(),
  if: scalar.optional(),
  unless: scalar.optional(),
  dependsOn: z.union([z.string(), z.array(z.string())]).optional(),
  parallel: anything.optional(),
  parallelGroup: anything.optional(),
  outputs: anything.optional(),
  outputFile: anything.optional(),
  setVariables: anything.optional(),
  ...legacyConfig,
});

const outputSchema = z.union([
  scalar,
  z.looseObject({
    value: scalar,
    sensitive: z.boolean().optional(),
    description: z.string().nullish(),
  }),
]);

export const workflowSchema = z.looseObject({
  apiVersion: z.literal("innominatus.io/v1alpha1"),
  kind: z.literal("Workflow"),
  metadata: z.looseObject({ name: z.string().min(1), description: z.string().nullish() }),
  parameters: z.array(parameterSchema).nullish(),
  steps: z.array(stepSchema).min(1),
  outputs: z.record(z.string(), outputSchema).nullish(),
  target: z.string().min(1).optional(),
  timeout: duration.optional(),
  retrySafe: z.boolean().optional(),
});

export type WorkflowFile = z.infer<typeof workflowSchema>;
export type ParameterEntry = z.infer<typeof parameterSchema>;
export type StepEntry = z.infer<typeof stepSchema>;
