/** The marks by which an object is known to be a resource's own. */
import type { Scope, Uid } from "../../model/uid.ts";
import type { KubeObject } from "./object.ts";

const managedBy = { "app.kubernetes.io/managed-by": "innominatus" } as const;
const resourceAnnotation = "innominatus.dev/resource";
const runAnnotation = "innominatus.dev/run";

/** As annotations name a resource: repository, environment, uid. */
export const ownerText = ({ repository, environment }: Scope, uid: Uid): string =>
  [repository, environment, uid].join("/");

export function withMarks(object: KubeObject, owner: string, run: string): KubeObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...managedBy },
      annotations: { ...metadata.annotations, [resourceAnnotation]: owner, [runAnnotation]: run },
    },
  };
}

/** `undefined`: nobody's that we know of. */
export const ownerOf = (object: KubeObject): string | undefined =>
  object.metadata.annotations?.[resourceAnnotation];
