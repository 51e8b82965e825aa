/** Functions that choose and compare: Go's own, and sprig's default and its kin. */
import { sprint } from "../format.ts";
import { typeName } from "../printf.ts";
import { type Value, describe, isList, isMap, isTruthy, kindOf } from "../value.ts";
import { type Call, type FunctionTable, refuse, textOf } from "./call.ts";

const last = (args: readonly Value[]): Value => args.at(-1) ?? null;

export const logic: FunctionTable = {
  // Evaluated argument by argument (evaluate.ts); these run when nothing cut them short.
  and: { min: 1, max: Infinity, tolerates: "all", constant: true, run: last },
  or: { min: 1, max: Infinity, tolerates: "all", constant: true, run: last },
  not: { min: 1, max: 1, tolerates: "all", constant: true, run: ([it]) => !isTruthy(it ?? null) },
  eq: {
    min: 2,
    max: Infinity,
    run: ([first, ...others], call) => others.some((it) => isEqual(first ?? null, it, call)),
  },
  ne: { min: 2, max: 2, run: ([a, b], call) => !isEqual(a ?? null, b ?? null, call) },
  lt: { min: 2, max: 2, run: ([a, b], call) => isLess(a ?? null, b ?? null, call) },
  le: {
    min: 2,
    max: 2,
    run: ([a, b], call) =>
      isLess(a ?? null, b ?? null, call) || isEqual(a ?? null, b ?? null, call),
  },
  gt: {
    min: 2,
    max: 2,
    run: ([a, b], call) =>
      !(isLess(a ?? null, b ?? null, call) || isEqual(a ?? null, b ?? null, call)),
  },
  ge: { min: 2, max: 2, run: ([a, b], call) => !isLess(a ?? null, b ?? null, call) },
  default: {
    min: 1,
    max: 2,
    tolerates: "last",
    constant: true,
    run: (args) => (args.length > 1 && isTruthy(last(args)) ? last(args) : (args[0] ?? null)),
  },
  coalesce: {
    min: 1,
    max: Infinity,
    tolerates: "all",
    constant: true,
    run: (args) => args.find(isTruthy) ?? null,
  },
  empty: { min: 1, max: 1, tolerates: "all", constant: true, run: ([it]) => !isTruthy(it ?? null) },
  ternary: {
    min: 3,
    max: 3,
    tolerates: "last",
    constant: true,
    run: ([yes, no, condition]) => (isTruthy(condition ?? null) ? yes : no) ?? null,
  },
  required: {
    min: 2,
    max: 2,
    tolerates: "last",
    constant: true,
    run: (args, call) => {
      const value = last(args);
      if (value !== null && value !== "") return value;
      const message = call.isLiteral(0) ? textOf(args, 0, call) : "a required value is missing";
      throw refuse(call, message, "give it a value");
    },
  },
  fail: {
    min: 1,
    max: 1,
    run: (args, call) => {
      const message = call.isLiteral(0) ? textOf(args, 0, call) : "the template refuses its values";
      throw refuse(call, message, "see the template");
    },
  },
  kindOf: { min: 1, max: 1, constant: true, run: ([it]) => kindOf(it ?? null) },
  kindIs: { min: 2, max: 2, constant: true, run: ([kind, it]) => kindOf(it ?? null) === kind },
  typeOf: { min: 1, max: 1, constant: true, run: ([it]) => typeName(it ?? null) },
  typeIs: { min: 2, max: 2, constant: true, run: ([name, it]) => typeName(it ?? null) === name },
  toString: { min: 1, max: 1, run: asText },
};

function asText(args: readonly Value[]): string {
  const value = last(args);
  return value === null ? "" : sprint([value]);
}

type Scalar = boolean | number | bigint | string;

/** null equals null and nothing else; numbers of both kinds compare, other kinds do not mix. */
function isEqual(a: Value, b: Value, call: Call): boolean {
  if (a === null || b === null) return a === b;
  const [left, right] = comparable(a, b, call);
  // oxlint-disable-next-line eqeqeq -- 1n == 1: both are of one kind here
  return left == right;
}

function isLess(a: Value, b: Value, call: Call): boolean {
  const [left, right] = comparable(a, b, call);
  if (typeof left === "string" && typeof right === "string") {
    return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0;
  }
  if (typeof left !== "boolean") return left < right;
  throw refuse(call, "booleans have no order", "use eq, or if alone");
}

function comparable(a: Value, b: Value, call: Call): [Scalar, Scalar] {
  if (a !== null && b !== null && !isList(a) && !isList(b) && !isMap(a) && !isMap(b)) {
    if (group(a) === group(b)) return [a, b];
  }
  const hint = "compare values of one kind: toString makes text of both";
  throw refuse(call, `cannot compare ${describe(a)} with ${describe(b)}`, hint);
}

const group = (value: Scalar): string => (typeof value === "bigint" ? "number" : typeof value);
