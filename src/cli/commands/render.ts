/** `innominatus render`: a workflow's steps as they would run, for whoever writes it (DESIGN.md §10). */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { nearestWord } from "../../document/suggest.ts";
import { parseFile, type ParsedDocument } from "../../document/file.ts";
import { createExecutors } from "../../execute/registry.ts";
import { isRecord, toPointer, type JsonRecord } from "../../model/json.ts";
import { byPlace, isError, type Problem } from "../../model/problem.ts";
import type { Workflow } from "../../model/workflow.ts";
import { problemJson } from "../../plan/render/json.ts";
import { isEngineInput } from "../../provider/engine-inputs.ts";
import { bindParameters } from "../../provider/parameters.ts";
import { isWorkflow, readWorkflow } from "../../provider/workflow.ts";
import { nameOf } from "../check-file.ts";
import { painterOf, screenOf, type CommandContext } from "../context.ts";
import { readFile, shownPath } from "../files.ts";
import { CommandError } from "../output/failure.ts";
import { problemsText } from "../output/problems.ts";
import { renderedText } from "../output/rendered.ts";
import {
  renderWorkflow,
  type RenderedWorkflow,
  type WorkflowSource,
} from "../rendered-workflow.ts";

export interface RenderFlags {
  readonly params?: string;
  readonly results?: string;
  readonly output: "text" | "json";
}

export async function runRender(
  context: CommandContext,
  given: string,
  flags: RenderFlags,
): Promise<number> {
  const { name, ...rendered } = rendering(context, given, flags);
  const problems = rendered.problems.toSorted(byPlace);
  if (flags.output === "json") {
    const { steps, outputs } = rendered;
    const listed = steps.map(({ type, config, ...it }) => ({ name: it.name, type, config }));
    const json = { workflow: name, steps: listed, outputs, problems: problems.map(problemJson) };
    context.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  } else {
    const shown = renderedText(name, rendered, screenOf(context).paint);
    context.stdout.write(shown);
    const textOf = (file: string): string | undefined => {
      const text = readFile(resolve(context.cwd, file), file);
      return text.ok ? text.value : undefined;
    };
    const told = problemsText(problems, textOf, painterOf(context));
    context.stderr.write(shown === "" || told === "" ? told : `\n${told}`);
  }
  return problems.some(isError) ? 1 : 0;
}

interface Rendering extends RenderedWorkflow {
  /** Of the workflow; `null` where it has none. */
  readonly name: string | null;
}

function rendering(context: CommandContext, given: string, flags: RenderFlags): Rendering {
  const { source, name, problems } = readSource(context, given);
  const params = readInputs(context, flags.params, "--params");
  const results = readInputs(context, flags.results, "--results");
  const read = [...problems, ...params.problems, ...results.problems];
  if (source === undefined || read.some(isError)) {
    return { name, steps: [], skipped: [], outputs: {}, problems: read };
  }
  const { values, problems: misfits } = bind(source, params);
  const rendered = renderWorkflow(source, {
    parameters: values,
    results: results.value,
    now: context.clock.now().toISOString(),
    executors: idleExecutors(context),
  });
  const strays = strayResults(source.workflow, results);
  return { name, ...rendered, problems: [...read, ...misfits, ...strays, ...rendered.problems] };
}

function readSource(
  context: CommandContext,
  given: string,
): {
  readonly source: WorkflowSource | undefined;
  readonly name: string | null;
  readonly problems: readonly Problem[];
} {
  const { file, path } = existing(context, given, "WORKFLOW");
  const text = readFile(path, file);
  if (!text.ok) return { source: undefined, name: null, problems: text.problems };
  const parsed = parseFile(file, text.value);
  const document = parsed.documents.find((it) => isWorkflow(it.value)) ?? parsed.documents[0];
  if (document?.value === undefined) {
    return { source: undefined, name: null, problems: parsed.problems };
  }
  const name = nameOf(document.value);
  const { workflow, problems } = readWorkflow(document, text.value, name ?? file, false);
  const source = workflow === undefined ? undefined : { workflow, document, text: text.value };
  return { source, name, problems: [...parsed.problems, ...problems] };
}

interface Inputs {
  readonly value: JsonRecord;
  /** `undefined`: nothing was given. */
  readonly document: ParsedDocument | undefined;
  readonly problems: readonly Problem[];
}

function readInputs(context: CommandContext, given: string | undefined, flag: string): Inputs {
  const none: Inputs = { value: {}, document: undefined, problems: [] };
  if (given === undefined) return none;
  const { file, path } = existing(context, given, flag);
  const text = readFile(path, file);
  if (!text.ok) return { ...none, problems: text.problems };
  const { documents, problems } = parseFile(file, text.value);
  const [document] = documents;
  if (document === undefined || problems.some(isError)) {
    // A file of comments gives nothing, which is fine.
    return { ...none, problems: problems.filter((it) => it.code !== "yaml/empty") };
  }
  const { value = null } = document;
  if (isRecord(value)) return { value, document, problems };
  if (value === null) return { ...none, problems };
  const message = "expected a mapping of names to values";
  const fault = { pointer: "", code: "schema/invalid-type", severity: "error" as const, message };
  return { ...none, problems: [...problems, { ...document.at([]), ...fault }] };
}

/** @throws {CommandError} with the exit code of a wrong usage */
function existing(
  { cwd }: CommandContext,
  given: string,
  what: string,
): { readonly path: string; readonly file: string } {
  const path = resolve(cwd, given);
  const stat = statSync(path, { throwIfNoEntry: false });
  // Pipes too: `--params <(…)`.
  if (stat !== undefined && !stat.isDirectory()) {
    return { path, file: shownPath(path, cwd, [given]) };
  }
  const next = `give a file for ${what}; paths are counted from ${cwd}`;
  throw new CommandError("there is no such file", given, next, { exitCode: 2 });
}

/** As a run gets them: defaults, types and what is required, from what is given and nothing else. */
function bind(
  { workflow, document }: WorkflowSource,
  given: Inputs,
): { readonly values: JsonRecord; readonly problems: readonly Problem[] } {
  const entries = Object.entries(given.value);
  const engine = Object.fromEntries(entries.filter(([key]) => isEngineInput(key)));
  const params = Object.fromEntries(entries.filter(([key]) => !isEngineInput(key)));
  const { values, faults } = bindParameters(workflow, { engine, params, outputs: {} });
  const problems = faults.map(({ parameter, message, hint }): Problem => {
    const index = workflow.parameters.findIndex((it) => it.name === parameter);
    const [where, path] =
      given.document !== undefined && Object.hasOwn(given.value, parameter)
        ? [given.document, [parameter]]
        : [document, ["parameters", index, "name"]];
    const pointer = toPointer(path);
    const rest = { pointer, code: "provider/parameter", severity: "error" as const, message, hint };
    return { ...where.at(path, "value"), ...rest };
  });
  return { values, problems };
}

/** Results of a step that is not there are most often a slip in its name. */
function strayResults({ steps }: Workflow, { value, document }: Inputs): readonly Problem[] {
  const names = steps.map((it) => it.name);
  return Object.entries(value).flatMap(([name, result]): Problem[] => {
    if (document === undefined) return [];
    const at = { ...document.at([name]), pointer: toPointer([name]) };
    if (!names.includes(name)) {
      const near = nearestWord(name, names);
      const hint =
        near === undefined ? `name one of: ${names.join(", ")}` : `did you mean \`${near}\`?`;
      const message = `no step is named "${name}"`;
      return [{ ...at, code: "template/unknown-step", severity: "warning", message, hint }];
    }
    if (isRecord(result)) return [];
    const message = `expected the outputs of "${name}" as a mapping`;
    const hint = `write \`${name}: { key: value }\``;
    return [{ ...at, code: "schema/invalid-type", severity: "error", message, hint }];
  });
}

/** Asked for what their configs are, and never to do anything. */
const idleExecutors = ({ clock, random }: CommandContext): ReturnType<typeof createExecutors> =>
  createExecutors({
    clock,
    random,
    scratch: "",
    path: "",
    randomBytes,
    secretMemory: { get: async () => undefined, put: async () => undefined },
    connections: {},
    fetch,
  });
