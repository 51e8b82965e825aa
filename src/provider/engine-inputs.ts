/** What the engine itself gives to every workflow, in upstream's names and ours (compat.md, engine inputs). */
import { createHash } from "node:crypto";
import type { JsonRecord } from "../model/json.ts";
import type { ResourceIdentity } from "../model/resource.ts";
import { partsOf, type Scope } from "../model/uid.ts";

const engineInputNames = [
  "app_name",
  "bucket_name",
  "db_name",
  "environment",
  "namespace",
  "resource_class",
  "resource_name",
  "resource_type",
  "team_id",
  "unique_name",
] as const;

export const isEngineInput = (name: string): boolean => engineInputNames.some((it) => it === name);

/**
 * Not to be set by a spec: what a provider makes under this name is found, changed and deleted under
 * it, so that no spec can reach another's resource by giving its name.
 */
export const isReserved = (name: string): boolean => name === "unique_name";

export function engineInputs(resource: ResourceIdentity & Scope): JsonRecord {
  const { identity, name, type, environment } = resource;
  return {
    app_name: identity,
    bucket_name: `${identity}-${name}`,
    db_name: `${identity}_${name}`.replaceAll(/[-.]/g, "_"),
    environment,
    namespace: namespaceOf(resource),
    resource_class: resource.class,
    resource_name: name,
    resource_type: type,
    team_id: "default",
    unique_name: uniqueName(resource),
  } satisfies Record<(typeof engineInputNames)[number], string>;
}

/** `<app>-<environment>`, as Kubernetes allows it; upstream's name for the environment `default`. */
export const namespaceOf = ({ identity, environment }: ResourceIdentity & Scope): string =>
  `${identity}-${environment}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");

/**
 * `<app>_<resource>_<environment>_<digest>`: at most 63 bytes of `[a-z0-9_]`, beginning with a letter,
 * the same as long as the resource lives, and never that of another resource, environment or repository.
 */
function uniqueName({ uid, repository, environment }: ResourceIdentity & Scope): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([repository, environment, uid]))
    .digest("hex")
    .slice(0, 10);
  const readable = `${partsOf(uid).id}_${environment}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replace(/^(?=\d)/, "r")
    .slice(0, 52);
  return `${readable}_${digest}`;
}
