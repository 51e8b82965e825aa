/** Values as Go's fmt prints them with %v, and its quoting (%q). */
import { type Value, isList, isMap, sortedKeys } from "./value.ts";

/** At the top null is empty text, and inside a list or map `<nil>`. */
export const printed = (value: Value): string => (value === null ? "" : inner(value));

function inner(value: Value): string {
  if (value === null) return "<nil>";
  if (typeof value === "number") return formatFloat(value);
  if (isList(value)) return `[${value.map(inner).join(" ")}]`;
  if (!isMap(value)) return String(value);
  return `map[${sortedKeys(value)
    .map((key) => `${key}:${inner(value[key] ?? null)}`)
    .join(" ")}]`;
}

/**
 * Shortest digits that read back, with an exponent where Go writes one; but whole numbers are plain
 * up to 1e21: they are integers in people's files, whatever JSON makes of them.
 */
export function formatFloat(value: number): string {
  if (Object.is(value, -0)) return "-0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e21) return String(value);
  return size < 1e-4 || size >= 1e6 ? goExponent(value.toExponential()) : String(value);
}

/** Go writes at least two digits of an exponent. */
export const goExponent = (text: string): string => text.replace(/e([+-])(\d)$/, "e$10$2");

/** Operands with a space between two of which neither is a string, as fmt.Sprint does. */
export function sprint(values: readonly Value[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1];
      const apart = index > 0 && typeof value !== "string" && typeof before !== "string";
      return (apart ? " " : "") + (value === null ? "<nil>" : inner(value));
    })
    .join("");
}

export const sprintln = (values: readonly Value[]): string =>
  `${values.map((it) => (it === null ? "<nil>" : inner(it))).join(" ")}\n`;

const escapes: { readonly [char: string]: string } = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** As strconv.Quote does. */
export const goQuote = (text: string): string =>
  `"${Array.from(Buffer.from(text).toString(), quoteCharacter).join("")}"`;

function quoteCharacter(char: string): string {
  const escaped = escapes[char];
  if (escaped !== undefined) return escaped;
  if (isPrintable(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

/** Letters, marks, numbers, punctuation, symbols, and of the spaces only U+0020. */
export const isPrintable = (char: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char);
