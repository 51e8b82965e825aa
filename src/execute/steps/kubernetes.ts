/**
 * Step type `kubernetes`: objects of the environment's cluster, applied, deleted, read and waited for
 * (docs/kubernetes.md). Everything it does may be done again: an interrupted attempt is just repeated.
 */
import { applyObjects, ensureNamespace, type Work } from "../kube/apply.ts";
import type { Cluster } from "../kube/cluster.ts";
import { clusterOf, type Clusters } from "../kube/clusters.ts";
import { failure, toStepError } from "../kube/failure.ts";
import type { Inventory } from "../kube/inventory.ts";
import { readManifest } from "../kube/manifest.ts";
import { referenceOf } from "../kube/object.ts";
import { point } from "../kube/point.ts";
import { DeletingError, removeEntries, removeReferences } from "../kube/remove.ts";
import type { WatchHub } from "../kube/watch-hub.ts";
import { defineStep, type StepContext, type StepExecutor, type StepResult } from "../step-type.ts";
import {
  kubernetesConfig,
  type ApplyConfig,
  type DeleteConfig,
  type KubernetesConfig,
  type NamespaceConfig,
} from "./kubernetes-config.ts";
import { connectWithSecret } from "./kubernetes-connect.ts";
import { getObjectFields, pointerOf, waitForObject } from "./kubernetes-look.ts";

export interface KubernetesTools {
  readonly clusters: Clusters;
  readonly inventory: Inventory;
  readonly watches: WatchHub;
}

/** Where there are no clusters at all. */
export const noKubernetes: KubernetesTools = {
  clusters: { settingsOf: () => undefined, find: () => undefined },
  inventory: {
    read: async () => [],
    put: async () => undefined,
    forget: async () => undefined,
  },
  watches: { follow: () => undefined, close: () => undefined },
};

export function createKubernetes(tools: KubernetesTools): StepExecutor {
  return defineStep({
    type: "kubernetes",
    schema: kubernetesConfig,
    contexts: { "/manifest": "yaml" },
    run: (config, context) => perform(tools, config, context),
    // Applying, deleting and looking again comes to the same.
    observe: async () => ({ state: "absent" }),
  });
}

const nothing: StepResult = { outputs: {}, sensitive: [] };

async function perform(
  { clusters, inventory, watches }: KubernetesTools,
  config: KubernetesConfig,
  context: StepContext,
): Promise<StepResult> {
  const { scope, uid, run, signal, log } = context;
  const cluster = clusterOf(clusters, scope, context.provider);
  let effect = false;
  const changed = (): void => {
    effect = true;
  };
  const work: Work = { cluster, inventory, scope, uid, run, signal, log, changed };
  try {
    switch (config.operation) {
      case "apply":
        return await apply(work, config, context);
      case "create-namespace":
        return await createNamespace(work, config);
      case "delete":
        return await remove(work, config);
      case "get":
        return await getObjectFields(work, config, context);
      case "connect":
        return await connectWithSecret(work, config, context);
      case "wait":
        return await waitForObject(work, watches, config, context);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeletingError) followLingering(watches, cluster, error, context);
    throw toStepError(error, `${config.operation} in cluster ${cluster.name}`, effect);
  }
}

async function apply(work: Work, config: ApplyConfig, { name }: StepContext): Promise<StepResult> {
  const { namespace = "default", force, adopt, prune, inventory: keeper = name } = config;
  const objects = readManifest(config.manifest);
  const applied = await applyObjects(work, { objects, namespace, keeper, force, adopt, prune });
  const [first] = applied;
  if (first === undefined) return nothing;
  const { kind, metadata } = first;
  const place = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
  return {
    outputs: { kind, name: metadata.name, uid: metadata.uid ?? "", ...place },
    sensitive: [],
  };
}

async function createNamespace(work: Work, config: NamespaceConfig): Promise<StepResult> {
  const name = config.namespace ?? config.name;
  if (name === undefined) {
    throw failure("ConfigurationError", false, false, "say the `namespace` to create");
  }
  await ensureNamespace(work, name, config.labels);
  return { outputs: { namespace: name }, sensitive: [] };
}

async function remove(work: Work, config: DeleteConfig): Promise<StepResult> {
  const { cluster, inventory, scope, uid, signal } = work;
  const { propagation, wait, adopt, namespace = "default", manifest } = config;
  const options = { propagation, wait };
  const by = config.inventory;
  if (by !== undefined && by !== false) {
    const entries = (await inventory.read(scope, uid)).filter(
      (it) => it.cluster === cluster.name && (by === true || it.keeper === by),
    );
    await removeEntries(work, entries, options);
  }
  if (manifest !== undefined) {
    const references = readManifest(manifest).map(referenceOf);
    await removeReferences(work, references, namespace, adopt, options);
  }
  const pointer = pointerOf(config);
  if (pointer.word !== undefined) {
    const { kind, names, namespace: place } = await point(cluster, pointer, signal);
    const references = names.map((name) => ({
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      namespace: place,
      name,
    }));
    await removeReferences(work, references, namespace, adopt, options);
  }
  if (by === undefined && manifest === undefined && pointer.word === undefined) {
    const detail = "say what to delete: `manifest`, `inventory: true`, or `kind` and `name`";
    throw failure("ConfigurationError", false, false, detail);
  }
  return nothing;
}

/** What is being deleted is watched until it is gone; the wait itself holds no worker. */
function followLingering(
  watches: WatchHub,
  cluster: Cluster,
  { lingering }: DeletingError,
  { key, wake }: StepContext,
): void {
  for (const { kind, object } of lingering) {
    const { namespace, name, resourceVersion = "0" } = object.metadata;
    const names = [name];
    watches.follow({
      cluster,
      kind,
      namespace,
      names,
      resourceVersion,
      key: `${key} ${name}`,
      wake,
    });
  }
}
