/** What a template function is, and how it reads its arguments. */
import { TemplateError } from "../errors.ts";
import { printed } from "../format.ts";
import { type Budget, type Value, type ValueMap, describe, isList, isMap } from "../value.ts";

export interface TemplateFunction {
  /** Number of arguments, what is piped in included. */
  readonly min: number;
  readonly max: number;
  /** Arguments that may be a path whose last part is missing: it is null then. */
  readonly tolerates?: "all" | "first" | "last";
  /** Takes the same time whatever the size of its arguments. */
  readonly constant?: boolean;
  /** `undefined`: what was asked for is missing. */
  run(args: readonly Value[], call: Call): Value | undefined;
}

export interface FunctionTable {
  readonly [name: string]: TemplateFunction;
}

/** One use of a function in a template. */
export interface Call {
  readonly name: string;
  readonly offset: number;
  readonly budget: Budget;
  /** The rendering's data: `now` is there. */
  readonly data: ValueMap;
  /** Whether the argument is written in the template, and so may be shown in a message. */
  isLiteral(index: number): boolean;
}

export const refuse = (call: Call, message: string, hint: string): TemplateError =>
  new TemplateError(call.offset, `${call.name}: ${message}`, hint);

/** A scalar's text; null is empty. */
export function textOf(args: readonly Value[], index: number, call: Call): string {
  const value = args[index] ?? null;
  if (isList(value) || isMap(value)) {
    const hint = `join it or use toJson before ${call.name}`;
    throw refuse(call, `takes text, and was given ${describe(value)}`, hint);
  }
  return printed(value);
}

/** An int64: fractions are cut off, text is read. */
export function integerOf(args: readonly Value[], index: number, call: Call): bigint {
  const value = args[index] ?? null;
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "string" && /^[+-]?\d{1,18}$/.test(value))
    return BigInt(value.replace("+", ""));
  if (typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 2 ** 63) {
    return BigInt(Math.trunc(value));
  }
  throw refuse(
    call,
    `takes a whole number, and was given ${describe(value)}`,
    "use int, or check the value",
  );
}

/** A size, place or count: an integer within ±2^31. */
export function countOf(args: readonly Value[], index: number, call: Call): number {
  const value = Number(integerOf(args, index, call));
  if (Math.abs(value) <= 2 ** 31) return value;
  throw refuse(call, "number is out of range", "use a smaller one");
}

export function listOf(args: readonly Value[], index: number, call: Call): readonly Value[] {
  const value = args[index] ?? null;
  if (isList(value)) return value;
  if (value === null) return [];
  throw refuse(
    call,
    `takes a list, and was given ${describe(value)}`,
    "make one with list or splitList",
  );
}

export function mapAt(args: readonly Value[], index: number, call: Call): ValueMap {
  const value = args[index] ?? null;
  if (isMap(value)) return value;
  if (value === null) return {};
  throw refuse(call, `takes a map, and was given ${describe(value)}`, "make one with dict");
}
