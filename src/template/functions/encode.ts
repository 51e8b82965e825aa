/** Functions that encode: JSON, YAML, base64, digests, and escaping for HTML, JavaScript and URLs. */
import { createHash } from "node:crypto";
import { formatFloat, isPrintable, sprint } from "../format.ts";
import { type Value, isList, isMap, sortedKeys } from "../value.ts";
import { type Call, type FunctionTable, refuse, textOf } from "./call.ts";

const one = (encode: (text: string, call: Call) => Value) => ({
  min: 1,
  max: 1,
  run: (args: readonly Value[], call: Call) => encode(textOf(args, 0, call), call),
});

const several = (escape: (text: string) => string) => ({
  min: 1,
  max: Infinity,
  run: (args: readonly Value[]) => escape(sprint(args)),
});

export const encode: FunctionTable = {
  toJson: { min: 1, max: 1, run: ([it]) => escapeHtml(json(it ?? null)) },
  toRawJson: { min: 1, max: 1, run: ([it]) => json(it ?? null) },
  fromJson: one((it, call) => parseJson(it, call)),
  toYaml: { min: 1, max: 1, run: ([it]) => yaml(it ?? null) },
  b64enc: one((it) => Buffer.from(it).toString("base64")),
  b64dec: one((it, call) => {
    const bytes = Buffer.from(it, "base64");
    const plain = it.replace(/[\r\n]/g, "");
    const value = bytes.toString();
    if (bytes.toString("base64") === plain && Buffer.from(value).equals(bytes)) return value;
    throw refuse(call, "not base64 of a text", "check the value");
  }),
  sha256sum: one((it) => createHash("sha256").update(it).digest("hex")),
  html: several((it) => it.replace(/[\0"'&<>]/g, (char) => htmlEscapes[char] ?? char)),
  js: several((it) => Array.from(it, escapeScript).join("")),
  urlquery: several((it) => percentEncode(it).replaceAll("%20", "+")),
  urlEncode: one(percentEncode),
};

const htmlEscapes: { readonly [char: string]: string } = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

const unicodeEscape = (char: string): string =>
  `\\u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

function escapeScript(char: string): string {
  if (char === "\\" || char === "'" || char === '"') return `\\${char}`;
  return "<>&=".includes(char) || !isPrintable(char) ? unicodeEscape(char) : char;
}

/** All but letters, digits and `-_.~`. */
function percentEncode(it: string): string {
  const wellFormed = Buffer.from(it).toString();
  return encodeURIComponent(wellFormed).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** One line, keys sorted. */
function json(value: Value): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return yamlQuoted(value);
  if (isList(value)) return `[${value.map(json).join(",")}]`;
  if (!isMap(value)) return JSON.stringify(value);
  return `{${sortedKeys(value)
    .map((key) => `${yamlQuoted(key)}:${json(value[key] ?? null)}`)
    .join(",")}}`;
}

/** As Go's encoding/json does, so that the text may stand in HTML. */
const escapeHtml = (text: string): string =>
  text.replace(/[<>&\u2028\u2029]/g, (char) => unicodeEscape(char).toLowerCase());

function parseJson(it: string, call: Call): Value {
  try {
    const value: unknown = JSON.parse(it);
    return checked(value);
  } catch {
    throw refuse(call, "not JSON", "check the value");
  }
}

/** What JSON.parse returns, given its type. */
function checked(value: unknown): Value {
  if (Array.isArray(value)) return value.map(checked);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, checked(it)]));
  }
  if (typeof value === "boolean" || typeof value === "number") return value;
  return typeof value === "string" ? value : null;
}

/** Block style, keys sorted; text that could be read as anything else is in double quotes. */
const yaml = (value: Value): string => yamlLines(value).join("\n");

function yamlLines(value: Value): string[] {
  if (isList(value) && value.length > 0) {
    return value.flatMap((item) =>
      yamlLines(item).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`)),
    );
  }
  if (!isMap(value) || Object.keys(value).length === 0) return [yamlScalar(value)];
  return sortedKeys(value).flatMap((key) => {
    const item = value[key] ?? null;
    const lines = yamlLines(item);
    if (isMap(item) && Object.keys(item).length > 0) {
      return [`${yamlText(key)}:`, ...lines.map((line) => `  ${line}`)];
    }
    return isList(item) && item.length > 0
      ? [`${yamlText(key)}:`, ...lines]
      : [`${yamlText(key)}: ${lines.join("")}`];
  });
}

function yamlScalar(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "number") return formatFloat(value);
  if (isList(value)) return "[]";
  if (isMap(value)) return "{}";
  return typeof value === "string" ? yamlText(value) : String(value);
}

/** Plain only where YAML 1.1 and 1.2 agree that it is text. */
function yamlText(text: string): string {
  const plain =
    /^[A-Za-z_/][A-Za-z0-9_./-]*$/.test(text) &&
    !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text);
  return plain ? text : yamlQuoted(text);
}

/** A JSON string, in which every control and line-breaking character is escaped. */
export const yamlQuoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
