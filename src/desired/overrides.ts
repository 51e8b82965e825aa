/**
 * What an environment changes of its workloads: parts of Score documents, merged into the specs as
 * score tools merge override files, before anything is made of them (docs/overrides.md).
 */
import { posix } from "node:path";
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { isRecord, own, toPointer, type Json, type JsonRecord } from "../model/json.ts";
import { isError, type Checked, type Problem } from "../model/problem.ts";

export interface Override {
  /** Name of the workload it is for. */
  readonly workload: string;
  /** What is to be merged: the name is not part of it. */
  readonly document: ParsedDocument;
}

export interface OverrideFile {
  readonly overrides: readonly Override[];
  readonly problems: readonly Problem[];
  /** It may hold what a spec needs, and nobody can say (law 1). */
  readonly unreadable: boolean;
}

/** A workload's overrides, in the order they are merged. */
export type OverridesOf = (workload: string) => readonly Override[];

export function readOverrideFile(path: string, text: Checked<string>): OverrideFile {
  if (!text.ok) return { overrides: [], problems: text.problems, unreadable: true };
  const { documents, problems: unread } = parseFile(path, text.value);
  const problems = [...unread];
  const overrides = documents.flatMap((document): Override[] => {
    const { value } = document;
    if (value === undefined || value === null) return [];
    const found = faultOf(document);
    if (found !== undefined) problems.push(found);
    if (found !== undefined || !isRecord(value)) return [];
    const metadata = own(value, "metadata");
    const name = isRecord(metadata) ? own(metadata, "name") : undefined;
    const workload = typeof name === "string" ? name : nameByPath(path);
    return [{ workload, document: { ...document, value: withoutName(value) } }];
  });
  return { overrides, problems, unreadable: problems.some(isError) };
}

/** By file: in the order their paths are given, and within a file from top to bottom. */
export function byWorkload(files: Iterable<OverrideFile>): ReadonlyMap<string, Override[]> {
  const found = new Map<string, Override[]>();
  for (const override of [...files].flatMap((it) => it.overrides)) {
    const others = found.get(override.workload);
    if (others === undefined) found.set(override.workload, [override]);
    else others.push(override);
  }
  return found;
}

export function unmatched({ workload, document }: Override): Problem {
  const path = ["metadata", "name"];
  const hint = "name the workload in `metadata.name`, or remove the file";
  return {
    ...document.at(path),
    pointer: toPointer(path),
    code: "repository/unmatched-override",
    severity: "warning",
    message: `the override is for the workload \`${workload}\`, and there is no such workload`,
    hint,
  };
}

/** A document that reads as if it had been written so; its places are where its parts were written. */
export function mergeDocuments(
  base: ParsedDocument,
  overrides: readonly ParsedDocument[],
): ParsedDocument {
  const { file, index } = base;
  return {
    file,
    index,
    value: overrides.reduce((value, it) => merge(value, it.value), base.value),
    at: (path, part) => ownerOf(base, overrides, path).at(path, part),
  };
}

/** Maps merge deep; everything else is replaced, by `null` as by an empty list. */
export function merge(base: Json | undefined, over: Json | undefined): Json | undefined {
  if (over === undefined) return base;
  if (!isRecord(base) || !isRecord(over)) return over;
  const kept = Object.entries(base).map(([key, value]): [string, Json] => [
    key,
    merge(value, own(over, key)) ?? null,
  ]);
  const added = Object.entries(over).filter(([key]) => !Object.hasOwn(base, key));
  return Object.fromEntries([...kept, ...added]);
}

/**
 * The document that what stands at `path` of the merged one was written in: the last that has it.
 * What none has is missing in the first that has its parent.
 */
function ownerOf(
  base: ParsedDocument,
  overrides: readonly ParsedDocument[],
  path: readonly PropertyKey[],
): ParsedDocument {
  let parts = [base, ...overrides].map((document) => ({ document, value: document.value }));
  if (path.length === 0) return base;
  for (const key of path) {
    const children = parts.flatMap(({ document, value }) => {
      const child = isRecord(value) ? own(value, String(key)) : undefined;
      return child === undefined ? [] : [{ document, value: child }];
    });
    if (children.length === 0) return parts[0]?.document ?? base;
    // What was replaced says nothing any more: only maps on top of one another are merged, and what
    // is in a list was all written in one document.
    const last = children.findLastIndex((it) => !isRecord(it.value));
    parts = children.slice(last === children.length - 1 ? last : last + 1);
  }
  return parts.at(-1)?.document ?? base;
}

function withoutName(value: JsonRecord): JsonRecord {
  const metadata = own(value, "metadata");
  if (!isRecord(metadata)) return value;
  const others = Object.entries(metadata).filter(([key]) => key !== "name");
  return { ...value, metadata: Object.fromEntries(others) };
}

/** `shop.yaml` and `shop.score.yaml` are for `shop`, as is `shop/score.yaml`. */
function nameByPath(path: string): string {
  const name = posix.basename(path).replace(/(\.score)?\.ya?ml$/, "");
  return name === "score" ? posix.basename(posix.dirname(path)) : name;
}

function faultOf(document: ParsedDocument): Problem | undefined {
  const { value } = document;
  if (!isRecord(value)) {
    const hint = "write the fields to change, as they stand in the spec";
    return fault(document, [], "found no mapping, expected a part of a Score spec", hint);
  }
  const version = own(value, "apiVersion");
  if (version !== undefined && (typeof version !== "string" || !/^score\b/i.test(version))) {
    const message = "found another `apiVersion`, expected a part of a Score spec";
    const hint = "leave `apiVersion` out, or keep other files out of the `overrides` pattern";
    return fault(document, ["apiVersion"], message, hint);
  }
  const metadata = own(value, "metadata");
  const name = isRecord(metadata) ? own(metadata, "name") : undefined;
  if (name === undefined || typeof name === "string") return undefined;
  const message = "found a name that is no text, expected the name of a workload";
  return fault(document, ["metadata", "name"], message, "write the name as it stands in the spec");
}

function fault(
  document: ParsedDocument,
  path: readonly string[],
  message: string,
  hint: string,
): Problem {
  const code = "repository/override";
  return { ...document.at(path), pointer: toPointer(path), code, severity: "error", message, hint };
}
