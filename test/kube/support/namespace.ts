/** A test's own corner of the shared API server: a namespace, and everything a step type needs to act in it. */
import { randomUUID } from "node:crypto";
import { objectPath } from "../../../src/execute/kube/discovery.ts";
import { readManifest } from "../../../src/execute/kube/manifest.ts";
import { readObject, referenceOf, type KubeObject } from "../../../src/execute/kube/object.ts";
import { getObject, locate } from "../../../src/execute/kube/objects.ts";
import { openClusters, type ClusterSettings } from "../../../src/execute/kube/clusters.ts";
import { isSame, type Entry, type Inventory } from "../../../src/execute/kube/inventory.ts";
import { createWatchHub, type WatchHub } from "../../../src/execute/kube/watch-hub.ts";
import { createKubernetes } from "../../../src/execute/steps/kubernetes.ts";
import type { Cluster } from "../../../src/execute/kube/cluster.ts";
import type { StepContext, StepExecutor, StepResult } from "../../../src/execute/step-type.ts";
import { WaitingError } from "../../../src/model/errors.ts";
import type { JsonRecord } from "../../../src/model/json.ts";
import { performOnce, runningClock } from "../../support/step.ts";

export interface KubeAccessFile {
  readonly kubeconfigFile: string;
}

export const clusterAs = (
  { kubeconfigFile }: KubeAccessFile,
  user: "admin" | "controller",
): ClusterSettings => ({
  name: "test",
  source: { kind: "kubeconfig", file: kubeconfigFile, context: user },
  environments: ["*"],
  impersonate: {},
});

export interface Corner {
  readonly namespace: string;
  readonly cluster: Cluster;
  readonly inventory: Inventory;
  readonly watches: WatchHub;
  readonly executor: StepExecutor;
  /** Requests made by the step type so far, `GET /api/…`. */
  readonly calls: string[];
  /** Once. */
  perform(config: JsonRecord, more?: Partial<StepContext>, logged?: string[]): Promise<StepResult>;
  /** Looks again, as the controller does, as long as it waits. */
  settle(config: JsonRecord, more?: Partial<StepContext>, logged?: string[]): Promise<StepResult>;
  /** As an administrator, past the step type. */
  read(apiVersion: string, kind: string, name: string): Promise<KubeObject | undefined>;
  /** As somebody else. */
  apply(manifest: string, manager?: string): Promise<KubeObject>;
  patch(apiVersion: string, kind: string, name: string, body: object, sub?: string): Promise<void>;
  remove(apiVersion: string, kind: string, name: string): Promise<void>;
}

const { signal } = new AbortController();

export async function openCorner(
  access: KubeAccessFile,
  settings: ClusterSettings = clusterAs(access, "admin"),
): Promise<Corner> {
  const namespace = `test-${randomUUID().slice(0, 8)}`;
  const calls: string[] = [];
  const clusters = openClusters([settings], {
    onCall: ({ method, path }) => void calls.push(`${method} ${path}`),
  });
  const admin = adminOf(access);
  const watches = createWatchHub();
  const inventory = memoryInventory();
  const executor = createKubernetes({ clusters, inventory, watches });
  const path = async (apiVersion: string, kind: string, name: string) => {
    const wanted = { apiVersion, kind, namespace: undefined, name };
    const { kind: found, reference } = await locate(admin, wanted, namespace, signal);
    return { found, reference };
  };
  const perform: Corner["perform"] = (config, more = {}, logged = []) =>
    performOnce(executor, { namespace, ...config }, more, logged);
  const corner: Corner = {
    namespace,
    cluster: admin,
    inventory,
    watches,
    executor,
    calls,
    perform,
    async settle(config, more, logged) {
      for (let tries = 0; ; tries++) {
        try {
          return await perform(config, more, logged);
        } catch (error) {
          if (!(error instanceof WaitingError) || tries > 200) throw error;
          await runningClock.sleep(50, signal);
        }
      }
    },
    async read(apiVersion, kind, name) {
      const { found, reference } = await path(apiVersion, kind, name);
      return getObject(admin, found, reference, signal);
    },
    async apply(manifest, manager = "a-person") {
      const [object] = readManifest(manifest);
      if (object === undefined) throw new Error("the manifest is empty");
      return applyAs(admin, object, namespace, manager);
    },
    async patch(apiVersion, kind, name, body, sub = "") {
      const { found, reference } = await path(apiVersion, kind, name);
      await admin.call(
        {
          method: "PATCH",
          path: `${objectPath(found, reference)}${sub}`,
          contentType: "application/merge-patch+json",
          body: { ...body },
        },
        signal,
      );
    },
    async remove(apiVersion, kind, name) {
      const { found, reference } = await path(apiVersion, kind, name);
      await admin.call({ method: "DELETE", path: objectPath(found, reference) }, signal);
    },
  };
  await applyAs(
    admin,
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    namespace,
    "test",
  );
  return corner;
}

export function adminOf(access: KubeAccessFile): Cluster {
  const clusters = openClusters([clusterAs(access, "admin")]);
  const cluster = clusters.find({ repository: "r", environment: "e" }, undefined);
  if (cluster === undefined) throw new Error("the environment has no cluster");
  return cluster;
}

export async function applyAs(
  cluster: Cluster,
  object: KubeObject,
  namespace: string,
  manager: string,
): Promise<KubeObject> {
  const { kind, reference } = await locate(cluster, referenceOf(object), namespace, signal);
  const { body } = await cluster.call(
    {
      method: "PATCH",
      path: objectPath(kind, reference),
      query: { fieldManager: manager, force: "true" },
      contentType: "application/apply-patch+yaml",
      body: object,
    },
    signal,
  );
  return readObject(body);
}

/** As the store keeps it; that it does so is the store's own test. */
function memoryInventory(): Inventory {
  let entries: readonly (Entry & { readonly owner: string })[] = [];
  const ownerOf = (scope: object, uid: string): string => JSON.stringify([scope, uid]);
  return {
    read: async (scope, uid) => entries.filter((it) => it.owner === ownerOf(scope, uid)),
    put: async (scope, uid, added) => {
      const owner = ownerOf(scope, uid);
      for (const it of added) {
        const before = entries.find((one) => one.owner === owner && isSame(one, it));
        const now = { ...it, owner, objectUid: it.objectUid ?? before?.objectUid };
        entries =
          before === undefined
            ? [...entries, now]
            : entries.map((one) => (one === before ? now : one));
      }
    },
    forget: async (scope, uid, gone) => {
      const owner = ownerOf(scope, uid);
      entries = entries.filter((one) => one.owner !== owner || !gone.some((it) => isSame(it, one)));
    },
  };
}
