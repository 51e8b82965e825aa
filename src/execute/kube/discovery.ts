/** Where the objects of a kind are in a cluster's API; asked once per group and version, and remembered. */
import { z } from "zod";
import type { Cluster } from "./cluster.ts";
import { isNotFound } from "./kube-error.ts";
import type { ObjectReference } from "./object.ts";

export interface ResourceKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** The cluster does not know the kind: its CRD is not installed, or its API group is not served. */
export class UnknownKindError extends Error {
  override readonly name = "UnknownKindError";
}

const resourceList = z.object({
  resources: z.array(
    z.object({
      name: z.string(),
      singularName: z.string().default(""),
      shortNames: z.array(z.string()).default([]),
      namespaced: z.boolean(),
      kind: z.string(),
    }),
  ),
});

type Listed = z.infer<typeof resourceList>["resources"];

/** By cluster, then by group and version. What is missing is asked for anew each time. */
const known = new WeakMap<Cluster, Map<string, Promise<Listed>>>();

/** @throws {UnknownKindError} @throws {KubeError} */
export async function findKind(
  cluster: Cluster,
  { apiVersion, kind }: Pick<ObjectReference, "apiVersion" | "kind">,
  signal: AbortSignal,
): Promise<ResourceKind> {
  const found = await findIn(cluster, apiVersion, signal, (it) => it.kind === kind);
  if (found !== undefined) return found;
  throw new UnknownKindError(
    `cluster ${cluster.name} knows no ${kind} of ${apiVersion}: its CRD, or what serves it, is not installed`,
  );
}

/** By what people type: kind, plural, singular or short name. `undefined`: this version has none. */
export function findByWord(
  cluster: Cluster,
  apiVersion: string,
  word: string,
  signal: AbortSignal,
): Promise<ResourceKind | undefined> {
  const wanted = word.toLowerCase();
  return findIn(cluster, apiVersion, signal, ({ name, kind, singularName, shortNames }) =>
    [name, kind.toLowerCase(), singularName, ...shortNames].includes(wanted),
  );
}

async function findIn(
  cluster: Cluster,
  apiVersion: string,
  signal: AbortSignal,
  matches: (it: Listed[number]) => boolean,
): Promise<ResourceKind | undefined> {
  const pick = (listed: Listed) => listed.find((it) => !it.name.includes("/") && matches(it));
  const isNew = !versionsOf(cluster).has(apiVersion);
  let found = pick(await list(cluster, apiVersion, signal));
  if (found === undefined && !isNew) {
    // A CRD may have come since.
    versionsOf(cluster).delete(apiVersion);
    found = pick(await list(cluster, apiVersion, signal));
  }
  if (found === undefined) {
    versionsOf(cluster).delete(apiVersion);
    return undefined;
  }
  return { apiVersion, kind: found.kind, plural: found.name, namespaced: found.namespaced };
}

const versionsOf = (cluster: Cluster): Map<string, Promise<Listed>> => {
  const versions = known.get(cluster) ?? new Map<string, Promise<Listed>>();
  known.set(cluster, versions);
  return versions;
};

/** Asked once, also by many at a time. */
function list(cluster: Cluster, apiVersion: string, signal: AbortSignal): Promise<Listed> {
  const versions = versionsOf(cluster);
  const before = versions.get(apiVersion);
  if (before !== undefined) return before;
  const asked = ask(cluster, apiVersion, signal);
  versions.set(apiVersion, asked);
  asked.catch(() => versions.delete(apiVersion));
  return asked;
}

async function ask(cluster: Cluster, apiVersion: string, signal: AbortSignal): Promise<Listed> {
  try {
    const { body } = await cluster.call({ method: "GET", path: rootOf(apiVersion) }, signal);
    return resourceList.parse(body).resources;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

const rootOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** Path of the objects of a kind in a namespace. */
export function collectionPath(
  { apiVersion, plural, namespaced }: ResourceKind,
  namespace: string | undefined,
): string {
  const inNamespace =
    namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${rootOf(apiVersion)}${inNamespace}/${plural}`;
}

export const objectPath = (
  kind: ResourceKind,
  { namespace, name }: Pick<ObjectReference, "namespace" | "name">,
): string => `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
