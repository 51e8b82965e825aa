/** One template rendered as a run renders it, or what is wrong with it, said for a provider's author. */
import { renderConfig, type TemplateData } from "../execute/render.ts";
import { StallingError } from "../model/errors.ts";
import type { Json } from "../model/json.ts";
import { parseTemplate } from "../template/parse.ts";
import { referencesOf } from "../template/references.ts";
import { renderTemplate, TemplateError, type Context } from "../template/render.ts";
import type { Template } from "../template/syntax.ts";

export type RenderContext = Context;

export interface Fault {
  /** Into the template's text. */
  readonly offset: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export function renderText(
  text: string,
  context: RenderContext,
  data: TemplateData,
): { readonly value: Json } | { readonly fault: Fault } {
  try {
    const { it = "" } = renderConfig("it", { it: text }, { "": context }, data);
    return { value: it };
  } catch (error) {
    if (!(error instanceof StallingError)) throw error;
    return { fault: explain(text, context, data, error) };
  }
}

/** The error of a run names a step; an author wants the character. */
function explain(
  text: string,
  context: RenderContext,
  data: TemplateData,
  { message, hint }: StallingError,
): Fault {
  const parsed = parseTemplate(text);
  const error = parsed.ok ? errorOf(parsed.template, context, data) : undefined;
  if (!parsed.ok || error === undefined)
    return { offset: 0, code: "template/render", message, hint };
  const { offset } = error;
  const found = { offset, message: error.message, hint: error.hint };
  // Harmless as plain text: the value is what is wrong where it stands.
  if (errorOf(parsed.template, "plain", data) === undefined) {
    return { ...found, code: "template/unsafe-value" };
  }
  // The error is at the field that is missing, in a path that begins before it.
  const reference = referencesOf(parsed.template).findLast((it) => it.offset <= offset);
  const [root, name, , key] = reference?.path ?? [];
  if (reference === undefined || name === undefined) return { ...found, code: "template/render" };
  const missing = { offset: reference.offset, message: error.message };
  if (root === "parameters" && !Object.hasOwn(data.parameters, name)) {
    const advice = `add "${name}" to the file given with --params`;
    return { ...missing, code: "template/missing-parameter", hint: advice };
  }
  if (root === "steps" && !Object.hasOwn(data.steps, name)) {
    const advice = `ask first whether it ran: {{ if .steps.${name} }} … {{ end }}`;
    return { ...missing, code: "template/missing-result", hint: advice };
  }
  const output = data.steps[name]?.output;
  if (
    root === "steps" &&
    key !== undefined &&
    output !== undefined &&
    !Object.hasOwn(output, key)
  ) {
    const advice = `add "${key}" to "${name}" in the file given with --results`;
    return { ...missing, code: "template/missing-result", hint: advice };
  }
  return { ...found, code: "template/render" };
}

function errorOf(
  template: Template,
  context: RenderContext,
  data: TemplateData,
): TemplateError | undefined {
  try {
    renderTemplate(template, data, context);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}
