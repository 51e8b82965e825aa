/**
 * A workflow and its inputs → its steps as they would run, and every template that cannot be rendered
 * with its place. Renders as a run does, guards against injection included; performs nothing.
 */
import { checkValue } from "../document/check.ts";
import type { ParsedDocument } from "../document/file.ts";
import { isWanted, type TemplateData } from "../execute/render.ts";
import type { StepExecutor } from "../execute/step-type.ts";
import { isList, isRecord, own, toPointer, type Json, type JsonRecord } from "../model/json.ts";
import { isError, type Problem } from "../model/problem.ts";
import type { Workflow, WorkflowStep } from "../model/workflow.ts";
import type { Path } from "../provider/report.ts";
import { renderText, type Fault, type RenderContext } from "./rendered-text.ts";
import { placeInScalar } from "../provider/scalar-place.ts";

export interface RenderedStep {
  readonly name: string;
  readonly type: string;
  /** What cannot be rendered stands as it was written. */
  readonly config: JsonRecord;
}

export interface RenderedWorkflow {
  /** Without those that `when` leaves out. */
  readonly steps: readonly RenderedStep[];
  readonly skipped: readonly string[];
  readonly outputs: JsonRecord;
  readonly problems: readonly Problem[];
}

export interface WorkflowSource {
  readonly workflow: Workflow;
  readonly document: ParsedDocument;
  /** Of the whole file. */
  readonly text: string;
}

export interface RenderInputs {
  /** Final, as a run has them. */
  readonly parameters: JsonRecord;
  /** Outputs by step name. */
  readonly results: JsonRecord;
  readonly now: string;
  readonly executors: ReadonlyMap<string, StepExecutor>;
}

export function renderWorkflow(
  { workflow, document, text }: WorkflowSource,
  { parameters, results, now, executors }: RenderInputs,
): RenderedWorkflow {
  const problems: Problem[] = [];
  const steps: RenderedStep[] = [];
  const skipped: string[] = [];
  const ended: Record<string, { output: JsonRecord }> = {};
  const dataNow = (): TemplateData => ({ parameters, steps: { ...ended }, now });
  const add = (path: Path, template: string, { offset, ...fault }: Fault): void => {
    const place = placeInScalar(text, document.at(path, "value"), template, offset);
    problems.push({ ...place, pointer: toPointer(path), severity: "error", ...fault });
  };
  const render = (path: Path, template: string, context: RenderContext): Json | undefined => {
    const rendered = renderText(template, context, dataNow());
    if (!("fault" in rendered)) return rendered.value;
    add(path, template, rendered.fault);
    return undefined;
  };

  for (const step of workflow.steps) {
    const placed = placeStep(document, step);
    if (step.when !== undefined && render(placed.when, step.when, "plain") !== undefined) {
      if (!isWanted(step.name, step.when, dataNow())) {
        skipped.push(step.name);
        continue;
      }
    }
    const executor = executors.get(step.type);
    const before = problems.length;
    const config = mapTexts(step.config, (value, at) =>
      render(placed.config(at), value, contextAt(executor, at)),
    );
    steps.push({ name: step.name, type: step.type, config });
    if (executor !== undefined && problems.length === before) {
      problems.push(...checkConfig(config, executor, document, placed));
    }
    const output = own(results, step.name);
    ended[step.name] = { output: isRecord(output) ? output : {} };
  }

  const outputs = Object.entries(workflow.outputs).flatMap(([name, { template }]) => {
    const path = ["outputs", name];
    const declared = at(document.value, path);
    const value = render(isRecord(declared) ? [...path, "value"] : path, template, "plain");
    return value === undefined ? [] : [[name, value] as const];
  });
  return { steps, skipped, outputs: Object.fromEntries(outputs), problems };
}

/** Where the file has a step's parts: settings beside `config` join it. */
interface PlacedStep {
  readonly when: Path;
  config(at: Path): Path;
}

function placeStep({ value }: ParsedDocument, { name }: WorkflowStep): PlacedStep {
  const listed = at(value, ["steps"]);
  const entries = isList(listed) ? listed : [];
  const index = entries.findIndex((it) => isRecord(it) && it["name"] === name);
  const path = ["steps", Math.max(0, index)];
  const entry = at(value, path);
  const config = at(value, [...path, "config"]);
  const isOwn = ([key = ""]: Path): boolean =>
    !isRecord(config) || own(config, String(key)) !== undefined || !has(entry, String(key));
  return {
    when: [...path, has(entry, "when") ? "when" : "if"],
    config: (inner) => (isOwn(inner) ? [...path, "config", ...inner] : [...path, ...inner]),
  };
}

const has = (value: Json | undefined, key: string): boolean =>
  isRecord(value) && own(value, key) !== undefined;

function at(value: Json | undefined, path: Path): Json | undefined {
  let here = value;
  for (const part of path) {
    if (isList(here)) here = here[Number(part)];
    else here = isRecord(here) ? own(here, String(part)) : undefined;
  }
  return here;
}

/** The longest of the type's pointers that `path` is at or below. */
function contextAt(executor: StepExecutor | undefined, path: Path): RenderContext {
  for (let length = path.length; length >= 0; length--) {
    const context = executor?.contexts[toPointer(path.slice(0, length))];
    if (context !== undefined) return context;
  }
  return "plain";
}

/** @param change `undefined`: the text stays */
function mapTexts(
  config: JsonRecord,
  change: (text: string, at: Path) => Json | undefined,
): JsonRecord {
  const mapRecord = (record: JsonRecord, path: Path): JsonRecord =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [key, mapValue(value, [...path, key])]),
    );
  const mapValue = (value: Json, path: Path): Json => {
    if (typeof value === "string") return change(value, path) ?? value;
    if (isList(value)) return value.map((it, index) => mapValue(it, [...path, index]));
    return isRecord(value) ? mapRecord(value, path) : value;
  };
  return mapRecord(config, []);
}

/** Once rendered, a step's config has to be what its type takes. */
function checkConfig(
  config: JsonRecord,
  { schema }: StepExecutor,
  document: ParsedDocument,
  placed: PlacedStep,
): readonly Problem[] {
  const checked = checkValue(config, schema, (path) => {
    const known = placed.config(path.map((it) => (typeof it === "number" ? it : String(it))));
    return { place: document.at(known), pointer: toPointer(known) };
  });
  return checked.problems.filter(isError);
}
