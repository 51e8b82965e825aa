/**
 * A value somebody wrote, held against a schema: what the schema makes of it, or every mistake at
 * once with its place (law 10). Knows no format: `score`, `provider` and `settings` bring theirs.
 */
import { z } from "zod";
import { isList, isRecord, toPointer, type Json } from "../model/json.ts";
import { byPlace, type Checked, type Place, type Problem } from "../model/problem.ts";
import { mostProblems } from "./bytes.ts";
import type { ParsedDocument } from "./file.ts";
import { knownKeys } from "./known-keys.ts";
import { nearestWord } from "./suggest.ts";
import { describe, expectationOf, hintFor, short } from "./wording.ts";

/** Where a path of the checked value stands in the file, when it was moved before it was checked. */
export type Where = (path: readonly PropertyKey[]) => { place: Place; pointer: string };

/** Zod's issues become problems with the codes `schema/…`; a custom issue brings its own in `params`. */
export function check<T>(document: ParsedDocument, schema: z.ZodType<T>): Checked<T> {
  const { value } = document;
  return checkValue(value, schema, (path) => ({
    place: document.at(path),
    pointer: toPointer(path),
  }));
}

export function checkValue<T>(
  value: Json | undefined,
  schema: z.ZodType<T>,
  where: Where,
): Checked<T> {
  const given = hasProto(value) ? renamedProto(value) : value;
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, value: parsed.data, problems: [] };

  const problems = parsed.error.issues
    .flatMap((issue) => flatten(issue, [], given, schema))
    .slice(0, mostProblems)
    .map(({ path, code, message, hint }): Problem => {
      const real = path.map((part) => (part === protoKey ? "__proto__" : part));
      const { place, pointer } = where(real);
      return { ...place, pointer, code, severity: "error", message, hint };
    })
    .toSorted(byPlace);
  return { ok: false, problems };
}

interface Flat {
  readonly path: readonly PropertyKey[];
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const custom = z.object({ code: z.string().optional(), hint: z.string().optional() });

function flatten(
  issue: z.core.$ZodIssue,
  parent: readonly PropertyKey[],
  root: unknown,
  schema: z.ZodType,
): Flat[] {
  const path = [...parent, ...issue.path];
  const found = at(root, path);
  const one = (code: string, message: string, hint: string): Flat[] => [
    { path, code: `schema/${code}`, message, hint },
  ];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownField([...path, key], key, schema, found));
  }
  if (issue.code === "invalid_union") return flattenUnion(issue, path, root, schema);
  if (issue.code === "custom") {
    const { code = "schema/invalid", hint = "correct it" } = custom.catch({}).parse(issue.params);
    return [{ path, code, message: issue.message, hint }];
  }
  if (issue.code === "invalid_key") {
    const reasons = issue.issues.map(expectationOf).join(", ");
    const message = `the key \`${short(String(path.at(-1)))}\` is not allowed here, expected ${reasons}`;
    return one("invalid-key", message, "rename it");
  }
  const expected = expectationOf(issue);
  if (found === undefined && path.length > 0) return [missing(path, expected)];
  const words =
    issue.code === "invalid_value" ? issue.values.filter((it) => typeof it === "string") : [];
  const near = typeof found === "string" ? nearestWord(found, words) : undefined;
  return one(
    issue.code.replaceAll("_", "-"),
    `found ${describe(found)}, expected ${expected}`,
    near === undefined ? hintFor(issue, found) : `did you mean \`${near}\`?`,
  );
}

function missing(path: readonly PropertyKey[], expected: string): Flat {
  const name = `\`${String(path.at(-1))}\``;
  const message = `${name} is missing, expected ${expected}`;
  return { path, code: "schema/missing-field", message, hint: `add ${name}` };
}

function unknownField(
  path: readonly PropertyKey[],
  key: string,
  schema: z.ZodType,
  siblings: unknown,
): Flat {
  const known = knownKeys(schema, path.slice(0, -1));
  const absent = known.filter((it) => !isRecord(siblings) || !Object.hasOwn(siblings, it));
  const near = nearestWord(key, absent) ?? nearestWord(key, known);
  const listed = absent.length > 0 ? `; other fields here: ${absent.join(", ")}` : "";
  const hint = near === undefined ? `remove it${listed}` : `did you mean \`${near}\`?`;
  const message = `unknown field \`${short(key)}\``;
  return { path, code: "schema/unknown-field", message, hint };
}

/** Of a union's branches the one that came furthest speaks; when none fits at all, all do in one. */
function flattenUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly PropertyKey[],
  root: unknown,
  schema: z.ZodType,
): Flat[] {
  const branches = issue.errors.filter((it) => !it.some(isWrongAtRoot));
  const best = branches.toSorted((a, b) => a.length - b.length)[0];
  if (best !== undefined) return best.flatMap((it) => flatten(it, path, root, schema));
  const found = at(root, path);
  const expected = [...new Set(issue.errors.flat().map(expectationOf))].filter((it) => it !== "");
  if (found === undefined && path.length > 0) return [missing(path, expected.join(" or "))];
  const message = `found ${describe(found)}, expected ${expected.join(" or ")}`;
  const hint = `write ${expected.join(" or ")}`;
  return [{ path, code: "schema/invalid-type", message, hint }];
}

const isWrongAtRoot = (issue: z.core.$ZodIssue): boolean =>
  issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let here = root;
  for (const part of path) {
    if (Array.isArray(here)) here = here[Number(part)];
    else if (isRecord(here) && Object.hasOwn(here, part)) here = here[String(part)];
    else return undefined;
  }
  return here;
}

/** Zod's records pass over the key `__proto__`: it is checked under another name. */
const protoKey = "__proto__\u200b";

function hasProto(value: Json | undefined): boolean {
  if (isList(value)) return value.some(hasProto);
  if (!isRecord(value)) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProto);
}

function renamedProto(value: Json | undefined): Json | undefined {
  if (isList(value)) return value.map((it) => renamedProto(it) ?? null);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, child]): [string, Json] => [
    key === "__proto__" ? protoKey : key,
    renamedProto(child) ?? null,
  ]);
  return Object.fromEntries(entries);
}
