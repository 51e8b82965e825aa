/** One YAML file, checked for itself: what each of its documents is, and every mistake in them (law 10). */
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { isRecord, own } from "../model/json.ts";
import type { Checked, Problem } from "../model/problem.ts";
import { isProvider, readProvider } from "../provider/manifest.ts";
import type { ReadText } from "../provider/workflow-files.ts";
import { isWorkflow, readWorkflow } from "../provider/workflow.ts";
import { checkWorkloads } from "../score/conflicts.ts";
import { isScore, readWorkload, type Mode } from "../score/read.ts";
import type { Workload } from "../score/workload.ts";
import { readSettings, settingsFile } from "../desired/settings.ts";
import type { CheckedDocument } from "./output/problems.ts";

export type DocumentKind = "Score" | "Provider" | "Workflow" | "Repository";

export interface CheckedFile {
  readonly documents: readonly CheckedDocument[];
  readonly problems: readonly Problem[];
}

export interface FileChecks {
  readonly mode: Mode;
  /** Text of a file that a manifest names. */
  readonly readBeside: ReadText;
  /** Kinds that somebody else checks in this file: they are listed only. */
  readonly covered: ReadonlySet<DocumentKind>;
  /** Nobody said that this file is one of ours: what cannot be read in it is no mistake, unless it says so itself. */
  readonly foreign: boolean;
}

export function checkFile(file: string, text: Checked<string>, checks: FileChecks): CheckedFile {
  const unreadable = { documents: [{ file, index: 0, kind: null, name: null }] };
  if (!text.ok) return { ...unreadable, problems: checks.foreign ? [] : text.problems };
  const { documents, problems: unread } = parseFile(file, text.value);
  const looksOurs = !checks.foreign || ours.test(text.value);
  const problems = looksOurs ? [...unread] : [];
  if (documents.length === 0) return { ...unreadable, problems };

  const workloads: Workload[] = [];
  const listed = documents.map((document): CheckedDocument => {
    const { index, value } = document;
    const kind = kindOf(document);
    if (kind === null) return { file, index, kind, name: null };
    if (!checks.covered.has(kind)) {
      problems.push(...checkDocument(document, kind, text.value, checks, workloads));
    }
    return { file, index, kind, name: nameOf(value) };
  });
  // Specs of different files may be alternatives, or copies; those of one file are meant together.
  if (workloads.length > 1) problems.push(...checkWorkloads(workloads));
  return { documents: listed, problems };
}

const ours = /^\s*apiVersion:\s*["']?(?:score\.dev|innominatus\.(?:dev|io))\//m;

function checkDocument(
  document: ParsedDocument,
  kind: DocumentKind,
  text: string,
  { mode, readBeside }: FileChecks,
  workloads: Workload[],
): readonly Problem[] {
  switch (kind) {
    case "Score": {
      const read = readWorkload(document, mode);
      if (read.ok) workloads.push(read.value);
      return read.problems;
    }
    case "Provider":
      return readProvider(document, readBeside, { layer: "repository", label: "here" }).problems;
    case "Workflow":
      return readWorkflow(document, text, nameOf(document.value) ?? "", false).problems;
    case "Repository":
      return readSettings(document).problems;
  }
}

/** `null`: a document of somebody else's. */
function kindOf({ file, index, value }: ParsedDocument): DocumentKind | null {
  if (index === 0 && value !== undefined && isSettingsFile(file)) return "Repository";
  if (isScore(value)) return "Score";
  if (isProvider(value)) return "Provider";
  if (isWorkflow(value)) return "Workflow";
  return isSettings(value) ? "Repository" : null;
}

const isSettingsFile = (file: string): boolean =>
  file === settingsFile || file.endsWith(`/${settingsFile}`);

function isSettings(value: ParsedDocument["value"]): boolean {
  if (!isRecord(value) || own(value, "kind") !== "Repository") return false;
  const version = own(value, "apiVersion");
  return typeof version !== "string" || version.startsWith("innominatus.");
}

/** What a document calls itself. */
export function nameOf(value: ParsedDocument["value"]): string | null {
  const metadata = isRecord(value) ? own(value, "metadata") : undefined;
  const name = isRecord(metadata) ? own(metadata, "name") : undefined;
  return typeof name === "string" ? name : null;
}
