/**
 * Where a character of a string is in the YAML text that spells it: a template's mistake is shown at
 * its own line and column, whatever the scalar's style.
 *
 * Every style but double quotes changes nothing but white space (and `''`), so that counting what is
 * not white space finds the place; double quotes are read escape by escape.
 */
import type { Place } from "../model/problem.ts";

/**
 * @param text the whole file
 * @param start where the scalar begins
 * @param offset of a character in `value`, the string that the scalar stands for
 * @returns `start` where the text does not fit
 */
export function placeInScalar(text: string, start: Place, value: string, offset: number): Place {
  const begin = offsetOfPlace(text, start);
  const wanted = countInk(value.slice(0, offset));
  const found = locate(text, begin, wanted);
  if (found === undefined) return start;
  const before = text.slice(0, found);
  const lineStart = before.lastIndexOf("\n") + 1;
  return {
    file: start.file,
    line: before.split("\n").length,
    column: found - lineStart + 1,
  };
}

/** Offset of the character with `wanted` characters that are not white space before it. */
function locate(text: string, begin: number, wanted: number): number | undefined {
  const style = text[begin];
  const quoted = style === '"' || style === "'";
  let at = begin;
  if (style === "|" || style === ">") at = text.indexOf("\n", begin) + 1;
  else if (quoted) at = begin + 1;

  let seen = 0;
  while (at < text.length) {
    const length =
      style === '"' ? escapeLength(text, at) : style === "'" && text[at] === "'" ? 2 : 1;
    const ink =
      style === '"' && length > 1 ? escapedInk(text, at, length) : countInk(text[at] ?? "");
    if (ink > 0 && seen === wanted) return at;
    seen += ink;
    at += length;
  }
  return undefined;
}

/** Lengths of YAML's escapes; 1 where there is none. */
function escapeLength(text: string, at: number): number {
  if (text[at] !== "\\") return 1;
  return { x: 4, u: 6, U: 10 }[text[at + 1] ?? ""] ?? 2;
}

function escapedInk(text: string, at: number, length: number): number {
  const kind = text[at + 1] ?? "";
  if (length > 2) {
    const code = Number.parseInt(text.slice(at + 2, at + length), 16);
    return code <= 0x10ffff ? countInk(String.fromCodePoint(code)) : 0;
  }
  // `\n`, `\t` and the like are white space, a backslash at the end of a line is nothing.
  return "ntrvfNLP_ \n\r\t".includes(kind) ? 0 : 1;
}

/** In UTF-16 units, as offsets are. */
const countInk = (text: string): number => text.replaceAll(/\s/g, "").length;

function offsetOfPlace(text: string, { line, column }: Place): number {
  let at = 0;
  for (let count = 1; count < line; count++) {
    const next = text.indexOf("\n", at);
    if (next === -1) return at;
    at = next + 1;
  }
  return at + column - 1;
}
