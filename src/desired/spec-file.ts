/** One file that may hold specs → the workloads in it. */
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { isRecord, own } from "../model/json.ts";
import { isError, type Checked, type Problem } from "../model/problem.ts";
import { isScore, readWorkload, type Mode } from "../score/read.ts";
import type { Workload } from "../score/workload.ts";
import { mergeDocuments, type OverridesOf } from "./overrides.ts";
import { startOf } from "./text.ts";

export interface SpecFile {
  readonly workloads: readonly Workload[];
  readonly problems: readonly Problem[];
  /** Something in it could not be made out, and may be a spec (law 1). */
  readonly unreadable: boolean;
}

/** What was written, before an environment's overrides: it stands as long as the file. */
export interface SpecDocuments {
  readonly documents: readonly ParsedDocument[];
  /** That their texts give; an override may be for any of them. */
  readonly names: readonly string[];
  readonly problems: readonly Problem[];
  /** Not everything in it could be read as YAML: it may hold further documents. */
  readonly incomplete: boolean;
}

export function parseSpecFile(path: string, text: Checked<string>): SpecDocuments {
  if (!text.ok) return { documents: [], names: [], problems: text.problems, incomplete: true };
  const { documents, problems } = parseFile(path, text.value);
  const specs = documents.filter(({ value }) => isScore(value));
  const names = specs.flatMap((it) => nameOf(it) ?? []);
  return { documents: specs, names, problems, incomplete: problems.some(isError) };
}

export function readSpecFile(
  { documents, problems: unread, incomplete }: SpecDocuments,
  mode: Mode,
  overridesOf: OverridesOf = () => [],
): SpecFile {
  const specs = documents.map((document) => {
    const overrides = overridesOf(nameOf(document) ?? "").map((it) => it.document);
    if (overrides.length === 0) return readWorkload(document, mode);
    const files = [...new Set(overrides.map((it) => it.file))];
    return readWorkload(mergeDocuments(document, overrides), mode, files);
  });
  const workloads = specs.flatMap((it) => (it.ok ? [it.value] : []));
  const problems = [...unread, ...specs.flatMap((it) => it.problems)];
  return { workloads, problems, unreadable: incomplete || specs.some((it) => !it.ok) };
}

function nameOf({ value }: ParsedDocument): string | undefined {
  const metadata = isRecord(value) ? own(value, "metadata") : undefined;
  const name = isRecord(metadata) ? own(metadata, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

/** A file that held a spec and holds none any more says nothing of wanting its workload gone (law 1). */
export const specGone = (file: string): Problem => ({
  ...startOf(file),
  code: "repository/spec-gone",
  severity: "error",
  message: "the file held a Score spec before, and holds none any more",
  hint: "put the spec back, or delete the whole file to remove the workload",
});
