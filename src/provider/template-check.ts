/** Templates of a workflow, read when it is loaded: a mistake in one is shown in the file, never at run time. */
import { nearestWord } from "../document/suggest.ts";
import { isList, isRecord, type Json } from "../model/json.ts";
import type { Parameter } from "../model/workflow.ts";
import { parseTemplate } from "../template/parse.ts";
import { referencesOf, type TemplateReference } from "../template/references.ts";
import { isEngineInput } from "./engine-inputs.ts";
import type { Finding, Located, Path, Report } from "./report.ts";
import { placeInScalar } from "./scalar-place.ts";
import { conditionAround } from "./template-conditions.ts";

/** What a template may refer to where it stands. */
export interface TemplateScope {
  /** Declared ones; `undefined`: none but the engine's inputs, as in a default. */
  readonly parameters: readonly Parameter[] | undefined;
  /** Steps that have ended by then. */
  readonly steps: readonly string[];
  /** Those that may have been left out. */
  readonly conditional: readonly string[];
  /** All of the workflow, to tell a later step from none. */
  readonly allSteps: readonly string[];
  /** An undeclared parameter is a warning: the files we ship must load whatever they say. */
  readonly lenient: boolean;
}

export interface TemplateSource extends Located {
  /** Of the whole file. */
  readonly text: string;
}

/** Checks every string in `value`, which stands at `path`. */
export function checkTemplates(
  source: TemplateSource,
  path: Path,
  value: Json | undefined,
  scope: TemplateScope,
  report: Report,
): void {
  if (typeof value === "string") checkTemplate(source, path, value, scope, report);
  if (isList(value)) {
    for (const [index, item] of value.entries()) {
      checkTemplates(source, [...path, index], item, scope, report);
    }
  }
  if (!isRecord(value)) return;
  for (const [key, item] of Object.entries(value)) {
    checkTemplates(source, [...path, key], item, scope, report);
  }
}

function checkTemplate(
  source: TemplateSource,
  path: Path,
  template: string,
  scope: TemplateScope,
  report: Report,
): void {
  if (!template.includes("{{")) return;
  const add = (offset: number, finding: Finding): void => {
    const place = placeInScalar(source.text, source.at(path, "value"), template, offset);
    report.add(path, { place, ...finding });
  };
  const parsed = parseTemplate(template);
  if (!parsed.ok) {
    for (const { offset, ...fault } of parsed.faults)
      add(offset, { code: "template/syntax", ...fault });
    return;
  }
  for (const reference of referencesOf(parsed.template)) {
    const condition = conditionAround(parsed.template.body, reference.offset);
    const finding = checkReference(reference, condition, scope);
    if (finding !== undefined) add(reference.offset, finding);
  }
}

/** @param condition what the reference is part of, where that is a condition */
function checkReference(
  { path: [root, name, member], tested }: TemplateReference,
  condition: string | undefined,
  scope: TemplateScope,
): Finding | undefined {
  if (root === undefined) return undefined;
  if (root === "parameters")
    return name === undefined ? undefined : checkParameter(name, condition, scope);
  if (root === "steps")
    return name === undefined ? undefined : checkStep(name, member, tested, scope);
  const message = `found \`.${root}\`, expected \`.parameters\` or \`.steps\``;
  const hint =
    scope.parameters?.some((it) => it.name === root) === true || isEngineInput(root)
      ? `write \`.parameters.${root}\``
      : "start it with `.parameters` or `.steps`";
  return { code: "template/unknown-root", message, hint };
}

function checkParameter(
  name: string,
  condition: string | undefined,
  { parameters, lenient }: TemplateScope,
): Finding | undefined {
  const declared = parameters?.find((it) => it.name === name);
  if (declared !== undefined) {
    const isSet = declared.required || declared.default !== undefined || isEngineInput(name);
    const isHandled = condition === undefined || /\b(default|coalesce)\b/.test(condition);
    if (isSet || isHandled) return undefined;
    const message = `the condition tests the parameter "${name}", which may have no value`;
    const hint = `give "${name}" a default, so that its \`else\` is never taken by accident`;
    return { code: "template/unset-condition", severity: "warning", message, hint };
  }
  if (isEngineInput(name)) return undefined;
  if (parameters === undefined) {
    const message = `a default sees only what the engine gives, and "${name}" is not among it`;
    return {
      code: "template/undeclared-parameter",
      message,
      hint: "use app_name, resource_name or the like",
    };
  }
  const near = nearestWord(
    name,
    parameters.map((it) => it.name),
  );
  return {
    code: "template/undeclared-parameter",
    severity: lenient ? "warning" : "error",
    message: `the parameter "${name}" is not declared`,
    hint:
      near === undefined
        ? `add "${name}" to the workflow's parameters`
        : `did you mean \`${near}\`?`,
  };
}

function checkStep(
  name: string,
  member: string | undefined,
  tested: boolean,
  { steps, allSteps, conditional }: TemplateScope,
): Finding | undefined {
  if (!allSteps.includes(name)) {
    const near = nearestWord(name, allSteps);
    const hint = near === undefined ? "name a step of this workflow" : `did you mean \`${near}\`?`;
    return { code: "template/unknown-step", message: `no step is named "${name}"`, hint };
  }
  if (!steps.includes(name)) {
    const message = `the step "${name}" has not run yet where this is rendered`;
    return { code: "template/later-step", message, hint: "refer to a step before this one" };
  }
  if (conditional.includes(name) && !tested) {
    const message = `the step "${name}" may be left out, and has no output then`;
    const hint = `ask first: {{ if .steps.${name} }} … {{ end }}`;
    return { code: "template/skipped-step", severity: "warning", message, hint };
  }
  if (member === undefined || member === "output") return undefined;
  const message = `found \`.steps.${name}.${member}\`, expected \`.steps.${name}.output\``;
  return {
    code: "template/unknown-root",
    message,
    hint: `write \`.steps.${name}.output.${member}\``,
  };
}
