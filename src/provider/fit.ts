/**
 * Whether a value may be given to a parameter, and what it becomes.
 *
 * Types are exact, but for text: a string takes a number or a boolean as its text, and every other
 * type takes a string that spells such a value in JSON, because a placeholder always resolves to text.
 */
import { canonical, isList, isRecord, type Json } from "../model/json.ts";
import type { Parameter } from "../model/workflow.ts";

export type Fit =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** Messages name the type that was found, never the value: it may be a secret. */
export function fit(parameter: Parameter, given: Json): Fit {
  const value = convert(parameter.type, given);
  if (value === undefined) {
    const message = `expected ${withArticle(parameter.type)}, found ${withArticle(typeName(given))}`;
    return { ok: false, message, hint: `give "${parameter.name}" ${examples[parameter.type]}` };
  }
  const { enum: allowed, pattern } = parameter;
  if (allowed !== undefined && !allowed.some((it) => sameValue(parameter, it, value))) {
    const list = allowed.map((it) => (typeof it === "string" ? it : canonical(it))).join(", ");
    return {
      ok: false,
      message: "the value is not among those allowed",
      hint: `use one of: ${list}`,
    };
  }
  if (pattern !== undefined && typeof value === "string" && !matches(pattern, value)) {
    const message = `the value does not match the pattern ${pattern}`;
    return { ok: false, message, hint: `change "${parameter.name}" so that it does` };
  }
  return { ok: true, value };
}

/** A pattern that cannot be compiled was reported where it stands; it refuses nothing. */
export function compilePattern(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return undefined;
  }
}

const matches = (pattern: string, value: string): boolean =>
  compilePattern(pattern)?.test(value) ?? true;

function sameValue(parameter: Parameter, allowed: Json, value: Json): boolean {
  const converted = convert(parameter.type, allowed);
  return converted !== undefined && canonical(converted) === canonical(value);
}

function convert(type: Parameter["type"], value: Json): Json | undefined {
  if (type === "string") {
    if (typeof value === "string") return value;
    return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
  }
  const read = typeof value === "string" ? parseText(value) : value;
  return isOfType(type, read) ? read : undefined;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOfType(type: Exclude<Parameter["type"], "string">, value: unknown): value is Json {
  switch (type) {
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "integer":
      return Number.isSafeInteger(value);
    case "object":
      return isRecord(value);
    case "array":
      return Array.isArray(value);
  }
}

function typeName(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  return typeof value;
}

const withArticle = (type: string): string =>
  type === "null" ? "nothing" : `${/^[aeio]/.test(type) ? "an" : "a"} ${type}`;

const examples = {
  string: "text",
  boolean: "true or false",
  number: "a number",
  integer: "a whole number",
  object: "a map of keys and values",
  array: "a list",
} as const satisfies Record<Parameter["type"], string>;
