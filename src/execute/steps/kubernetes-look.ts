/** The `kubernetes` operations that read: fields into outputs, and waiting for what an object becomes. */
import { WaitingError } from "../../model/errors.ts";
import { type Json, type JsonRecord } from "../../model/json.ts";
import { z } from "zod";
import { applyObjects, type Work } from "../kube/apply.ts";
import { failure } from "../kube/failure.ts";
import { atPath } from "../kube/json-path.ts";
import { nameOf, type KubeObject } from "../kube/object.ts";
import { getObject } from "../kube/objects.ts";
import { ownerOf } from "../kube/ownership.ts";
import { point, type Pointed, type Pointer } from "../kube/point.ts";
import { conditionsOf, readinessOf } from "../kube/ready.ts";
import { compose, keyInData, referenceTo, valuesOf, withoutValues } from "../kube/secret-values.ts";
import type { WatchHub } from "../kube/watch-hub.ts";
import type { StepContext, StepResult } from "../step-type.ts";
import type { GetConfig, PointerConfig, WaitConfig } from "./kubernetes-config.ts";

export const pointerOf = (config: PointerConfig): Pointer => ({
  apiVersion: config.apiVersion,
  word: config.kind ?? config.resource_type ?? config.resource,
  names: config.name ?? config.resource_name,
  namespace: config.namespace,
});

/** Outputs `exists` and what the paths name; what is in a Secret only as references. */
export async function getObjectFields(
  work: Work,
  config: GetConfig,
  context: StepContext,
): Promise<StepResult> {
  const pointed = await point(work.cluster, pointerOf(config), work.signal);
  const object = await findFirst(work, pointed);
  if (object === undefined) {
    if (config.optional) return { outputs: { exists: false }, sensitive: [] };
    throw failure("ResultsMissing", true, false, `${named(pointed)} is not there`);
  }
  const outputs = fieldsOf(object, config.outputs);
  const composed =
    config.compose === undefined ? {} : await composeSecret(work, config.compose, object, context);
  const { name, namespace } = object.metadata;
  const place = namespace === undefined ? {} : { namespace };
  return { outputs: { exists: true, name, ...place, ...outputs, ...composed }, sensitive: [] };
}

/** Holds no worker: a watch wakes it, and a poll finds what the watch missed. */
export async function waitForObject(
  work: Work,
  watches: WatchHub,
  config: WaitConfig,
  { key, wake, elapsedMs }: StepContext,
): Promise<StepResult> {
  const { cluster, signal } = work;
  const pointed = await point(cluster, pointerOf(config), signal);
  const object = await findFirst(work, pointed);
  if (config.for !== "deleted") await expectNotTaken(work, pointed, object);
  for (const it of config.failure) {
    const judged = judge(it, object);
    if (judged.met) {
      const detail = `${named(pointed, object)} has come to ${it}${sign(object)}`;
      throw failure("TaskFailed", true, true, detail);
    }
  }
  const judged = judge(config.for, object);
  if (judged.failed)
    throw failure("TaskFailed", true, true, `${named(pointed, object)}: ${judged.message}`);
  const settleMs = config.settle - elapsedMs;
  if (judged.met && settleMs <= 0) {
    const outputs = object === undefined ? {} : fieldsOf(object, config.outputs);
    return { outputs, sensitive: [] };
  }
  const { kind, namespace, names } = pointed;
  const resourceVersion = object?.metadata.resourceVersion ?? "0";
  watches.follow({ cluster, kind, namespace, names, resourceVersion, key, wake });
  throw new WaitingError(
    "ObjectNotReady",
    `waiting for ${named(pointed, object)}: ${judged.met ? "it may yet change" : judged.message}`,
    judged.met ? Math.min(settleMs, config.poll) : config.poll,
  );
}

/** E19: what was made for the resource is gone, or another has its name. @throws StepFailedError */
async function expectNotTaken(
  { cluster, inventory, scope, uid }: Work,
  { kind, namespace, names }: Pointed,
  object: KubeObject | undefined,
): Promise<void> {
  if (object !== undefined && ownerOf(object) === undefined) return;
  const made = (await inventory.read(scope, uid)).find(
    (it) =>
      it.cluster === cluster.name &&
      it.kind === kind.kind &&
      it.namespace === namespace &&
      names.includes(it.name),
  );
  if (made?.objectUid === undefined || made.objectUid === object?.metadata.uid) return;
  const what = nameOf({ kind: kind.kind, namespace, name: made.name });
  const detail = `${what} was deleted by somebody else while it was waited for`;
  throw failure("ExternallyDeleted", true, true, detail);
}

export async function findFirst(
  { cluster, signal }: Work,
  { kind, namespace, names }: Pointed,
): Promise<KubeObject | undefined> {
  for (const name of names) {
    const found = await getObject(cluster, kind, { namespace, name }, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const named = ({ kind, namespace, names }: Pointed, object?: KubeObject): string =>
  nameOf({ kind: kind.kind, namespace, name: object?.metadata.name ?? names.join(" or ") });

/** @throws StepFailedError for a path that leads nowhere */
function fieldsOf(object: KubeObject, paths: Readonly<Record<string, string>>): JsonRecord {
  const isSecret = object.kind === "Secret" && object.apiVersion === "v1";
  const shown = record.parse(isSecret ? withoutValues(object) : object);
  return Object.fromEntries(
    Object.entries(paths).map(([output, path]): [string, Json] => {
      const key = isSecret ? keyInData(path) : undefined;
      if (key !== undefined) return [output, referenceTo(object, key)];
      const value = pathIn(shown, path);
      if (value !== undefined) return [output, value];
      const name = `${object.kind} ${object.metadata.name}`;
      throw failure("ResultsMissing", true, false, `${name} has nothing at ${path}`);
    }),
  );
}

const record = z.record(z.string(), z.json());

function pathIn(object: JsonRecord, path: string): Json | undefined {
  try {
    return atPath(object, path);
  } catch (error) {
    throw failure("ConfigurationError", false, false, `${path} is no JSONPath`, error);
  }
}

/** What stands beside a password and is none: masking it would hide half of every message. */
const shownKeys: ReadonlySet<string> = new Set([
  "username",
  "user",
  "host",
  "port",
  "database",
  "dbname",
]);

async function composeSecret(
  work: Work,
  wanted: NonNullable<GetConfig["compose"]>,
  source: KubeObject,
  { masker, name: step }: StepContext,
): Promise<JsonRecord> {
  const values = valuesOf(source);
  for (const [key, it] of Object.entries(values)) if (!shownKeys.has(key)) masker.add(it);
  const data = Object.entries(wanted.data).map(([key, template]) => {
    const value = compose(template, values);
    masker.add(value);
    return [key, Buffer.from(value, "utf8").toString("base64")] as const;
  });
  const namespace = wanted.namespace ?? source.metadata.namespace ?? "default";
  const object = {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata: { name: wanted.name, namespace },
    data: Object.fromEntries(data),
  };
  const wish = {
    objects: [object],
    namespace,
    keeper: step,
    force: false,
    adopt: false,
    prune: true,
  };
  const [made] = await applyObjects(work, wish);
  if (made === undefined) return {};
  return Object.fromEntries(Object.keys(wanted.data).map((key) => [key, referenceTo(made, key)]));
}

interface Judged {
  readonly met: boolean;
  readonly failed: boolean;
  readonly message: string;
}

/** @throws StepFailedError for a wish of no known form */
function judge(wish: string, object: KubeObject | undefined): Judged {
  const is = (met: boolean, message: string): Judged => ({ met, failed: false, message });
  if (wish === "deleted") return is(object === undefined, "it is still there");
  if (object === undefined) return is(false, "it is not there");
  if (wish === "exists") return is(true, "");
  if (wish === "ready") {
    const readiness = readinessOf(object);
    if (readiness.state === "ready") return is(true, "");
    return { met: false, failed: readiness.state === "failed", message: readiness.message };
  }
  const behind = progressOf(object);
  if (behind !== undefined) return is(false, behind);
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(wish);
  if (condition !== null) {
    const [, type = "", status = "True"] = condition;
    const found = conditionsOf(object).find((it) => it.type.toLowerCase() === type.toLowerCase());
    const told =
      found === undefined
        ? "not set"
        : [found.status, found.reason, found.message].filter((it) => it !== "").join(": ");
    return is(found?.status.toLowerCase() === status.toLowerCase(), `${type} is ${told}`);
  }
  const path = /^jsonpath=(\{.+\}|[^{].*?)(?:=(.*))?$/s.exec(wish);
  if (path !== null) {
    const [, where = "", wanted] = path;
    const value = pathIn(record.parse(withoutSecrets(object)), where);
    const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
    const met = value !== undefined && (wanted === undefined || text === wanted);
    return is(met, `${where} is ${value === undefined ? "not set" : text}`);
  }
  const detail = `nothing can be waited for as "${wish}"; write ready, exists, deleted, condition=Type or jsonpath={.path}=value`;
  throw failure("ConfigurationError", false, false, detail);
}

const generations = z.looseObject({ observedGeneration: z.number() });

/** What its status says is of an earlier spec; `undefined`: it is of this one, or does not tell. */
function progressOf(object: KubeObject): string | undefined {
  const status = generations.safeParse(object["status"] ?? {});
  const { generation } = object.metadata;
  if (!status.success || generation === undefined) return undefined;
  return status.data.observedGeneration < generation
    ? "its controller has not seen the change yet"
    : undefined;
}

const withoutSecrets = (object: KubeObject): KubeObject =>
  object.kind === "Secret" ? withoutValues(object) : object;

/** What the object itself says of why. */
function sign(object: KubeObject | undefined): string {
  const found =
    object === undefined ? [] : conditionsOf(object).filter((it) => it.status !== "True");
  const told = found.map(({ type, reason, message }) =>
    [type, reason, message].filter((it) => it !== "").join(": "),
  );
  return told.length === 0 ? "" : ` (${told.join("; ")})`;
}
