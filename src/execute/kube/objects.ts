/** The calls on single objects that everything here is made of. */
import type { Cluster } from "./cluster.ts";
import { findKind, objectPath, type ResourceKind } from "./discovery.ts";
import { isNotFound, KubeError } from "./kube-error.ts";
import { readObject, type KubeObject, type ObjectReference } from "./object.ts";

/** Field manager of all we apply, in every cluster. */
const fieldManager = "innominatus";

/** `undefined`: it is not there. */
export async function getObject(
  cluster: Cluster,
  kind: ResourceKind,
  reference: Pick<ObjectReference, "namespace" | "name">,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    const path = objectPath(kind, reference);
    return readObject((await cluster.call({ method: "GET", path }, signal)).body);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export interface ApplyOptions {
  /** Takes fields from other managers. */
  readonly force: boolean;
  /** The server says what it would do, and does nothing. */
  readonly dryRun?: boolean;
}

/** @returns the object as it is now, and whether it was not there before */
export async function serverSideApply(
  cluster: Cluster,
  kind: ResourceKind,
  object: Readonly<Record<string, unknown>> & Pick<KubeObject, "metadata">,
  { force, dryRun = false }: ApplyOptions,
  signal: AbortSignal,
): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
  const { status, body } = await cluster.call(
    {
      method: "PATCH",
      path: objectPath(kind, { namespace: object.metadata.namespace, name: object.metadata.name }),
      query: {
        fieldManager,
        force: String(force),
        fieldValidation: "Strict",
        ...(dryRun ? { dryRun: "All" } : {}),
      },
      contentType: "application/apply-patch+yaml",
      body: object,
    },
    signal,
  );
  return { object: readObject(body), created: status === 201 };
}

export type Propagation = "Foreground" | "Background" | "Orphan";

/** Deletes the object of this UID and no other (E5). @returns false when it is not there any more */
export async function deleteObject(
  cluster: Cluster,
  kind: ResourceKind,
  reference: Pick<ObjectReference, "namespace" | "name">,
  uid: string,
  propagationPolicy: Propagation,
  signal: AbortSignal,
): Promise<boolean> {
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy,
    preconditions: { uid },
  };
  try {
    await cluster.call({ method: "DELETE", path: objectPath(kind, reference), body }, signal);
    return true;
  } catch (error) {
    // Another object has its name: the one that was meant is gone.
    if (isNotFound(error) || (error instanceof KubeError && error.status === 409)) return false;
    throw error;
  }
}

/** Fills in the namespace of what has one. @throws UnknownKindError */
export async function locate<T extends ObjectReference>(
  cluster: Cluster,
  reference: T,
  namespace: string,
  signal: AbortSignal,
): Promise<{ readonly kind: ResourceKind; readonly reference: ObjectReference }> {
  const kind = await findKind(cluster, reference, signal);
  const { apiVersion, name } = reference;
  const place = kind.namespaced ? (reference.namespace ?? namespace) : undefined;
  return { kind, reference: { apiVersion, kind: reference.kind, namespace: place, name } };
}
