/** A manifest's documents → objects in the order they can be made: what others need comes first. */
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { isRecord, type Json } from "../../model/json.ts";
import type { KubeObject } from "./object.ts";

/** Told with the document's number; a mistake in the provider's manifest. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

const name = z.string().min(1).max(253);

const written = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({
    name,
    namespace: name.optional(),
    labels: z.record(z.string(), z.string()).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
});

const listObject = z.looseObject({ kind: z.literal("List"), items: z.array(z.json()) });

/** @param manifest YAML text, one object, or a list of them @throws {ManifestError} */
export function readManifest(manifest: Json): readonly KubeObject[] {
  const documents =
    typeof manifest === "string"
      ? parseText(manifest)
      : Array.isArray(manifest)
        ? manifest
        : [manifest];
  const objects = documents.flatMap((document, index) => readDocument(document, index + 1));
  if (objects.length === 0) throw new ManifestError("the manifest is empty");
  const seen = new Set<string>();
  for (const { apiVersion, kind, metadata } of objects) {
    const key = JSON.stringify([apiVersion, kind, metadata.namespace ?? "", metadata.name]);
    if (seen.has(key)) throw new ManifestError(`${kind} ${metadata.name} is in the manifest twice`);
    seen.add(key);
  }
  return objects.toSorted((a, b) => rankOf(a.kind) - rankOf(b.kind));
}

function parseText(text: string): unknown[] {
  const documents = parseAllDocuments(text);
  return [...documents].flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) {
      // The library quotes the text, which may hold a secret.
      throw new ManifestError(`document ${index + 1} is no YAML (${error.code})`);
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return value === null || value === undefined ? [] : [value];
  });
}

function readDocument(document: unknown, number: number): readonly KubeObject[] {
  const list = listObject.safeParse(document);
  if (list.success) return list.data.items.flatMap((it) => readDocument(it, number));
  if (!isRecord(document)) throw new ManifestError(`document ${number} is no object`);
  const parsed = written.safeParse(document);
  if (parsed.success) return [parsed.data];
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new ManifestError(`document ${number}: ${faults.join("; ")}`);
}

/** What comes before what it is needed for; all else keeps its order in between. */
const first = [
  "Namespace",
  "CustomResourceDefinition",
  "PriorityClass",
  "StorageClass",
  "ResourceQuota",
  "LimitRange",
  "ServiceAccount",
  "ClusterRole",
  "ClusterRoleBinding",
  "Role",
  "RoleBinding",
  "NetworkPolicy",
  "Secret",
  "ConfigMap",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "Service",
];
const last = [
  "Ingress",
  "APIService",
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
];

function rankOf(kind: string): number {
  const early = first.indexOf(kind);
  if (early !== -1) return early;
  const late = last.indexOf(kind);
  return first.length + (late === -1 ? 0 : late + 1);
}
