/** What people write to point at an object — kind or plural, with or without its group — → where it is. */
import type { Cluster } from "./cluster.ts";
import { findByWord, type ResourceKind, UnknownKindError } from "./discovery.ts";
import { failure } from "./failure.ts";

export interface Pointer {
  readonly apiVersion?: string | undefined;
  readonly word: string | undefined;
  readonly names: readonly string[] | undefined;
  readonly namespace: string | undefined;
}

export interface Pointed {
  readonly kind: ResourceKind;
  /** Of a kind that has one. */
  readonly namespace: string | undefined;
  readonly names: readonly string[];
}

/** Where a kind is looked for when nothing says its group. */
const usual = ["v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1"];

/** @throws UnknownKindError @throws StepFailedError ConfigurationError */
export async function point(
  cluster: Cluster,
  { apiVersion, word, names, namespace }: Pointer,
  signal: AbortSignal,
): Promise<Pointed> {
  // `kind/name`, as people type it.
  const [kindWord, inWord] = word?.split("/") ?? [];
  const wanted = names ?? (inWord === undefined ? undefined : [inWord]);
  if (kindWord === undefined || wanted === undefined) {
    throw failure("ConfigurationError", false, false, "say `kind` and `name` of the object");
  }
  for (const version of apiVersion === undefined ? usual : [apiVersion]) {
    const kind = await findByWord(cluster, version, kindWord, signal);
    if (kind === undefined) continue;
    return {
      kind,
      names: wanted,
      namespace: kind.namespaced ? (namespace ?? "default") : undefined,
    };
  }
  const where = apiVersion ?? usual.join(", ");
  throw new UnknownKindError(`cluster ${cluster.name} knows no ${kindWord} of ${where}`);
}
