/** Where a value is not what was expected, field by field, in words for people. Pure. */
import { canonical, isList, isRecord, own, type Json } from "../model/json.ts";

export interface Difference {
  /** Into the expected value; of something that is too much, of what it would be in. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** In the order of the expected value; none: they are equal. */
export function differences(
  expected: Json,
  found: Json | undefined,
  path: readonly (string | number)[] = [],
): Difference[] {
  if (found === undefined) return [{ path, message: `found nothing, expected ${show(expected)}` }];
  if (isRecord(expected) && isRecord(found)) {
    const missing = Object.entries(expected).flatMap(([key, value]) =>
      differences(value, own(found, key), [...path, key]),
    );
    const added = Object.keys(found).filter((key) => !Object.hasOwn(expected, key));
    return [...missing, ...added.toSorted().map((key) => tooMuch(path, key, found[key] ?? null))];
  }
  if (isList(expected) && isList(found)) {
    const missing = expected.flatMap((value, index) =>
      differences(value, found[index], [...path, index]),
    );
    const added = found.slice(expected.length);
    return [
      ...missing,
      ...added.map((value, index) => tooMuch(path, String(expected.length + index), value)),
    ];
  }
  if (canonical(expected) === canonical(found)) return [];
  if (typeof expected === "string" && typeof found === "string") {
    return [{ path, message: textDifference(expected, found) }];
  }
  return [{ path, message: `found ${show(found)}, expected ${show(expected)}` }];
}

const tooMuch = (path: Difference["path"], key: string, value: Json): Difference => ({
  path,
  message: `found \`${key}\`, which is not expected: ${show(value)}`,
});

/** Of texts of several lines the first that differs. */
function textDifference(expected: string, found: string): string {
  const wanted = expected.split("\n");
  const given = found.split("\n");
  if (wanted.length === 1 && given.length === 1) {
    return `found ${show(found)}, expected ${show(expected)}`;
  }
  const line = wanted.findIndex((it, index) => it !== given[index]);
  const at = line === -1 ? wanted.length : line;
  const say = (text: string | undefined): string => (text === undefined ? "its end" : show(text));
  return `line ${at + 1} of the text: found ${say(given[at])}, expected ${say(wanted[at])}`;
}

const longest = 120;

function show(value: Json): string {
  const text = canonical(value);
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
