/** fmt.Sprintf's verbs that templates use. What Go prints as `%!d(string=…)` is an error here. */
import { formatFloat, goExponent, goQuote, printed } from "./format.ts";
import { type Value, describe, kindOf } from "./value.ts";

const verb = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/y;
const maxWidth = 10_000;

interface Spec {
  readonly verb: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number;
  /** `undefined`: none given. */
  readonly precision: number | undefined;
}

/** @returns the text, or what is wrong with format or arguments */
export function sprintf(format: string, args: readonly Value[]): string | { wrong: string } {
  let text = "";
  let at = 0;
  let used = 0;
  while (at < format.length) {
    const next = format.indexOf("%", at);
    if (next < 0) {
      text += format.slice(at);
      break;
    }
    text += format.slice(at, next);
    verb.lastIndex = next;
    const found = verb.exec(format);
    if (found === null) return { wrong: "an incomplete % verb" };
    const [whole, flags = "", width = "", precision, name = ""] = found;
    at = next + whole.length;
    if (name === "%") {
      text += "%";
      continue;
    }
    if (width === "*" || precision === "*")
      return { wrong: "* as a width, which is not supported" };
    const spec = {
      verb: name,
      minus: flags.includes("-"),
      plus: flags.includes("+"),
      sharp: flags.includes("#"),
      space: flags.includes(" "),
      zero: flags.includes("0") && !flags.includes("-"),
      width: Number(width),
      precision: precision ?? (whole.includes(".") ? "0" : undefined),
    };
    if (spec.width > maxWidth || Number(spec.precision ?? 0) > 100)
      return { wrong: "too wide a verb" };
    const value = args[used];
    if (value === undefined) return { wrong: `%${name} without an argument` };
    used += 1;
    const shown = show(
      { ...spec, precision: spec.precision === undefined ? undefined : Number(spec.precision) },
      value,
    );
    if (shown === undefined) return { wrong: `%${name} for ${describe(value)}` };
    text += shown;
  }
  return used < args.length ? { wrong: "more arguments than verbs" } : text;
}

function show(spec: Spec, value: Value): string | undefined {
  switch (spec.verb) {
    case "v":
      if (typeof value === "bigint") return integer(spec, value, 10);
      if (typeof value === "number" && spec.precision === undefined) {
        return numeric(spec, formatFloat(value));
      }
      if (spec.sharp || spec.precision !== undefined) return undefined;
      return pad(spec, value === null ? "<nil>" : printed(value));
    case "s":
      if (typeof value === "string") return pad(spec, cut(spec, value));
      return undefined;
    case "q":
      if (typeof value !== "string" || spec.sharp || spec.plus) return undefined;
      return pad(spec, goQuote(cut(spec, value)));
    case "t":
      return typeof value === "boolean" ? pad(spec, String(value)) : undefined;
    case "T":
      return pad(spec, typeName(value));
    case "d":
      return whole(value, (it) => integer(spec, it, 10));
    case "b":
      return whole(value, (it) => integer(spec, it, 2));
    case "o":
      return whole(value, (it) => integer(spec, it, 8));
    case "x":
    case "X":
      return hexadecimal(spec, value);
    case "c":
      return whole(value, (it) => character(spec, it));
    case "f":
    case "F":
      return typeof value === "number"
        ? numeric(spec, fixed(value, spec.precision ?? 6))
        : undefined;
    case "e":
      return typeof value === "number"
        ? numeric(spec, goExponent(value.toExponential(spec.precision ?? 6)))
        : undefined;
    case "g":
      return typeof value === "number" && spec.precision === undefined && !spec.sharp
        ? numeric(spec, formatFloat(value))
        : undefined;
    default:
      return undefined;
  }
}

/** Numbers of JSON have no kind of their own: a whole one is an integer where one is wanted. */
function whole(value: Value, use: (it: bigint) => string | undefined): string | undefined {
  if (typeof value === "bigint") return use(value);
  return typeof value === "number" && Number.isInteger(value) ? use(BigInt(value)) : undefined;
}

/** From 1e21 on `toFixed` writes an exponent; such a number is whole. */
function fixed(value: number, digits: number): string {
  if (Math.abs(value) < 1e21) return (Object.is(value, -0) ? "-" : "") + value.toFixed(digits);
  return BigInt(value).toString() + (digits > 0 ? `.${"0".repeat(digits)}` : "");
}

function integer(spec: Spec, value: bigint, base: number): string {
  const prefix = !spec.sharp ? "" : base === 2 ? "0b" : base === 8 ? "0" : base === 16 ? "0x" : "";
  const sign = value < 0n ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  let digits = (value < 0n ? -value : value).toString(base);
  if (spec.precision !== undefined) {
    digits = spec.precision === 0 && value === 0n ? "" : digits.padStart(spec.precision, "0");
  } else if (spec.zero) {
    digits = digits.padStart(spec.width - sign.length, "0");
  }
  return pad({ ...spec, zero: false }, sign + prefix + digits);
}

function numeric(spec: Spec, text: string): string {
  const sign = text.startsWith("-") ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  const digits = text.replace(/^-/, "");
  return spec.zero
    ? sign + digits.padStart(spec.width - sign.length, "0")
    : pad(spec, sign + digits);
}

function hexadecimal(spec: Spec, value: Value): string | undefined {
  const lower =
    typeof value === "string" && !spec.sharp && !spec.space && spec.precision === undefined
      ? pad(spec, Buffer.from(value).toString("hex"))
      : whole(value, (it) => integer(spec, it, 16));
  return spec.verb === "X" ? lower?.toUpperCase() : lower;
}

const character = (spec: Spec, value: bigint): string | undefined =>
  value >= 0n && value <= 0x10ffffn ? pad(spec, String.fromCodePoint(Number(value))) : undefined;

const cut = (spec: Spec, text: string): string =>
  spec.precision === undefined ? text : Array.from(text).slice(0, spec.precision).join("");

/** Widths count characters. */
function pad(spec: Spec, text: string): string {
  const missing = spec.width - Array.from(text).length;
  if (missing <= 0) return text;
  return spec.minus ? text + " ".repeat(missing) : (spec.zero ? "0" : " ").repeat(missing) + text;
}

export function typeName(value: Value): string {
  const kind = kindOf(value);
  if (kind === "invalid") return "<nil>";
  if (kind === "slice") return "[]interface {}";
  return kind === "map" ? "map[string]interface {}" : kind;
}
