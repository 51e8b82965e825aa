/** A document on its way to its modern form: what was moved from where, and what there is to say. */
import type { ParsedDocument } from "../document/file.ts";
import { isRecord, own, toPointer, type Json, type JsonRecord } from "../model/json.ts";
import type { Problem } from "../model/problem.ts";

export type Path = readonly (string | number)[];

export interface Upgraded {
  readonly value: Json | undefined;
  readonly problems: readonly Problem[];
  /** Path in the document of what stands at a path in `value`. */
  origin(path: readonly PropertyKey[]): readonly PropertyKey[];
}

/** A draft of the document, changed step by step; lives for one call. */
export interface Draft {
  readonly document: ParsedDocument;
  readonly moved: Map<string, Path>;
  readonly problems: Problem[];
}

export const draftOf = (document: ParsedDocument): Draft => ({
  document,
  moved: new Map(),
  problems: [],
});

export function finish(value: Json | undefined, { moved, problems }: Draft): Upgraded {
  if (moved.size === 0) return { value, problems, origin: asWritten };
  const origin: Upgraded["origin"] = (path) => {
    for (let length = path.length; length > 0; length--) {
      const from = moved.get(toPointer(path.slice(0, length)));
      if (from !== undefined) return [...from, ...path.slice(length)];
    }
    return path;
  };
  return { value, problems, origin };
}

const asWritten: Upgraded["origin"] = (path) => path;

export const move = (draft: Draft, to: Path, from: Path) => draft.moved.set(toPointer(to), from);

export function warn(
  draft: Draft,
  path: readonly PropertyKey[],
  code: string,
  message: string,
  hint: string,
): void {
  draft.problems.push(problemAt(draft, path, code, "warning", message, hint));
}

export function refuse(
  draft: Draft,
  path: Path,
  code: string,
  message: string,
  hint: string,
): void {
  draft.problems.push(problemAt(draft, path, code, "error", message, hint));
}

const problemAt = (
  { document }: Draft,
  path: readonly PropertyKey[],
  code: string,
  severity: Problem["severity"],
  message: string,
  hint: string,
): Problem => ({
  ...document.at(path),
  pointer: toPointer(path),
  code: `score/${code}`,
  severity,
  message,
  hint,
});

export const without = (record: JsonRecord, keys: readonly string[]): JsonRecord =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));

export function mapChild(
  value: Json | undefined,
  key: string,
  change: (child: JsonRecord) => JsonRecord,
): Json | undefined {
  const child = isRecord(value) ? own(value, key) : undefined;
  if (!isRecord(value) || !isRecord(child)) return value;
  const changed = change(child);
  return changed === child ? value : { ...value, [key]: changed };
}

/** The same record when nothing changed: an ordinary spec is never copied. */
export function mapEach(
  record: JsonRecord,
  change: (child: JsonRecord, key: string) => JsonRecord,
): JsonRecord {
  let changed = false;
  const entries = Object.entries(record).map(([key, child]): [string, Json] => {
    const result = isRecord(child) ? change(child, key) : child;
    changed ||= result !== child;
    return [key, result];
  });
  return changed ? Object.fromEntries(entries) : record;
}
