/** What a `kubernetes` step's config may say, by operation; in upstream's spellings too (compat.md §1). */
import { z } from "zod";
import { duration } from "../config-fields.ts";

const flag = z.union([z.boolean(), z.stringbool()]);
const text = z.string().min(1);
const names = z.union([text.transform((it) => [it]), z.array(text).min(1)]);
const propagation = z.enum(["Foreground", "Background", "Orphan"]).default("Background");
const manifest = z.union([
  text,
  z.record(z.string(), z.json()),
  z.array(z.record(z.string(), z.json())).min(1),
]);

/** One object, or the first that is there of several names. */
const pointer = {
  apiVersion: text.optional(),
  /** Kind, plural, singular or short name. */
  kind: text.optional(),
  name: names.optional(),
  namespace: text.optional(),
  // Upstream's words for `kind` and `name`.
  resource_type: text.optional(),
  resource_name: names.optional(),
  resource: text.optional(),
};

const jsonPaths = z.record(z.string(), text).default({});

/** A Secret of ours, put together of what was read: `$(key)` and `$(key|urlencode)` stand for values. */
const composed = z.strictObject({
  name: text,
  namespace: text.optional(),
  data: z.record(z.string().regex(/^[-._a-zA-Z0-9]+$/), z.string()),
});

const apply = z.strictObject({
  operation: z.enum(["apply", "create", "update"]).transform(() => "apply" as const),
  manifest,
  namespace: text.optional(),
  /** Takes over fields that others manage. */
  force: flag.default(false),
  /** Takes over objects that exist and are nobody's that we know of. */
  adopt: flag.default(false),
  prune: flag.default(true),
  /** Whose earlier manifest this one replaces; the step's name by default. */
  inventory: text.optional(),
});

const remove = z.strictObject({
  operation: z.literal("delete"),
  /** Everything that the resource's steps have made; or of one keeper. */
  inventory: z.union([flag, text]).optional(),
  manifest: manifest.optional(),
  ...pointer,
  adopt: flag.default(false),
  propagation,
  wait: flag.default(true),
});

const get = z.strictObject({
  operation: z.literal("get"),
  ...pointer,
  outputs: jsonPaths,
  compose: composed.optional(),
  /** Absent: `exists` is false, and there are no other outputs. */
  optional: flag.default(false),
});

const wait = z.strictObject({
  operation: z.literal("wait"),
  ...pointer,
  /** `ready`, `exists`, `deleted`, `condition=Type[=Status]`, or `jsonpath={.path}=value`. */
  for: text.default("ready"),
  /** Of the same forms: it has failed, and waiting is of no use. */
  failure: names.default([]),
  outputs: jsonPaths,
  /** How often it is looked at, beside the watch. */
  poll: duration.default(10_000),
  /** For what tells no observedGeneration: what it says within so long after the step began may be old. */
  settle: duration.default(0),
});

/** Signs in to a PostgreSQL server with a Secret's `username` and `password`. */
const connect = z.strictObject({
  operation: z.literal("connect"),
  ...pointer,
  host: text,
  port: z.coerce.number().int().min(1).max(65_535).default(5_432),
  database: text,
  tls: flag.default(true),
});

const createNamespace = z.strictObject({
  operation: z.literal("create-namespace"),
  namespace: text.optional(),
  name: text.optional(),
  labels: z.record(z.string(), z.string()).default({}),
});

export const kubernetesConfig = z
  .looseObject({ operation: z.string().default("apply") })
  .pipe(z.discriminatedUnion("operation", [apply, remove, get, wait, connect, createNamespace]));

export type KubernetesConfig = z.output<typeof kubernetesConfig>;
type Of<O extends KubernetesConfig["operation"]> = Extract<
  KubernetesConfig,
  { readonly operation: O }
>;
export type ApplyConfig = Of<"apply">;
export type DeleteConfig = Of<"delete">;
export type GetConfig = Of<"get">;
export type WaitConfig = Of<"wait">;
export type ConnectConfig = Of<"connect">;
export type NamespaceConfig = Of<"create-namespace">;
export type PointerConfig = Pick<
  GetConfig,
  "apiVersion" | "kind" | "name" | "namespace" | "resource" | "resource_type" | "resource_name"
>;
