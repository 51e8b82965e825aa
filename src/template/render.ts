/** Template and data → text, refusing values that would change the meaning of what is around them. */
import type { JsonRecord } from "../model/json.ts";
import { evaluate } from "./evaluate.ts";
import { guardShell } from "./guard-shell.ts";
import { guardSql } from "./guard-sql.ts";
import { guardYaml } from "./guard-yaml.ts";
import type { Segment } from "./segment.ts";
import type { Template } from "./syntax.ts";

export { TemplateError } from "./errors.ts";

/** What the text is for: decides which values may stand raw, and where. */
export type Context = "plain" | "shell" | "yaml" | "sql";

const guards: { readonly [context in Context]: (segments: readonly Segment[]) => void } = {
  plain: () => undefined,
  shell: guardShell,
  yaml: guardYaml,
  sql: guardSql,
};

/** @throws {TemplateError} which names references, never values */
export function renderTemplate(template: Template, data: JsonRecord, context: Context): string {
  const segments = evaluate(template, data);
  guards[context](segments);
  return segments.map((it) => it.text).join("");
}
