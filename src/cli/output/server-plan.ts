/** What the API server would change, for people: below the plan, object by object. */
import type { ServerChange } from "../../controller/server-plan.ts";
import { canonical } from "../../model/json.ts";

export function serverPlanText(changes: readonly ServerChange[]): string {
  if (changes.length === 0) return "\nThe API server would change nothing.\n";
  const lines = changes.flatMap(({ uid, step, object, state, changes: fields, message }) => [
    `  ${state.padEnd(9)} ${object === "" ? `step ${step}` : object}  (${uid})`,
    ...(message === "" ? [] : [`            ${message}`]),
    ...fields.map(({ path, from, to }) => `            ${path}: ${shown(from)} -> ${shown(to)}`),
  ]);
  return `\nThe API server says:\n${lines.join("\n")}\n`;
}

const shown = (value: Parameters<typeof canonical>[0]): string =>
  value === undefined ? "(none)" : canonical(value);
