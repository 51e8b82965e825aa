/** A rendered workflow as a person reads it: each step with its config, then the outputs. */
import { stringify } from "yaml";
import type { JsonRecord } from "../../model/json.ts";
import { plain, type Painter } from "../../plan/render/painter.ts";
import { visible } from "../../plan/render/visible.ts";
import type { RenderedWorkflow } from "../rendered-workflow.ts";

/** Ends with a newline; empty where nothing was rendered. */
export function renderedText(
  name: string | null,
  { steps, skipped, outputs }: RenderedWorkflow,
  paint: Painter = plain,
): string {
  if (steps.length === 0 && skipped.length === 0) return "";
  const blocks = [
    paint.bold(visible(name ?? "workflow")),
    ...steps.map(
      (it, index) =>
        `${index + 1}. ${paint.bold(visible(it.name))} ${paint.dim(`(${visible(it.type)})`)}\n${yaml(it.config)}`,
    ),
    ...(skipped.length === 0 ? [] : [`left out by \`when\`: ${skipped.map(visible).join(", ")}`]),
    ...(Object.keys(outputs).length === 0 ? [] : [`${paint.bold("outputs")}\n${yaml(outputs)}`]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

const yaml = (value: JsonRecord): string =>
  stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : `   ${visible(line)}`))
    .join("\n");
