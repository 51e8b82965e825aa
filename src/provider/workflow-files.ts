/** The workflow files that a manifest names, each read once, with its own problems at its own places. */
import { posix } from "node:path";
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { isError, type Problem } from "../model/problem.ts";
import type { Workflow } from "../model/workflow.ts";
import type { Manifest, WorkflowEntry } from "./manifest-schema.ts";
import type { Report } from "./report.ts";
import { isWorkflow, readWorkflow } from "./workflow.ts";

/** Text of a file by its path; `undefined`: there is none. */
export type ReadText = (path: string) => string | undefined;

export interface WorkflowFiles {
  /** As the manifest lists them, first of a name. */
  readonly entries: ReadonlyMap<string, WorkflowEntry>;
  /** Those without a mistake. */
  readonly workflows: ReadonlyMap<string, Workflow>;
}

export function readWorkflowFiles(
  manifest: Manifest,
  { file: manifestFile }: ParsedDocument,
  readText: ReadText,
  lenient: boolean,
  report: Report,
): WorkflowFiles {
  const entries = new Map<string, WorkflowEntry>();
  const workflows = new Map<string, Workflow>();
  const reported = new Set<string>();
  for (const [index, entry] of (manifest.workflows ?? []).entries()) {
    const path = ["workflows", index];
    if (entries.has(entry.name)) {
      const message = `two workflows are named "${entry.name}"`;
      report.add([...path, "name"], {
        code: "provider/duplicate-workflow",
        message,
        hint: "rename one of them",
      });
      continue;
    }
    entries.set(entry.name, entry);
    const file = posix.join(posix.dirname(manifestFile), entry.file);
    if (posix.isAbsolute(entry.file) || file.startsWith("../")) {
      const message = `the file ${entry.file} is outside of what is read`;
      report.add([...path, "file"], {
        code: "provider/file-outside",
        message,
        hint: "keep it beside the manifest",
      });
      continue;
    }
    const text = readText(file);
    if (text === undefined) {
      const message = `there is no file ${file}`;
      report.add([...path, "file"], {
        code: "provider/missing-file",
        message,
        hint: "paths are relative to the manifest",
      });
      continue;
    }
    const { workflow, problems } = readFile(file, text, entry.name, lenient);
    if (!reported.has(file)) report.problems.push(...problems);
    reported.add(file);
    if (workflow !== undefined) workflows.set(entry.name, workflow);
  }
  return { entries, workflows };
}

function readFile(
  file: string,
  text: string,
  name: string,
  lenient: boolean,
): { readonly workflow: Workflow | undefined; readonly problems: readonly Problem[] } {
  const parsed = parseFile(file, text);
  const document = parsed.documents.find((it) => isWorkflow(it.value)) ?? parsed.documents[0];
  if (document === undefined || parsed.problems.some(isError)) {
    return { workflow: undefined, problems: parsed.problems };
  }
  const { workflow, problems } = readWorkflow(document, text, name, lenient);
  return { workflow, problems: [...parsed.problems, ...problems] };
}
