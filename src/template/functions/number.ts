/** sprig's arithmetic: on int64, which wraps as in Go; only float64 keeps fractions. */
import { type Value, describe } from "../value.ts";
import { type Call, type FunctionTable, integerOf, refuse } from "./call.ts";

const fold = (min: number, max: number, step: (a: bigint, b: bigint, call: Call) => bigint) => ({
  min,
  max,
  run: (args: readonly Value[], call: Call) =>
    args
      .map((_, index) => integerOf(args, index, call))
      .reduce((a, b) => BigInt.asIntN(64, step(a, b, call))),
});

const toInteger = {
  min: 1,
  max: 1,
  run: (args: readonly Value[], call: Call) => integerOf(args, 0, call),
};

export const number: FunctionTable = {
  add: fold(1, Infinity, (a, b) => a + b),
  sub: fold(2, 2, (a, b) => a - b),
  mul: fold(2, Infinity, (a, b) => a * b),
  div: fold(2, 2, (a, b, call) => a / divisor(b, call)),
  mod: fold(2, 2, (a, b, call) => a % divisor(b, call)),
  max: fold(1, Infinity, (a, b) => (a > b ? a : b)),
  min: fold(1, Infinity, (a, b) => (a < b ? a : b)),
  add1: { ...toInteger, run: (args, call) => BigInt.asIntN(64, integerOf(args, 0, call) + 1n) },
  int: toInteger,
  int64: toInteger,
  float64: {
    min: 1,
    max: 1,
    run: ([it], call) => {
      const value = typeof it === "string" && it.trim() === "" ? Number.NaN : Number(it);
      if (it !== null && typeof it !== "object" && Number.isFinite(value)) return value;
      throw refuse(
        call,
        `takes a number, and was given ${describe(it ?? null)}`,
        "check the value",
      );
    },
  },
};

function divisor(value: bigint, call: Call): bigint {
  if (value === 0n) throw refuse(call, "divides by zero", "check the divisor with if");
  return value;
}
