/** Go's literals in a template: "…", `…`, '…' and numbers. Ints are bigints, floats are numbers. */
import type { Literal, TemplateFault } from "./syntax.ts";

type Read = { value: Literal; end: number } | TemplateFault;

const simple: { readonly [char: string]: number } = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
};
const hexDigits: { readonly [char: string]: number } = { x: 2, u: 4, U: 8 };

/** The literal whose opening quote is at `at`. */
export function readQuoted(text: string, at: number): Read {
  const quote = text.charAt(at);
  if (quote === "`") {
    const end = text.indexOf("`", at + 1);
    if (end < 0) return unterminated(at, "raw string");
    return { value: text.slice(at + 1, end).replaceAll("\r", ""), end: end + 1 };
  }
  const bytes: Buffer[] = [];
  let here = at + 1;
  while (text.charAt(here) !== quote) {
    const char = text.charAt(here);
    if (char === "" || char === "\n")
      return unterminated(at, quote === '"' ? "string" : "character");
    if (char === "\\") {
      const escape = readEscape(text, here, quote);
      if (escape === undefined) return { offset: here, message: "unknown escape in a string" };
      bytes.push(escape.bytes);
      here = escape.end;
      continue;
    }
    const next = String.fromCodePoint(text.codePointAt(here) ?? 0);
    bytes.push(Buffer.from(next));
    here += next.length;
  }
  const value = Buffer.concat(bytes).toString();
  if (quote === '"') return { value, end: here + 1 };
  const [only, ...more] = value;
  return only === undefined || more.length > 0
    ? { offset: at, message: "'…' holds one character", hint: 'write text as "…"' }
    : { value: BigInt(only.codePointAt(0) ?? 0), end: here + 1 };
}

const unterminated = (offset: number, what: string): TemplateFault => ({
  offset,
  message: `${what} is not closed`,
});

function readEscape(
  text: string,
  at: number,
  quote: string,
): { bytes: Buffer; end: number } | undefined {
  const char = text.charAt(at + 1);
  if (char === quote) return { bytes: Buffer.from(char), end: at + 2 };
  const code = simple[char];
  if (code !== undefined) return { bytes: Buffer.of(code), end: at + 2 };
  const octal = /^[0-3][0-7]{2}/.exec(text.slice(at + 1, at + 4));
  if (octal !== null) return { bytes: Buffer.of(Number.parseInt(octal[0], 8)), end: at + 4 };
  const count = hexDigits[char];
  if (count === undefined) return undefined;
  const digits = text.slice(at + 2, at + 2 + count);
  if (digits.length !== count || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const point = Number.parseInt(digits, 16);
  if (point > 0x10ffff) return undefined;
  const bytes = char === "x" ? Buffer.of(point) : Buffer.from(String.fromCodePoint(point));
  return { bytes, end: at + 2 + count };
}

const number =
  /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)/y;

/** The number that begins at `at`. */
export function readNumber(text: string, at: number): Read {
  number.lastIndex = at;
  const found = number.exec(text)?.[0];
  const end = at + (found?.length ?? 0);
  if (found === undefined || /^[\p{L}\p{Nd}_]/u.test(text.slice(end, end + 2))) {
    return { offset: at, message: "not a number" };
  }
  const digits = found.replaceAll("_", "");
  if (/^[+-]?[0-9.]/.test(digits) && /[.eE]/.test(digits) && !/^[+-]?0[xX]/.test(digits)) {
    const value = Number(digits);
    return Number.isFinite(value) ? { value, end } : { offset: at, message: "number is too large" };
  }
  const sign = digits.startsWith("-") ? -1n : 1n;
  const magnitude = digits.replace(/^[+-]/, "").replace(/^0+(?=[0-7]+$)/, "0o");
  if (/^0[89]|^0[0-9]*[89]/.test(magnitude)) return { offset: at, message: "not a number" };
  const value = sign * BigInt(magnitude);
  return BigInt.asIntN(64, value) === value
    ? { value, end }
    : { offset: at, message: "number is too large" };
}
