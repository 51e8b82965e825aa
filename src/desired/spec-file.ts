/** One file that may hold specs → the workloads in it. */
import { parseFile } from "../document/file.ts";
import { isError, type Checked, type Problem } from "../model/problem.ts";
import { isScore, readWorkload, type Mode } from "../score/read.ts";
import type { Workload } from "../score/workload.ts";
import { startOf } from "./text.ts";

export interface SpecFile {
  readonly workloads: readonly Workload[];
  readonly problems: readonly Problem[];
  /** Something in it could not be made out, and may be a spec (law 1). */
  readonly unreadable: boolean;
}

export function readSpecFile(path: string, text: Checked<string>, mode: Mode): SpecFile {
  if (!text.ok) return { workloads: [], problems: text.problems, unreadable: true };
  const { documents, problems: unread } = parseFile(path, text.value);
  const specs = documents
    .filter(({ value }) => isScore(value))
    .map((document) => readWorkload(document, mode));
  const workloads = specs.flatMap((it) => (it.ok ? [it.value] : []));
  const problems = [...unread, ...specs.flatMap((it) => it.problems)];
  return { workloads, problems, unreadable: unread.some(isError) || specs.some((it) => !it.ok) };
}

/** A file that held a spec and holds none any more says nothing of wanting its workload gone (law 1). */
export const specGone = (file: string): Problem => ({
  ...startOf(file),
  code: "repository/spec-gone",
  severity: "error",
  message: "the file held a Score spec before, and holds none any more",
  hint: "put the spec back, or delete the whole file to remove the workload",
});
