/**
 * A file before it is anywhere: what in it needs what, what can be made at once, and the longest chain.
 * By our own parser, for the API and the command line alike; nothing is recorded or run.
 */
import { namesIn } from "../desired/needs.ts";
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { analyseDependencies, type Dependent } from "../graph/dependencies.ts";
import { isRecord, own } from "../model/json.ts";
import { isError, type Problem } from "../model/problem.ts";
import type { WorkflowStep } from "../model/workflow.ts";
import { isWorkflow, readWorkflow } from "../provider/workflow.ts";
import { isScore, readWorkload } from "../score/read.ts";

export interface AnalysedNode {
  readonly name: string;
  readonly type: string;
  /** What it uses of others. */
  readonly dependsOn: readonly string[];
}

export interface Analysed {
  readonly kind: "Score" | "Workflow";
  readonly name: string;
  readonly nodes: readonly AnalysedNode[];
  readonly order: readonly string[];
  readonly groups: readonly (readonly string[])[];
  readonly criticalPath: readonly string[];
}

export interface AnalysedFile {
  /** Of what has no mistake. */
  readonly documents: readonly Analysed[];
  readonly problems: readonly Problem[];
}

export function analyseFile(file: string, text: string): AnalysedFile {
  const { documents, problems } = parseFile(file, text);
  const read = documents.flatMap((it): ReadOne[] => {
    if (isScore(it.value)) return [analyseScore(it)];
    return isWorkflow(it.value) ? [analyseWorkflow(it, text)] : [];
  });
  const told = [...problems, ...read.flatMap((it) => it.problems)];
  if (read.length > 0 || told.some(isError)) {
    return { documents: read.flatMap((it) => it.analysed ?? []), problems: told };
  }
  const nothing: Problem = {
    file,
    line: 1,
    column: 1,
    pointer: "",
    code: "schema/unknown-kind",
    severity: "error",
    message: "no document of it is a Score spec or a workflow",
    hint: "a spec begins with `apiVersion: score.dev/v1b1`, a workflow with `apiVersion: innominatus.io/v1alpha1` and `kind: Workflow`",
  };
  return { documents: [], problems: [...told, nothing] };
}

/** In upstream's way of naming, for the API and for `-o json`. */
export const analysisJson = (it: Analysed) => ({
  kind: it.kind,
  name: it.name,
  nodes: it.nodes.map(({ name, type, dependsOn }) => ({ name, type, depends_on: [...dependsOn] })),
  order: [...it.order],
  parallel_groups: it.groups.map((group) => [...group]),
  critical_path: [...it.criticalPath],
});

interface ReadOne {
  readonly analysed?: Analysed;
  readonly problems: readonly Problem[];
}

/** A circle is a mistake that reading tells. */
function analyseScore(document: ParsedDocument): ReadOne {
  const read = readWorkload(document, "default");
  if (!read.ok) return { problems: read.problems };
  const { name, resources } = read.value;
  const nodes = resources.map((it) => ({
    name: it.name,
    type: it.type,
    dependsOn: namesIn([it.params ?? {}, it.metadata ?? {}]),
  }));
  return { analysed: analysed("Score", name, nodes, nodes), problems: read.problems };
}

/** Steps run one after the other, whatever they use of one another. */
function analyseWorkflow(document: ParsedDocument, text: string): ReadOne {
  const metadata = isRecord(document.value) ? own(document.value, "metadata") : undefined;
  const given = isRecord(metadata) ? own(metadata, "name") : undefined;
  const name = typeof given === "string" ? given : "";
  const { workflow, problems } = readWorkflow(document, text, name, false);
  if (workflow === undefined) return { problems };
  const { steps } = workflow;
  const nodes = steps.map((it) => ({
    name: it.name,
    type: it.type,
    dependsOn: usedBy(it, steps),
  }));
  const chain = steps.map((it, index) => ({
    name: it.name,
    dependsOn: steps.slice(index > 0 ? index - 1 : 0, index).map((before) => before.name),
  }));
  return { analysed: analysed("Workflow", name, nodes, chain), problems };
}

function analysed(
  kind: Analysed["kind"],
  name: string,
  nodes: readonly AnalysedNode[],
  dependents: readonly Dependent[],
): Analysed {
  const { order, groups, criticalPath } = analyseDependencies(dependents);
  return { kind, name, nodes, order, groups, criticalPath };
}

/** Whose outputs its templates name. */
function usedBy({ config, when = "" }: WorkflowStep, steps: readonly WorkflowStep[]): string[] {
  const text = `${JSON.stringify(config)} ${when}`;
  const named = new Set([...text.matchAll(/\.steps\.([\w-]+)/g)].map(([, it]) => it));
  return steps.map((it) => it.name).filter((it) => named.has(it));
}
