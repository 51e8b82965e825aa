/**
 * What the API server itself says that a plan would change: each manifest of the plan's `apply` steps
 * as a server-side dry-run. Nothing is changed, and no run is begun.
 */
import type { Clusters } from "../execute/kube/clusters.ts";
import type { Cluster } from "../execute/kube/cluster.ts";
import { toStepError } from "../execute/kube/failure.ts";
import { isNotFound } from "../execute/kube/kube-error.ts";
import { readManifest } from "../execute/kube/manifest.ts";
import { nameOf, referenceOf, type KubeObject } from "../execute/kube/object.ts";
import { getObject, locate, serverSideApply } from "../execute/kube/objects.ts";
import { ownerText, withMarks } from "../execute/kube/ownership.ts";
import { withoutValues } from "../execute/kube/secret-values.ts";
import { renderConfig } from "../execute/render.ts";
import { kubernetesConfig, type ApplyConfig } from "../execute/steps/kubernetes-config.ts";
import type { Json, JsonRecord } from "../model/json.ts";
import type { Change } from "../model/plan.ts";
import type { Desired } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { WorkflowStep } from "../model/workflow.ts";
import { diff } from "../plan/changes.ts";
import { engineInputs } from "../provider/engine-inputs.ts";
import { bindParameters } from "../provider/parameters.ts";
import type { Look } from "./look.ts";
import { z } from "zod";

export interface ServerChange {
  readonly uid: Uid;
  readonly step: string;
  /** `ConfigMap shop/settings`; empty where the manifest cannot be told yet. */
  readonly object: string;
  readonly state: "created" | "changed" | "unchanged" | "refused" | "unknown";
  readonly changes: readonly Change[];
  readonly message: string;
}

export async function planOnServer(
  clusters: Clusters,
  scope: Scope,
  { plan, input }: Look,
  signal: AbortSignal,
): Promise<readonly ServerChange[]> {
  const found: ServerChange[] = [];
  for (const { uid, operation } of plan.operations) {
    const desired = input.desired.find((it) => it.uid === uid);
    if (desired === undefined || (operation !== "create" && operation !== "update")) continue;
    const workflow = desired.bundle.workflows[operation];
    const cluster = clusters.find(scope, desired.bundle.provider);
    if (workflow === undefined || cluster === undefined) continue;
    const outputs = input.recorded.find((it) => it.uid === uid)?.outputs ?? {};
    const engine = engineInputs({ ...desired, ...scope });
    const bound = bindParameters(workflow, { engine, params: desired.params, outputs });
    for (const step of workflow.steps) {
      if (step.type !== "kubernetes") continue;
      const on = { cluster, scope, desired, step, signal };
      found.push(...(await planStep(on, bound.values)));
    }
  }
  return found;
}

interface On {
  readonly cluster: Cluster;
  readonly scope: Scope;
  readonly desired: Desired;
  readonly step: WorkflowStep;
  readonly signal: AbortSignal;
}

async function planStep(on: On, parameters: JsonRecord): Promise<readonly ServerChange[]> {
  const { desired, step, signal } = on;
  const { operation } = step.config;
  if (typeof operation === "string" && !/apply|create$|update|\{\{/.test(operation)) return [];
  try {
    const data = { parameters, steps: {}, now: "" };
    const rendered = renderConfig(step.name, step.config, { "/manifest": "yaml" }, data);
    const config = kubernetesConfig.safeParse(rendered);
    if (!config.success || config.data.operation !== "apply") return [];
    const planned: ServerChange[] = [];
    for (const object of readManifest(config.data.manifest)) {
      planned.push(await planObject(on, config.data, object));
    }
    return planned;
  } catch (error) {
    signal.throwIfAborted();
    // It is made of what earlier steps give, which is known only when they have run.
    const message = error instanceof Error ? error.message : String(error);
    const { uid } = desired;
    return [{ uid, step: step.name, object: "", state: "unknown", changes: [], message }];
  }
}

async function planObject(
  { cluster, scope, desired, step, signal }: On,
  { namespace = "default", force }: ApplyConfig,
  object: KubeObject,
): Promise<ServerChange> {
  let name = nameOf(referenceOf(object));
  const told = (state: ServerChange["state"], message = "", changes: readonly Change[] = []) => {
    return { uid: desired.uid, step: step.name, object: name, state, changes, message };
  };
  let isNew = false;
  try {
    const { kind, reference } = await locate(cluster, referenceOf(object), namespace, signal);
    name = nameOf(reference);
    const place = reference.namespace === undefined ? {} : { namespace: reference.namespace };
    const placed = { ...object, metadata: { ...object.metadata, ...place } };
    const before = await getObject(cluster, kind, reference, signal);
    isNew = before === undefined && kind.namespaced;
    const marked = withMarks(placed, ownerText(scope, desired.uid), "plan");
    const options = { force, dryRun: true };
    const { object: after } = await serverSideApply(cluster, kind, marked, options, signal);
    if (before === undefined) return told("created");
    const changes = diff(comparable(before), comparable(after));
    return told(changes.length > 0 ? "changed" : "unchanged", "", changes);
  } catch (error) {
    signal.throwIfAborted();
    // A dry-run makes no namespace, and without one the server looks no further.
    if (isNew && isNotFound(error)) return told("created", "its namespace is not there yet");
    const refused = toStepError(error, "dry-run", false);
    return told("refused", refused instanceof Error ? refused.message : String(refused));
  }
}

const record = z.record(z.string(), z.json());

/** Without what changes with every write, and without secret values. */
function comparable(object: KubeObject): Json {
  const shown = object.kind === "Secret" ? withoutValues(object) : object;
  const { labels, annotations } = shown.metadata;
  const { "innominatus.dev/run": _, ...kept } = annotations ?? {};
  const { status: __, ...rest } = record.parse({
    ...shown,
    metadata: { labels: labels ?? {}, annotations: kept },
  });
  return rest;
}
