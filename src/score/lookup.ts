/** What a reference stands for: a workload's metadata, or an output of one of its resources. */
import { isRecord, own, type Json, type JsonRecord } from "../model/json.ts";
import type { Lookup, Resolved } from "./placeholders.ts";

export interface Known {
  readonly metadata: JsonRecord;
  /** Outputs by resource name; `undefined` for a resource that is not declared. */
  readonly outputs: (resource: string) => JsonRecord | undefined;
}

export function lookupIn({ metadata, outputs }: Known): Lookup {
  return ({ path }) => {
    const [root, name, ...rest] = path;
    if (root === "metadata") {
      return name === undefined
        ? fault("a key of the metadata is missing, like `metadata.name`")
        : find(metadata, [name, ...rest]);
    }
    if (root !== "resources") {
      return fault("starts with neither `metadata` nor `resources`; write `$${…}` for plain text");
    }
    if (name === undefined) return fault("the name of a resource is missing");
    const known = outputs(name);
    if (known === undefined) return fault(`there is no resource \`${name}\``);
    if (rest.length === 0) return fault(`names no output of the resource \`${name}\``);
    return find(known, rest);
  };
}

/** For a first pass over a workload (`substitutePartly`): resources stay as written. */
export function lookupInMetadata(metadata: JsonRecord): Lookup {
  const lookup = lookupIn({ metadata, outputs: () => undefined });
  return (reference) => (reference.path[0] === "resources" ? { kind: "keep" } : lookup(reference));
}

function find(from: JsonRecord, keys: readonly string[]): Resolved {
  let here: Json = from;
  for (const key of keys) {
    if (!isRecord(here)) return fault(`cannot look up \`${key}\` in something that is no mapping`);
    const child: Json | undefined = own(here, key);
    if (child === undefined) return fault(`key \`${key}\` not found`);
    here = child;
  }
  return { kind: "value", value: here };
}

const fault = (message: string): Resolved => ({ kind: "fault", message });
