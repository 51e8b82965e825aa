/**
 * Score v1b1 as the official JSON Schema has it, field by field; a test holds every verdict against
 * the schema itself. Nothing of ours is in it: what no schema says is in meaning.ts.
 */
import { z } from "zod";

const labelPattern = /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/;
const annotationPattern =
  /^(([a-z0-9][a-z0-9-]{0,61}[a-z0-9])(\.[a-z0-9][a-z0-9-]{0,61}[a-z0-9])*\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]$/;

const label = z.string().regex(labelPattern, {
  error: "2 to 63 of a-z, 0-9 and `-`, with a letter or digit at both ends",
});
const annotationKey = z.string().max(316).regex(annotationPattern, {
  error: "a name of 2 to 63 characters, with an optional host before a `/`",
});
const typeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$/, {
  error: "2 to 63 letters, digits and `-`, with a letter or digit at both ends",
});
const resourceId = z
  .string()
  .min(2)
  .max(63)
  .regex(/^[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*$/, {
    error: "labels of a-z, 0-9 and `-`, joined by `.`",
  });
const annotations = z.record(annotationKey, z.string());
const port = z.int().min(1).max(65_535);
const text = z.string().min(1);

const limits = z.strictObject({
  memory: z
    .string()
    .regex(/^(0\.\d+|[1-9]\d*(\.\d+)?)(K|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/, {
      error: "an amount like 128M or 1.5Gi",
    })
    .optional(),
  cpu: z
    .string()
    .regex(/^\d+(?:m|\.\d+)?$/, { error: "an amount like 2, 0.5 or 125m" })
    .optional(),
});

const contentKeys = ["content", "binaryContent", "source"] as const;

const fileFields = {
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, { error: 'three octal digits, like "0644"' })
    .optional(),
  source: text.optional(),
  content: z.string().optional(),
  binaryContent: z.string().optional(),
  noExpand: z.boolean().optional(),
};

function hasOneContent(
  context: z.core.ParsePayload<{ [key in (typeof contentKeys)[number]]?: unknown }>,
): void {
  const value = context.value;
  const given = contentKeys.filter((key) => value[key] !== undefined);
  if (given.length === 1) return;
  const found = given.length === 0 ? "none of them" : given.map((it) => `\`${it}\``).join(" and ");
  context.issues.push({
    code: "custom",
    input: value,
    message: `found ${found}, expected exactly one of \`content\`, \`binaryContent\` and \`source\``,
    params: { hint: given.length === 0 ? "add one of them" : "keep one of them" },
  });
}

const file = z.strictObject(fileFields).check(hasOneContent);
const listedFile = z.strictObject({ ...fileFields, target: text.optional() }).check(hasOneContent);

const volumeFields = {
  source: z.string(),
  path: z.string().optional(),
  readOnly: z.boolean().optional(),
};
const volume = z.strictObject(volumeFields);
const listedVolume = z.strictObject({ ...volumeFields, target: z.string().optional() });

const httpProbe = z.strictObject({
  host: text.optional(),
  scheme: z.enum(["HTTP", "HTTPS"]).optional(),
  path: z.string(),
  port,
  httpHeaders: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9_-]+$/, { error: "letters, digits, `_` and `-`" }),
        value: text,
      }),
    )
    .optional(),
});

const probe = z
  .strictObject({
    httpGet: httpProbe.optional(),
    exec: z.strictObject({ command: z.array(z.string()) }).optional(),
  })
  .check((context) => {
    const { httpGet, exec } = context.value;
    if (httpGet !== undefined || exec !== undefined) return;
    context.issues.push({
      code: "custom",
      input: context.value,
      message: "found neither, expected `httpGet` or `exec`",
      params: { hint: "add `httpGet` with `path` and `port`, or `exec` with `command`" },
    });
  });

const container = z.strictObject({
  image: text,
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  variables: z
    .record(z.string().regex(/^[^=]+$/, { error: "a name without `=`" }), z.string())
    .optional(),
  files: z.union([z.array(listedFile), z.record(z.string(), file)]).optional(),
  volumes: z.union([z.array(listedVolume), z.record(z.string(), volume)]).optional(),
  before: z
    .record(label, z.strictObject({ ready: z.enum(["started", "healthy", "complete"]) }))
    .optional(),
  resources: z.strictObject({ limits: limits.optional(), requests: limits.optional() }).optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
});

const servicePort = z.strictObject({
  port,
  protocol: z.enum(["TCP", "UDP"]).optional(),
  targetPort: port.optional(),
});

const resource = z.strictObject({
  type: typeName,
  class: typeName.optional(),
  id: resourceId.optional(),
  metadata: z.looseObject({ annotations: annotations.optional() }).optional(),
  params: z.looseObject({}).optional(),
});

export const scoreSchema = z.strictObject({
  apiVersion: z.string().regex(/^score\.dev\/v1b1$/, { error: "`score.dev/v1b1`" }),
  metadata: z.looseObject({ name: label, annotations: annotations.optional() }),
  service: z.strictObject({ ports: z.record(label, servicePort).optional() }).optional(),
  containers: z.record(label, container).check((context) => {
    if (Object.keys(context.value).length > 0) return;
    context.issues.push({
      code: "custom",
      input: context.value,
      message: "found no container, expected at least one",
      params: { hint: "add a container with its `image`" },
    });
  }),
  resources: z.record(label, resource).optional(),
});

export const isLabel = (value: string): boolean => labelPattern.test(value);
