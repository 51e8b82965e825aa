/** What a `tekton` step's config may say (execution semantics §7), after its templates are rendered. */
import { z } from "zod";
import { duration } from "../config-fields.ts";

const dnsName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "expected a Kubernetes name");

const bundleRef = z.strictObject({
  /** An image; by digest, or with a tag that may come to mean another. */
  bundle: z.string().min(1),
  name: dnsName,
  kind: z.string().default("pipeline"),
});
const clusterRef = z.strictObject({
  cluster: z.strictObject({
    namespace: dnsName,
    name: dnsName,
    kind: z.string().default("pipeline"),
  }),
});
const nameRef = z.strictObject({ name: dnsName });

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** Tekton's three kinds: string, array and object, whose parts are strings. */
const param = z.union([scalar, z.array(scalar), z.record(z.string(), scalar)], {
  error: "expected a text, a list of texts or a map of texts",
});

const workspace = z
  .strictObject({
    configMap: dnsName.optional(),
    secret: dnsName.optional(),
    pvc: dnsName.optional(),
    emptyDir: z.record(z.string(), z.json()).optional(),
    volumeClaimTemplate: z.record(z.string(), z.json()).optional(),
    subPath: z.string().optional(),
  })
  .refine(
    (it) =>
      [it.configMap, it.secret, it.pvc, it.emptyDir, it.volumeClaimTemplate].filter(
        (source) => source !== undefined,
      ).length === 1,
    { message: "expected exactly one of configMap, secret, pvc, emptyDir, volumeClaimTemplate" },
  );

const cancelModes = ["Cancelled", "CancelledRunFinally", "StoppedRunFinally"] as const;

export const tektonConfig = z.strictObject({
  namespace: dnsName,
  pipelineRef: z.union([bundleRef, clusterRef, nameRef], {
    error: "expected { bundle, name }, { cluster: { namespace, name } } or { name }",
  }),
  serviceAccountName: dnsName.optional(),
  params: z.record(z.string().min(1), param).default({}),
  workspaces: z.record(z.string().min(1), workspace).default({}),
  timeouts: z
    .strictObject({ tasks: duration.optional(), finally: duration.optional() })
    .default({}),
  onCancel: z.enum(cancelModes).default("CancelledRunFinally"),
  /** Results whose values are secrets. */
  sensitive: z.array(z.string()).default([]),
});

export type TektonConfig = z.output<typeof tektonConfig>;
