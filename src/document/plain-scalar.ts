/** A scalar on one line, as YAML 1.2's core schema resolves it; `undefined` where that takes thought. */
import type { Json } from "../model/json.ts";

/** @param text what follows a key or a dash, to the end of its line */
export function readScalar(text: string): Json | undefined {
  const quoted = quotes.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2];
  if (!plainStart.test(text)) return undefined;
  const comment = text.indexOf(" #");
  const plain = comment < 0 ? text : text.slice(0, comment).trimEnd();
  if (plain.includes(": ") || plain.endsWith(":")) return undefined;
  return resolve(plain);
}

/** Without escapes. */
const quotes = /^(?:"([^"\\]*)"|'([^']*)')(?: +#.*)?$/;
/** Not one of the indicators, which mean something else here. */
const plainStart = /^(?:[^-?:,[\]{}#&*!|>'"%@` ]|-[^ ])/;

function resolve(text: string): Json | undefined {
  if (text === "true") return true;
  if (text === "false") return false;
  if (text === "null") return null;
  if (otherWords.test(text)) return undefined;
  if (!/^[-+.\d]/.test(text) || !/\d/.test(text)) return text;
  if (simpleNumber.test(text)) return Number(text);
  return maybeNumber.test(text) ? undefined : text;
}

const otherWords = /^(?:~|true|false|null|[-+]?\.(?:inf|nan))$/i;
const simpleNumber = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/;
/** Two dots are never a number: a version, an address. */
const maybeNumber = /^[-+]?(?!.*\..*\.)[\dxXoOa-fA-F._+-]*$/;
