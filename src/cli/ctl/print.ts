/** How a command's result is printed: `-o table` (or `text`), `json` or `yaml`. */
import { stringify } from "yaml";
import { z } from "zod";
import type { Json } from "../../model/json.ts";
import type { Painter } from "../../plan/render/painter.ts";
import { visible } from "../../plan/render/visible.ts";
import { screenOf } from "../context.ts";
import { renderListing, type Listing } from "../output/listing.ts";
import { padTo } from "../output/width.ts";
import type { CtlContext, CtlFlags } from "./context.ts";

export const outputFormats = ["table", "text", "json", "yaml"] as const;

export interface OutputFlags extends CtlFlags {
  readonly output?: (typeof outputFormats)[number];
}

/** JSON of what the server said, with all that this version knows nothing of. */
export const asJson = (value: unknown): Json => z.json().parse(value);

export const printListing = <Row>(
  context: CtlContext,
  columns: Listing<Row>["columns"],
  rows: readonly Row[],
  empty: string,
  { output = "table" }: OutputFlags,
): void => {
  const listing = { columns, json: asJson, empty };
  const format = output === "text" ? "table" : output;
  context.stdout.write(renderListing(listing, rows, format, screenOf(context)));
};

/** @param text made only where it is asked for; ends with a newline */
export function printOne(
  context: CtlContext,
  value: unknown,
  text: (paint: Painter) => string,
  { output = "table" }: OutputFlags,
): void {
  const { paint } = screenOf(context);
  if (output === "json") context.stdout.write(`${JSON.stringify(asJson(value), null, 2)}\n`);
  else if (output === "yaml") {
    context.stdout.write(stringify(asJson(value), { lineWidth: 0, aliasDuplicateObjects: false }));
  } else context.stdout.write(text(paint));
}

/** `title  value` lines; what is empty is left out. */
export function facts(
  paint: Painter,
  all: readonly (readonly [title: string, value: string])[],
): string {
  const shown = all.filter(([, value]) => value !== "");
  const width = Math.max(0, ...shown.map(([title]) => title.length)) + 2;
  return shown
    .map(([title, value]) => `${paint.dim(padTo(title, width))}${visible(value)}\n`)
    .join("");
}

/** The colour of a state, a status or a phase in anybody's words. */
export function stateColour(state: string): keyof Painter | undefined {
  if (["active", "succeeded", "completed", "healthy", "True"].includes(state)) return "green";
  if (["failed", "unhealthy", "False"].includes(state)) return "red";
  if (["held", "waiting", "degraded"].includes(state)) return "yellow";
  if (["terminated", "deleted", "cancelled", "skipped"].includes(state)) return "dim";
  return "cyan";
}
