/** A step's config and a run's outputs, every template in them rendered: law 10's words for a bad one. */
import { StallingError } from "../model/errors.ts";
import { escapePointer, isList, isRecord, own, type Json, type JsonRecord } from "../model/json.ts";
import type { Workflow } from "../model/workflow.ts";
import { TemplateError } from "../template/errors.ts";
import { parseTemplate } from "../template/parse.ts";
import { renderTemplate, type Context as TemplateContext } from "../template/render.ts";
import type { Template } from "../template/syntax.ts";

/** Context by JSON pointer into the config; it holds for everything below, and the longest wins. */
export type TemplateContexts = Readonly<Record<string, TemplateContext>>;

/** What templates see. A step that was skipped is not in `steps`. */
export interface TemplateData extends JsonRecord {
  readonly parameters: JsonRecord;
  readonly steps: Readonly<Record<string, { readonly output: JsonRecord }>>;
  /** ISO 8601; the same for all of a run. */
  readonly now: string;
}

/** @throws {StallingError} TemplateError, naming the step and the field */
export function renderConfig(
  step: string,
  config: JsonRecord,
  contexts: TemplateContexts,
  data: TemplateData,
): JsonRecord {
  const render = (value: Json, pointer: string, above: TemplateContext): Json => {
    const context = contexts[pointer] ?? above;
    if (typeof value === "string") {
      return renderValue(`step ${step}: config${pointer}`, value, context, data);
    }
    if (isList(value)) return value.map((it, index) => render(it, `${pointer}/${index}`, context));
    return isRecord(value) ? renderRecord(value, pointer, context) : value;
  };
  const renderRecord = (record: JsonRecord, pointer: string, above: TemplateContext): JsonRecord =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => {
        return [key, render(value, `${pointer}/${escapePointer(key)}`, above)];
      }),
    );
  return renderRecord(config, "", contexts[""] ?? "plain");
}

/**
 * An output named `*` gives a mapping, whose entries are outputs too; a name that is declared comes
 * first. @throws {StallingError} TemplateError, naming the output
 */
export function renderOutputs(outputs: Workflow["outputs"], data: TemplateData): JsonRecord {
  const rendered: Record<string, Json> = {};
  for (const [name, { template }] of Object.entries(outputs)) {
    rendered[name] = renderValue(`output ${name}`, template, "plain", data);
  }
  const { "*": spread, ...named } = rendered;
  if (spread === undefined) return named;
  if (isRecord(spread)) return { ...spread, ...named };
  const hint = "give it one bare reference to a parameter or output that is a mapping";
  throw new StallingError("TemplateError", "output *: found no mapping", hint);
}

/** Whether a step takes part; @throws {StallingError} TemplateError */
export function isWanted(step: string, when: string, data: TemplateData): boolean {
  const value = renderValue(`step ${step}: when`, when, "plain", data);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return !["", "false", "0", "no"].includes(text.trim().toLowerCase());
}

/**
 * A template that is one plain reference and nothing else gives the value itself, so that a number
 * stays a number and a map a map; every other one gives text.
 */
function renderValue(
  where: string,
  text: string,
  context: TemplateContext,
  data: TemplateData,
): Json {
  if (!text.includes("{{")) return text;
  const template = parse(where, text);
  const value = context === "plain" ? referred(template, data) : undefined;
  if (value !== undefined && value !== null && typeof value !== "string") return value;
  try {
    return renderTemplate(template, data, context);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new StallingError("TemplateError", `${where}: ${error.message}`, error.hint);
  }
}

/** The value that a template of one bare reference names; `undefined` for any other template. */
function referred({ body }: Template, data: JsonRecord): Json | undefined {
  const [node, ...others] = body;
  if (node?.kind !== "action" || others.length > 0) return undefined;
  const [command, ...piped] = node.pipeline.commands;
  const operand = command?.first;
  if (operand?.kind !== "field" || piped.length > 0 || node.pipeline.variables.length > 0) {
    return undefined;
  }
  let here: Json | undefined = data;
  for (const { name } of operand.fields) here = isRecord(here) ? own(here, name) : undefined;
  return here;
}

/** Workflows are few and run often: a bundle's templates are read once, not once per run. */
const parsed = new Map<string, Template>();
const parsedAtMost = 2_000;

function parse(where: string, text: string): Template {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const result = parseTemplate(text);
  if (!result.ok) {
    const hint = "correct the template in the provider's workflow";
    const faults = result.faults.map(({ message }) => message).join("; ");
    throw new StallingError("TemplateError", `${where}: ${faults}`, hint);
  }
  if (parsed.size >= parsedAtMost) parsed.clear();
  parsed.set(text, result.template);
  return result.template;
}
