/** What evaluating yields: literal and interpolated stretches, and how an interpolation was quoted. */
import { TemplateError } from "./errors.ts";
import type { Command, Operand, Pipeline } from "./syntax.ts";
import type { Value } from "./value.ts";

export type Segment = { readonly kind: "literal"; readonly text: string } | Interpolation;

/** A printed value, and the pipeline that printed it. */
export interface Interpolation {
  readonly kind: "value";
  readonly text: string;
  readonly value: Value;
  readonly pipeline: Pipeline;
}

/**
 * The functions applied to a printed value, the last one first, through parentheses:
 * `indent 2 (toYaml .x)` and `.x | toYaml | indent 2` are both `indent`, `toYaml`.
 */
export function appliedFunctions({ commands }: Pipeline): string[] {
  return commands.toReversed().flatMap(functionsOf);
}

function functionsOf(command: Command): string[] {
  if (command.first.kind !== "function") return innerFunctions(command.first);
  const subject = command.rest.at(-1);
  return [command.first.name, ...(subject === undefined ? [] : innerFunctions(subject))];
}

const innerFunctions = (operand: Operand): string[] =>
  operand.kind === "group" && operand.fields.length === 0 ? appliedFunctions(operand.pipeline) : [];

/** Why a value may not stand where it is; names the reference, never the value. */
export function refuseValue({ pipeline }: Interpolation, why: string, hint: string): TemplateError {
  const shown = pipeline.source.length > 80 ? `${pipeline.source.slice(0, 77)}…` : pipeline.source;
  return new TemplateError(pipeline.offset, `the value of ${shown} ${why}`, hint);
}

/** The environment variable a policy script finds a parameter in, where the pipeline prints one. */
export function parameterOf({ commands }: Pipeline): string | undefined {
  const [command] = commands;
  const operand = command?.first.kind === "function" ? command.rest.at(-1) : command?.first;
  const isRoot =
    operand?.kind === "field" || (operand?.kind === "variable" && operand.name === "$");
  if (operand === undefined || !isRoot) return undefined;
  const [group, name] = operand.fields;
  return group?.name === "parameters" ? name?.name : undefined;
}
