/** The parameters that a workflow declares, with what makes a declaration useless reported in place. */
import type { Json } from "../model/json.ts";
import type { Parameter } from "../model/workflow.ts";
import { compilePattern, fit } from "./fit.ts";
import { isTemplate } from "./is-template.ts";
import type { Report } from "./report.ts";
import { parameterTypes, type ParameterEntry } from "./workflow-schema.ts";

export function readParameters(
  entries: readonly ParameterEntry[],
  report: Report,
): readonly Parameter[] {
  const names = entries.map((it) => it.name);
  return entries.map((entry, index) => {
    const path = ["parameters", index];
    if (names.indexOf(entry.name) !== index) {
      const message = `two parameters are named "${entry.name}"`;
      report.add([...path, "name"], {
        code: "provider/duplicate-parameter",
        message,
        hint: "remove one of them",
      });
    }
    if (entry.pattern !== undefined && compilePattern(entry.pattern) === undefined) {
      const message = "the pattern is no regular expression";
      report.add([...path, "pattern"], {
        code: "provider/pattern",
        message,
        hint: "correct it, or remove it",
      });
    }
    const parameter = readParameter(entry);
    const fitted = checkDefault(parameter);
    if (fitted === undefined) return parameter;
    if (fitted.ok) return { ...parameter, default: fitted.value };
    const { message, hint } = fitted;
    report.add([...path, "default"], {
      code: "provider/default",
      message: `the default: ${message}`,
      hint,
    });
    return parameter;
  });
}

function readParameter(entry: ParameterEntry): Parameter {
  const { name, pattern } = entry;
  const type = parameterTypes[entry.type ?? "string"];
  // Empty text stands for no value where text is not asked for.
  const preset: Json | undefined =
    entry.default === "" && type !== "string" ? undefined : (entry.default ?? undefined);
  return {
    name,
    type,
    required: entry.required ?? false,
    ...(preset === undefined ? {} : { default: preset }),
    ...(entry.enum === undefined ? {} : { enum: entry.enum }),
    ...(pattern === undefined ? {} : { pattern }),
    description: entry.description ?? "",
    sensitive: entry.sensitive ?? false,
    immutable: entry.immutable ?? false,
    ...(entry.onlyGrows === true ? { onlyGrows: true } : {}),
  };
}

/** `undefined`: nothing to check before it is rendered. An empty default of text stands for none: any rule allows it. */
function checkDefault(parameter: Parameter) {
  const { default: value } = parameter;
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string" && isTemplate(value)) return undefined;
  return fit(parameter, value);
}
