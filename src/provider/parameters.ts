/**
 * The values that a workflow's templates see as `.parameters`.
 *
 * Of a name, what the spec's params say comes first, then the engine's input, then the declared
 * default, then the resource's recorded output: so that a delete workflow may declare a parameter
 * named like an output of its create workflow. Declared and given by none of them, it is null.
 */
import { own, type Json, type JsonRecord } from "../model/json.ts";
import type { Parameter, Workflow } from "../model/workflow.ts";
import { TemplateError } from "../template/errors.ts";
import { parseTemplate } from "../template/parse.ts";
import { renderTemplate } from "../template/render.ts";
import { isReserved } from "./engine-inputs.ts";
import { fit } from "./fit.ts";
import { isTemplate } from "./is-template.ts";

export interface ParameterInputs {
  /** From `engineInputs`. */
  readonly engine: JsonRecord;
  /** The spec's. */
  readonly params: JsonRecord;
  /** Recorded outputs of the resource; empty before there are any. */
  readonly outputs: JsonRecord;
  /** True for a value that is known only at run time: it fits every parameter. Default: none is. */
  readonly isUnknown?: (value: Json) => boolean;
}

interface ParameterFault {
  readonly parameter: string;
  readonly message: string;
  readonly hint: string;
}

export interface BoundParameters {
  /** Every engine input, every param of the spec, every declared parameter. */
  readonly values: JsonRecord;
  /** In the order of the declarations; a faulty value stands in `values` as it was given. */
  readonly faults: readonly ParameterFault[];
}

export function bindParameters(workflow: Workflow, inputs: ParameterInputs): BoundParameters {
  const faults: ParameterFault[] = [];
  const params = Object.entries(inputs.params).filter(([name]) => {
    if (!isReserved(name)) return true;
    const hint = `remove "${name}" from the params`;
    faults.push({ parameter: name, message: `"${name}" is given by the engine`, hint });
    return false;
  });
  const given: JsonRecord = Object.fromEntries([
    ...Object.entries(inputs.engine),
    ...params.filter(([name, value]) => value !== null || !Object.hasOwn(inputs.engine, name)),
  ]);

  const declared = workflow.parameters.map((parameter): [string, Json] => {
    const { name, default: preset } = parameter;
    const asked = own(given, name) ?? renderDefault(parameter, inputs.engine, faults);
    const found = asked ?? (preset === undefined ? own(inputs.outputs, name) : undefined) ?? null;
    if (found === null) {
      // A default was held against its declaration when the file was read.
      if (preset !== undefined) return [name, preset];
      if (parameter.required) {
        const message = `the parameter "${name}" is required`;
        faults.push({ parameter: name, message, hint: `add "${name}" to the params` });
      }
      return [name, null];
    }
    if (inputs.isUnknown?.(found) === true) return [name, found];
    const fitted = fit(parameter, found);
    if (fitted.ok) return [name, fitted.value];
    const message = `the parameter "${name}": ${fitted.message}`;
    faults.push({ parameter: name, message, hint: fitted.hint });
    return [name, found];
  });
  return { values: Object.fromEntries([...Object.entries(given), ...declared]), faults };
}

/** The text of a default that is a template; `undefined` where it is none, or cannot be rendered. */
function renderDefault(
  { name, default: value }: Parameter,
  engine: JsonRecord,
  faults: ParameterFault[],
): string | undefined {
  if (typeof value !== "string" || !isTemplate(value)) return undefined;
  const parsed = parseTemplate(value);
  try {
    if (parsed.ok) return renderTemplate(parsed.template, { parameters: engine }, "plain");
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
  const message = `the default of the parameter "${name}" cannot be rendered`;
  faults.push({ parameter: name, message, hint: `give "${name}" in the params` });
  return undefined;
}
