/** A cluster with Tekton's two kinds in a test's memory: what is made stays, and the test plays the engine. */
import { openClusters, type Clusters } from "../../src/execute/kube/clusters.ts";
import type { Cluster, KubeCall } from "../../src/execute/kube/cluster.ts";
import { KubeError } from "../../src/execute/kube/kube-error.ts";
import type { KubernetesTools } from "../../src/execute/steps/kubernetes.ts";
import { noKubernetes } from "../../src/execute/steps/kubernetes.ts";
import { isRecord, type JsonRecord } from "../../src/model/json.ts";
import { z } from "zod";

export interface TektonCluster {
  readonly kubernetes: KubernetesTools;
  /** PipelineRuns, by name. */
  readonly objects: Map<string, JsonRecord>;
  /** What becomes of the next create: nobody answers it, though it took effect. */
  cut(): void;
  /** Whoever creates next finds the name taken by somebody else. */
  take(): void;
  /** The engine says so of every PipelineRun. */
  play(status: JsonRecord): void;
}

const named = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });
const kinds = [
  { name: "pipelineruns", kind: "PipelineRun", namespaced: true },
  { name: "taskruns", kind: "TaskRun", namespaced: true },
];

export function tektonCluster(): TektonCluster {
  const objects = new Map<string, JsonRecord>();
  let next: "made" | "cut" | "taken" = "made";
  let versions = 0;

  const create = (body: unknown): JsonRecord => {
    const manifest = z.record(z.string(), z.json()).parse(body);
    const { metadata } = named.parse(body);
    const how = next;
    next = "made";
    const own = z.record(z.string(), z.json()).parse(metadata);
    versions += 1;
    const identity = { uid: `uid-${versions}`, resourceVersion: String(versions) };
    const annotations = how === "taken" ? {} : own["annotations"];
    const found = objects.has(metadata.name);
    const made = { ...manifest, metadata: { ...own, ...identity, annotations: annotations ?? {} } };
    if (!found) objects.set(metadata.name, made);
    if (found || how === "taken") throw refusal(409, "AlreadyExists");
    if (how === "cut") throw refusal(0, "");
    return made;
  };
  const answer = ({ method, path, body }: KubeCall): JsonRecord => {
    if (path === "/apis/tekton.dev/v1") return { resources: kinds };
    if (method === "POST") return create(body);
    if (path.endsWith("/taskruns")) return { items: [] };
    if (path.endsWith("/pipelineruns")) return { items: [...objects.values()] };
    const object = objects.get(path.split("/").at(-1) ?? "");
    if (object === undefined) throw refusal(404, "NotFound");
    return object;
  };
  const cluster: Cluster = {
    name: "test",
    key: "test",
    call: async (call) => ({ status: 200, body: answer(call) }),
    text: async () => "",
    async *watch() {
      // Nothing is told: whoever waits finds it at its next look.
    },
  };
  const clusters: Clusters = { ...openClusters([]), find: () => cluster };
  return {
    kubernetes: { ...noKubernetes, clusters },
    objects,
    cut: () => void (next = "cut"),
    take: () => void (next = "taken"),
    play(status) {
      for (const [name, object] of objects) {
        const before = isRecord(object["status"]) ? object["status"] : {};
        objects.set(name, { ...object, status: { ...before, ...status } });
      }
    },
  };
}

const refusal = (status: number, reason: string): KubeError =>
  new KubeError("POST", { status, reason, message: reason, causes: [], retryAfterMs: undefined });
