/** Tekton's objects in a cluster, by name and live; what the API server refuses is thrown as it is. */
import { z } from "zod";
import type { JsonRecord } from "../../model/json.ts";
import type { Cluster } from "../kube/cluster.ts";
import {
  collectionPath,
  findKind,
  objectPath,
  UnknownKindError,
  type ResourceKind,
} from "../kube/discovery.ts";
import { isNotFound, KubeError } from "../kube/kube-error.ts";
import type { WatchHub } from "../kube/watch-hub.ts";
import { pipelineRunSchema, taskRunSchema, type PipelineRun, type TaskRun } from "./status.ts";

export interface Place {
  readonly namespace: string;
  readonly name: string;
}

export interface LogPlace {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** All throw KubeError, or UnknownKindError where Tekton is not installed (E35). */
export interface Engine {
  create(namespace: string, manifest: JsonRecord): Promise<PipelineRun>;
  /** From the API server, not from a cache; `undefined`: it is not there. */
  read(place: Place): Promise<PipelineRun | undefined>;
  /** Ours, in a namespace. */
  list(namespace: string): Promise<readonly PipelineRun[]>;
  taskRuns(place: Place): Promise<readonly TaskRun[]>;
  /** Asks Tekton to end it; absent is done. */
  stop(place: Place, uid: string, mode: string): Promise<void>;
  /** Only the object of this UID (E5); absent is done. */
  delete(place: Place, uid: string): Promise<void>;
  /** The end of a container's log, at most `bytes` of it; empty where there is none to be had. */
  logTail(at: LogPlace, bytes: number): Promise<string>;
  /** Calls `wake` once, when the object changes after what was read. A hint: it may never come (E30). */
  follow(object: PipelineRun, key: string, wake: () => void): Promise<void>;
}

const ours = "app.kubernetes.io/managed-by=innominatus";
const items = z.object({ items: z.array(z.record(z.string(), z.json())) });

export function openEngine(cluster: Cluster, watches: WatchHub, signal: AbortSignal): Engine {
  const kindOf = (kind: string): Promise<ResourceKind> =>
    findKind(cluster, { apiVersion: "tekton.dev/v1", kind }, signal).catch(adviseInstalling);
  const collection = async (kind: string, namespace: string): Promise<string> =>
    collectionPath(await kindOf(kind), namespace);
  const pathOf = async (place: Place): Promise<string> =>
    objectPath(await kindOf("PipelineRun"), place);
  const list = async (kind: string, namespace: string, labelSelector: string) => {
    const path = await collection(kind, namespace);
    const { body } = await cluster.call({ method: "GET", path, query: { labelSelector } }, signal);
    return items.parse(body).items;
  };

  return {
    async create(namespace, manifest) {
      const path = await collection("PipelineRun", namespace);
      const { body } = await cluster.call({ method: "POST", path, body: manifest }, signal);
      return pipelineRunSchema.parse(body);
    },
    async read(place) {
      const path = await pathOf(place);
      return orAbsent(async () => {
        const { body } = await cluster.call({ method: "GET", path }, signal);
        return pipelineRunSchema.parse(body);
      });
    },
    async list(namespace) {
      const found = await list("PipelineRun", namespace, ours);
      return found.map((it) => pipelineRunSchema.parse(it));
    },
    async taskRuns({ namespace, name }) {
      const found = await list("TaskRun", namespace, `tekton.dev/pipelineRun=${name}`);
      return found.map((it) => taskRunSchema.parse(it));
    },
    async stop(place, uid, mode) {
      const body = { metadata: { uid }, spec: { status: mode } };
      const contentType = "application/merge-patch+json";
      const path = await pathOf(place);
      await orAbsent(() => cluster.call({ method: "PATCH", path, body, contentType }, signal));
    },
    async delete(place, uid) {
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions: { uid },
        propagationPolicy: "Background",
      };
      const path = await pathOf(place);
      await orAbsent(() => cluster.call({ method: "DELETE", path, body }, signal));
    },
    async logTail({ namespace, pod, container }, bytes) {
      const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/log`;
      const query = { container, tailLines: "100", limitBytes: String(bytes * 16) };
      try {
        const text = await cluster.text({ method: "GET", path, query }, signal);
        return endOf(text, bytes);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof KubeError) return ""; // the pod is gone, or its log is not for us
        throw error;
      }
    },
    async follow({ metadata }, key, wake) {
      const { namespace, name, resourceVersion } = metadata;
      const kind = await kindOf("PipelineRun");
      watches.follow({ cluster, kind, namespace, names: [name], resourceVersion, key, wake });
    },
  };
}

function adviseInstalling(error: unknown): never {
  if (!(error instanceof UnknownKindError)) throw error;
  const remedy = "install Tekton Pipelines 0.44 or later, which serves it";
  throw new UnknownKindError(`${error.message}; ${remedy}`, { cause: error });
}

/** Whole characters only. */
const endOf = (text: string, bytes: number): string =>
  Buffer.from(text)
    .subarray(-bytes)
    .toString("utf8")
    .replace(/^\uFFFD+/, "");

async function orAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
