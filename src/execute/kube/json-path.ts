/** JSONPath as kubectl writes it, `{.status.phase}`, on an object. Nothing in it is run as code. */
import { JSONPath } from "jsonpath-plus";
import { z } from "zod";
import type { Json, JsonRecord } from "../../model/json.ts";

const found = z.array(z.json());

/** The first value at `path`; `undefined` where nothing is there. @throws for a path that is none */
export function atPath(object: JsonRecord, path: string): Json | undefined {
  const [first] = found.parse(
    JSONPath({ path: toJsonPath(path), json: object, wrap: true, eval: "safe" }) ?? [],
  );
  return first;
}

function toJsonPath(path: string): string {
  const inner = path.trim().replace(/^\{(.*)\}$/s, "$1");
  return inner.startsWith("$")
    ? inner
    : `$${inner.startsWith(".") || inner.startsWith("[") ? "" : "."}${inner}`;
}
