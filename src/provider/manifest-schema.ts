/** The provider manifest (`apiVersion: v1`): every key upstream's files and loader know (compat.md §1). */
import { z } from "zod";

const text = z.string().nullish();
const tags = z.array(z.string()).nullish();
const anything = z.json();

const operationSchema = z.looseObject({
  workflow: z.string().min(1).optional(),
  workflows: z
    .array(z.looseObject({ name: z.string().min(1), tags }))
    .min(1)
    .optional(),
  default: z.string().min(1).optional(),
  inCluster: z.string().min(1).optional(),
});

const capabilitySchema = z.looseObject({
  type: z.string().min(1),
  aliasFor: z.string().min(1).optional(),
  stateful: z.boolean().optional(),
  description: text,
  operations: z
    .looseObject({
      create: operationSchema.optional(),
      update: operationSchema.optional(),
      delete: operationSchema.optional(),
      observe: operationSchema.optional(),
      read: operationSchema.optional(),
    })
    .optional(),
});

const workflowEntrySchema = z.looseObject({
  name: z.string().min(1),
  file: z.string().min(1),
  description: text,
  category: z.literal(["provisioner", "goldenpath"]).optional(),
  operation: z.literal(["create", "read", "update", "delete", "observe"]).optional(),
  version: text,
  tags,
});

export const manifestSchema = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal(["Provider", "Platform"]),
  metadata: z.looseObject({
    name: z.string().min(1),
    version: z.string().min(1),
    category: text,
    description: text,
    author: text,
    homepage: text,
    repository: text,
    license: text,
    tags,
  }),
  compatibility: z
    .looseObject({ minCoreVersion: z.string().optional(), maxCoreVersion: z.string().optional() })
    .nullish(),
  capabilities: z
    .looseObject({
      resourceTypes: z.array(z.string().min(1)).nullish(),
      resourceTypeCapabilities: z.array(capabilitySchema).nullish(),
    })
    .nullish(),
  workflows: z.array(workflowEntrySchema).nullish(),
  provisioners: z.array(z.looseObject({ name: text, type: text, version: text })).nullish(),
  goldenpaths: z.array(anything).nullish(),
  configuration: anything.nullish(),
});

const claim = z.object({ type: z.string() });

/** What can be told from a manifest that does not fit the format: it fits anything. */
export const claimsSchema = z
  .object({
    metadata: z
      .object({ name: z.string().catch("unnamed"), version: z.string().catch("unknown") })
      .catch({ name: "unnamed", version: "unknown" }),
    capabilities: z
      .object({
        resourceTypes: z.array(z.string().catch("")).catch([]),
        resourceTypeCapabilities: z.array(claim.catch({ type: "" })).catch([]),
      })
      .catch({ resourceTypes: [], resourceTypeCapabilities: [] }),
  })
  .catch({
    metadata: { name: "unnamed", version: "unknown" },
    capabilities: { resourceTypes: [], resourceTypeCapabilities: [] },
  });

export type Manifest = z.infer<typeof manifestSchema>;
export type CapabilityEntry = z.infer<typeof capabilitySchema>;
export type OperationEntry = z.infer<typeof operationSchema>;
export type WorkflowEntry = z.infer<typeof workflowEntrySchema>;
