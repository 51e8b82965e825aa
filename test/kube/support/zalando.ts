/**
 * Plays the Zalando operator on a test's API server: makes the Secret, drives the status, and may
 * fail, hang, be slow or be away. What it does not need is not there.
 */
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { Cluster } from "../../../src/execute/kube/cluster.ts";
import { isNotFound, KubeError } from "../../../src/execute/kube/kube-error.ts";
import { readManifest } from "../../../src/execute/kube/manifest.ts";
import { applyAs } from "./namespace.ts";

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: postgresqls.acid.zalan.do }
spec:
  group: acid.zalan.do
  scope: Namespaced
  names: { plural: postgresqls, singular: postgresql, kind: postgresql, shortNames: [pg] }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [teamId, numberOfInstances, postgresql, volume]
              properties:
                teamId: { type: string }
                numberOfInstances: { type: integer, minimum: 0 }
                users: { type: object, additionalProperties: { type: array, items: { type: string } } }
                databases: { type: object, additionalProperties: { type: string } }
                volume: { type: object, required: [size], properties: { size: { type: string } } }
                postgresql: { type: object, required: [version], properties: { version: { type: string } } }
                resources: { type: object, x-kubernetes-preserve-unknown-fields: true }
            status:
              type: object
              x-kubernetes-preserve-unknown-fields: true`;

export type Behaviour = "run" | "fail" | "hang" | "away";

export interface Zalando {
  behave(how: Behaviour): void;
  /** Before a cluster runs. */
  delay(ms: number): void;
  /** How it names the Secret. */
  nameSecrets(form: "current" | "old"): void;
  stop(): Promise<void>;
}

const list = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        generation: z.number(),
        uid: z.string(),
        creationTimestamp: z.string(),
      }),
      status: z.looseObject({ seen: z.number().optional() }).optional(),
    }),
  ),
});

export async function installZalando(cluster: Cluster): Promise<void> {
  const [object] = readManifest(crd);
  if (object === undefined) throw new Error("there is no CRD");
  await applyAs(cluster, object, "default", "test");
  const { signal } = new AbortController();
  for (;;) {
    try {
      await cluster.call({ method: "GET", path: "/apis/acid.zalan.do/v1/postgresqls" }, signal);
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await setTimeout(50);
    }
  }
}

export function startZalando(cluster: Cluster): Zalando {
  let how: Behaviour = "run";
  let delayMs = 0;
  let form: "current" | "old" = "current";
  const stopping = new AbortController();
  const { signal } = stopping;
  /** Path of a cluster's StatefulSet, by the cluster's UID. */
  const pods = new Map<string, string>();
  const firstSeen = new Map<string, number>();

  const look = async (): Promise<void> => {
    if (how === "away") return;
    const path = "/apis/acid.zalan.do/v1/postgresqls";
    const { items } = list.parse((await cluster.call({ method: "GET", path }, signal)).body);
    const there = new Set(items.map((it) => it.metadata.uid));
    for (const [key, path] of pods) {
      if (there.has(key)) continue;
      await cluster.call({ method: "DELETE", path }, signal);
      pods.delete(key);
    }
    for (const { metadata, status } of items) {
      if (status?.seen === metadata.generation) continue;
      const seenAt = firstSeen.get(metadata.uid) ?? Date.now();
      firstSeen.set(metadata.uid, seenAt);
      if (Date.now() - seenAt < delayMs) continue;
      const word =
        how === "run"
          ? "Running"
          : how === "fail"
            ? metadata.generation === 1
              ? "CreateFailed"
              : "UpdateFailed"
            : "Creating";
      if (how === "run") {
        await makeSecret(metadata.name, metadata.namespace);
        pods.set(metadata.uid, await makePods(metadata.name, metadata.namespace));
      }
      await setStatus(metadata.name, metadata.namespace, {
        PostgresClusterStatus: word,
        ...(how === "hang" ? {} : { seen: metadata.generation }),
      });
    }
  };
  const makeSecret = async (name: string, namespace: string): Promise<void> => {
    const tail = form === "current" ? ".postgresql.acid.zalan.do" : "";
    const object = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: `app.${name}.credentials${tail}`, namespace },
      stringData: { username: "app", password: `zalando-${name}-secret` },
    };
    await applyAs(cluster, object, namespace, "postgres-operator");
  };
  const makePods = async (name: string, namespace: string): Promise<string> => {
    const labels = { "cluster-name": name };
    const template = {
      metadata: { labels },
      spec: { containers: [{ name: "postgres", image: "spilo" }] },
    };
    const spec = { serviceName: name, selector: { matchLabels: labels }, template };
    const metadata = { name, namespace };
    const object = { apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec };
    await applyAs(cluster, object, namespace, "postgres-operator");
    return `/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`;
  };
  const setStatus = (name: string, namespace: string, status: object): Promise<unknown> =>
    cluster.call(
      {
        method: "PATCH",
        path: `/apis/acid.zalan.do/v1/namespaces/${namespace}/postgresqls/${name}/status`,
        contentType: "application/merge-patch+json",
        body: { status },
      },
      signal,
    );
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => {
        // The server may be away, and an object may go at any time.
        if (!signal.aborted && !(error instanceof KubeError)) throw error;
      });
      await setTimeout(50, undefined, { signal }).catch(() => undefined);
    }
  };
  const done = loop();
  return {
    behave: (it) => {
      how = it;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    nameSecrets: (it) => {
      form = it;
    },
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
