/** What a value becomes inside text: a string as it is, anything else as Go's encoding/json writes it. */
import { isList, isRecord, type Json } from "../model/json.ts";

export const toText = (value: Json): string =>
  typeof value === "string" ? value : toGoJson(value);

/** Sorted keys, no spaces, and `<`, `>`, `&`, U+2028 and U+2029 escaped. */
function toGoJson(value: Json): string {
  if (isList(value)) return `[${value.map(toGoJson).join(",")}]`;
  if (isRecord(value)) {
    const entries = Object.entries(value)
      .toSorted(([a], [b]) => compareUtf8(a, b))
      .map(([key, child]) => `${toGoJson(key)}:${toGoJson(child)}`);
    return `{${entries.join(",")}}`;
  }
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : JSON.stringify(value);
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The order of their bytes in UTF-8, which is the order of their code points. */
function compareUtf8(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (const [index, one] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const difference = (one.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
