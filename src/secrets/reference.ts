/** Pointers to secret values: what everybody sees in place of the value (DESIGN.md §5, law 7). */
import { partsOf, type Scope, type Uid } from "../model/uid.ts";

/** A value in the built-in store. */
export interface StoredReference {
  readonly kind: "secret";
  readonly environment: string;
  /** `shared` for a resource of several workloads. */
  readonly workload: string;
  /** Name under the workload or, of a shared one, `type.class.id`. */
  readonly resource: string;
  readonly key: string;
}

/** A value in a Kubernetes Secret. */
export interface KubernetesReference {
  readonly kind: "k8s";
  readonly namespace: string;
  readonly secret: string;
  readonly key: string;
}

export type SecretReference = StoredReference | KubernetesReference;

/** `secret://environment/workload/resource/key` or `k8s://namespace/secret/key`, each part percent-encoded. */
export function formatReference(reference: SecretReference): string {
  const parts =
    reference.kind === "secret"
      ? [reference.environment, reference.workload, reference.resource, reference.key]
      : [reference.namespace, reference.secret, reference.key];
  return `${reference.kind}://${parts.map(encodeURIComponent).join("/")}`;
}

/** `undefined` for text that is no reference. */
export function parseReference(text: string): SecretReference | undefined {
  const match = /^(secret|k8s):\/\/(.+)$/s.exec(text);
  const parts = match?.[2]?.split("/").map(decoded) ?? [];
  if (!parts.every((it) => it !== undefined && it !== "")) return undefined;
  const [first = "", second = "", third = "", fourth = ""] = parts;
  if (match?.[1] === "k8s" && parts.length === 3) {
    return { kind: "k8s", namespace: first, secret: second, key: third };
  }
  if (match?.[1] === "secret" && parts.length === 4) {
    return { kind: "secret", environment: first, workload: second, resource: third, key: fourth };
  }
  return undefined;
}

/** A value that is itself a reference into a Kubernetes Secret. */
export const isPointer = (value: unknown): value is string =>
  typeof value === "string" && parseReference(value)?.kind === "k8s";

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The reference to the value of a resource's output `key` in the built-in store. */
export function referenceFor(scope: Scope, uid: Uid, key: string): string {
  const { type, class: resourceClass, id } = partsOf(uid);
  const dot = id.indexOf(".");
  const owner =
    dot === -1
      ? { workload: "shared", resource: `${type}.${resourceClass}.${id}` }
      : { workload: id.slice(0, dot), resource: id.slice(dot + 1) };
  return formatReference({ kind: "secret", environment: scope.environment, ...owner, key });
}
