/** What a script says about its result: the last JSON object on its standard output. Pure. */
import { isRecord, type JsonRecord } from "../model/json.ts";

/** Characters looked at in all: output made to cost time ends there, as output without a result. */
const effort = 16_777_216;

/**
 * The last JSON object that begins and ends on lines of its own, over one line or many; objects
 * inside an object or a list are no result of their own. `undefined`: there is none.
 *
 * Reads from the end. Outside of strings the brackets of JSON match backwards as they do forwards,
 * so each place where a value may end has one place where it can begin.
 */
export function lastJsonObject(text: string): JsonRecord | undefined {
  let left = effort;
  let end = text.length;
  while (end > 0 && left > 0) {
    const last = --end;
    left--;
    if ((text[last] !== "}" && text[last] !== "]") || !isLineEnd(text, last + 1)) continue;
    const start = matchBackwards(text, last, left);
    left -= last - start;
    if (start < 0 || !isLineStart(text, start)) continue;
    left -= last - start;
    const value = tryParse(text.slice(start, last + 1));
    if (isRecord(value)) return value;
    if (value !== undefined) end = start;
  }
  return undefined;
}

/** Where the bracket that closes at `close` opens; -1 where it never does. */
function matchBackwards(text: string, close: number, effortLeft: number): number {
  const lowest = Math.max(0, close - effortLeft);
  let depth = 0;
  let inString = false;
  for (let at = close; at >= lowest; at--) {
    const char = text[at];
    if (char === '"') {
      if (!inString || !isEscaped(text, at)) inString = !inString;
    } else if (inString) {
      if (char === "\n") return -1; // no JSON string has one
    } else if (char === "}" || char === "]") depth++;
    else if (char === "{" || char === "[") depth--;
    if (depth === 0) return at;
  }
  return -1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - 1 - slashes] === "\\") slashes++;
  return slashes % 2 === 1;
}

function isLineStart(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === " " || text[before] === "\t") before--;
  return before < 0 || text[before] === "\n" || text[before] === "\r";
}

function isLineEnd(text: string, at: number): boolean {
  let after = at;
  while (text[after] === " " || text[after] === "\t") after++;
  return after >= text.length || text[after] === "\n" || text[after] === "\r";
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
