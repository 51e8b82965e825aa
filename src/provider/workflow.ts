/** One workflow file → a workflow as it runs, with every mistake in it and in its templates (law 10). */
import { check } from "../document/check.ts";
import type { ParsedDocument } from "../document/file.ts";
import { isRecord } from "../model/json.ts";
import { isError, type Problem } from "../model/problem.ts";
import type { OutputDeclaration, Parameter, Workflow } from "../model/workflow.ts";
import { isCredentialName } from "./credentials.ts";
import { normalizeTarget } from "../model/target.ts";
import { parseDuration } from "./duration.ts";
import { readParameters } from "./parameter-declarations.ts";
import { startReport, type Report } from "./report.ts";
import { readSteps, type PlacedStep } from "./steps.ts";
import { checkTemplates, type TemplateScope, type TemplateSource } from "./template-check.ts";
import { reportUnknownFields } from "./unknown-fields.ts";
import { workflowSchema, type WorkflowFile } from "./workflow-schema.ts";

/** A workflow of ours; Argo's and others' have the same kind under another group. */
export function isWorkflow(value: unknown): boolean {
  if (!isRecord(value) || value["kind"] !== "Workflow") return false;
  const { apiVersion } = value;
  return typeof apiVersion !== "string" || /^innominatus\.(io|dev)\//.test(apiVersion);
}

export interface ReadWorkflow {
  /** `undefined` where any problem is an error. */
  readonly workflow: Workflow | undefined;
  readonly problems: readonly Problem[];
}

/**
 * @param text of the whole file, for places inside of strings
 * @param name that the manifest gives it
 * @param lenient undeclared parameters are warnings (files that we ship)
 */
export function readWorkflow(
  document: ParsedDocument,
  text: string,
  name: string,
  lenient: boolean,
): ReadWorkflow {
  const checked = check(document, workflowSchema);
  const report = startReport(document, checked.problems);
  reportUnknownFields(workflowSchema, document.value, report);
  if (!checked.ok) return { workflow: undefined, problems: report.problems };

  const file = checked.value;
  const parameters = readParameters(file.parameters ?? [], report);
  const steps = readSteps(file.steps, file.retrySafe ?? file.target === undefined, report);
  checkTarget(file, report);
  checkAllTemplates(file, parameters, steps, {
    source: { text, at: (path, part) => document.at(path, part) },
    lenient,
    report,
  });

  const workflow: Workflow = {
    name,
    parameters,
    steps: steps.map((it) => it.step),
    outputs: readOutputs(file),
    ...(file.target === undefined ? {} : { target: file.target }),
    ...readTimeout(file, report),
  };
  return {
    workflow: report.problems.some(isError) ? undefined : workflow,
    problems: report.problems,
  };
}

function readTimeout({ timeout }: WorkflowFile, report: Report): { readonly timeoutMs?: number } {
  if (timeout === undefined) return {};
  const timeoutMs = parseDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs > 0) return { timeoutMs };
  const hint = "write it like 30m or 2h";
  report.add(["timeout"], {
    code: "provider/duration",
    message: "expected a duration above zero",
    hint,
  });
  return {};
}

/** What the parameters make of it is known when a run is queued; what it can never be, now (E1). */
function checkTarget({ target }: WorkflowFile, report: Report): void {
  if (target === undefined) return;
  if (normalizeTarget(target.replaceAll(/\{\{.*?\}\}/gs, "x")) !== undefined) return;
  report.add(["target"], {
    code: "provider/target",
    message: `expected namespace/kind/name or kind/name, found "${target}"`,
    hint: 'write it like "{{ .parameters.namespace }}/deployment/{{ .parameters.app_name }}"',
  });
}

function readOutputs(file: WorkflowFile): { readonly [name: string]: OutputDeclaration } {
  const outputs = Object.entries(file.outputs ?? {}).map(
    ([name, given]): [string, OutputDeclaration] => {
      const declared = typeof given === "object" ? given : { value: given };
      const sensitive = declared.sensitive ?? isCredentialName(name);
      return [name, { template: String(declared.value), sensitive }];
    },
  );
  return Object.fromEntries(outputs);
}

interface Checks {
  readonly source: TemplateSource;
  readonly lenient: boolean;
  readonly report: Report;
}

function checkAllTemplates(
  file: WorkflowFile,
  parameters: readonly Parameter[],
  steps: readonly PlacedStep[],
  { source, lenient, report }: Checks,
): void {
  const allSteps = steps.map((it) => it.step.name);
  const conditional = steps.filter((it) => it.step.when !== undefined).map((it) => it.step.name);
  const scope: TemplateScope = { parameters, steps: [], conditional, allSteps, lenient };
  for (const [index, { default: value }] of parameters.entries()) {
    if (typeof value !== "string") continue;
    checkTemplates(
      source,
      ["parameters", index, "default"],
      value,
      { ...scope, parameters: undefined },
      report,
    );
  }
  checkTemplates(source, ["target"], file.target, scope, report);
  for (const [position, { step, index }] of steps.entries()) {
    const here = { ...scope, steps: allSteps.slice(0, position) };
    const entry = file.steps[index];
    const key = entry?.when === undefined ? "if" : "when";
    checkTemplates(source, ["steps", index, key], step.when, here, report);
    for (const [name, value] of Object.entries(step.config)) {
      const inConfig = Object.hasOwn(entry?.config ?? {}, name) ? ["config"] : [];
      checkTemplates(source, ["steps", index, ...inConfig, name], value, here, report);
    }
  }
  for (const [name, output] of Object.entries(file.outputs ?? {})) {
    const path = ["outputs", name];
    const [at, value] =
      typeof output === "object" ? [[...path, "value"], output.value] : [path, output];
    checkTemplates(source, at, value, { ...scope, steps: allSteps }, report);
  }
}
