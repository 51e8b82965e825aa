/**
 * What a template computes with: JSON, and Go's int as a bigint, so that `1` and `1.0` print and
 * compare as they do in Go. Only own properties exist.
 */
import { TemplateError } from "./errors.ts";

export type Value = null | boolean | number | bigint | string | readonly Value[] | ValueMap;

export interface ValueMap {
  readonly [key: string]: Value;
}

export const isMap = (value: Value | undefined): value is ValueMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

export const entry = (map: ValueMap, key: string): Value | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;

/** A map that may have any key, `__proto__` too. */
export const mapOf = (entries: Iterable<readonly [string, Value]>): ValueMap =>
  Object.fromEntries(entries);

const utf8 = (text: string): Buffer => Buffer.from(text);

/** Keys in the order Go ranges and prints them: by bytes, which is by code point. */
export function sortedKeys(map: ValueMap): string[] {
  return sortedText(Object.keys(map));
}

export function sortedText(list: readonly string[]): string[] {
  const plain = list.every((it) => !/[\ud800-\udfff]/.test(it));
  return plain
    ? list.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    : list.toSorted((a, b) => Buffer.compare(utf8(a), utf8(b)));
}

export function isTruthy(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** In Go's words, as `kindIs` takes them. */
export function kindOf(value: Value): string {
  if (value === null) return "invalid";
  if (isList(value)) return "slice";
  if (isMap(value)) return "map";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  return typeof value === "number" ? "float64" : "string";
}

/** For people. */
export function describe(value: Value): string {
  if (value === null) return "null";
  if (isList(value)) return "a list";
  if (isMap(value)) return "a map";
  if (typeof value === "string") return "a string";
  return typeof value === "boolean" ? "a boolean" : "a number";
}

export function equal(a: Value, b: Value): boolean {
  if (isList(a)) {
    return (
      isList(b) && a.length === b.length && a.every((it, index) => equal(it, b[index] ?? null))
    );
  }
  if (isMap(a)) {
    if (!isMap(b)) return false;
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key] ?? null, b[key] ?? null))
    );
  }
  const numbers =
    (typeof a === "number" || typeof a === "bigint") &&
    (typeof b === "number" || typeof b === "bigint");
  // oxlint-disable-next-line eqeqeq -- 1n == 1 is what numbers of both kinds need
  return numbers ? a == b : a === b;
}

const maxSteps = 1_000_000;
const maxValueDepth = 500;
/** Characters that count as one step. */
export const charactersPerStep = 32;
export const maxOutput = 8 * 1024 * 1024;

/** What one rendering may cost: a template ends, whatever it says. */
export class Budget {
  #left = maxSteps;

  /** @throws {TemplateError} when the rendering has used up its steps */
  spend(steps: number, offset: number): void {
    this.#left -= steps;
    if (this.#left >= 0) return;
    const hint = "loop over less, or move the work into a step";
    throw new TemplateError(offset, `rendering takes more than ${maxSteps} steps`, hint);
  }

  /** Pays for going through all of `value`. */
  measure(value: Value, offset: number, depth = 0): void {
    if (depth > maxValueDepth) {
      throw new TemplateError(offset, "a value is nested too deep", "pass it in less nested");
    }
    if (typeof value === "string") {
      if (value.length > maxOutput) {
        throw new TemplateError(offset, "a text is longer than 8 MiB", "render less");
      }
      this.spend(1 + Math.floor(value.length / charactersPerStep), offset);
      return;
    }
    this.spend(1, offset);
    if (isList(value)) for (const item of value) this.measure(item, offset, depth + 1);
    if (!isMap(value)) return;
    for (const key of Object.keys(value)) {
      this.measure(key, offset, depth + 1);
      this.measure(value[key] ?? null, offset, depth + 1);
    }
  }
}
