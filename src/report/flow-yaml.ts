/**
 * JSON values as YAML on one line. By hand, for it is written for every workload at every change:
 * 10,000 files and their README took 1.1 s with a YAML library's documents, and take 0.2 s so.
 */
import { isList, isRecord, type Json } from "../model/json.ts";
import { compareText } from "../model/problem.ts";

/** Means the same to readers of YAML 1.1 and 1.2. Keys keep their order. */
export function flow(value: Json): string {
  if (typeof value === "string") return scalar(value);
  if (isList(value)) return value.length === 0 ? "[]" : `[ ${value.map(flow).join(", ")} ]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, it]) => `${scalar(key)}: ${flow(it)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

/** The record with its keys in order, at every depth. */
export function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => compareText(a, b));
  return Object.fromEntries(entries.map(([key, it]): [string, Json] => [key, sorted(it)]));
}

const plain = /^[A-Za-z0-9][\w./@#-]*$/;
const otherThanText =
  /^(?:true|false|null|yes|no|on|off|y|n|[\d._]+(?:e[-+]?\d*)?|0[xob][\da-f_]+|\d{4}-\d\d?-\d\d?)$/i;

/** JSON's quotes are YAML's, but for characters that JSON leaves as they are and YAML does not print. */
const scalar = (text: string): string =>
  plain.test(text) && !otherThanText.test(text)
    ? text
    : JSON.stringify(text).replaceAll(
        /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
        (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
