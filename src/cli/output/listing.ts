/** Every listing, as an aligned table, JSON or YAML (DESIGN.md §10: `-o table|json|yaml`). */
import { stringify } from "yaml";
import type { Json } from "../../model/json.ts";
import { plain, type Painter } from "../../plan/render/painter.ts";
import { visible } from "../../plan/render/visible.ts";
import { displayWidth, padTo, truncate } from "./width.ts";

export const listingFormats = ["table", "json", "yaml"] as const;

export type ListingFormat = (typeof listingFormats)[number];

interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** The colour of a cell; `undefined`: none. */
  readonly colour?: (row: Row) => keyof Painter | undefined;
}

export interface Listing<Row> {
  readonly columns: readonly Column<Row>[];
  readonly json: (row: Row) => Json;
  /** What a table without rows says. */
  readonly empty: string;
}

export interface Screen {
  readonly paint: Painter;
  /** `undefined`: no terminal, nothing is cut. */
  readonly columns: number | undefined;
}

const noScreen: Screen = { paint: plain, columns: undefined };

/** Ends with a newline. JSON and YAML hold whole values, and a list even of none. */
export function renderListing<Row>(
  listing: Listing<Row>,
  rows: readonly Row[],
  format: ListingFormat,
  screen: Screen = noScreen,
): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(rows.map(listing.json), null, 2)}\n`;
    case "yaml":
      return stringify(rows.map(listing.json), { lineWidth: 0, aliasDuplicateObjects: false });
    case "table":
      return rows.length === 0 ? `${listing.empty}\n` : table(listing.columns, rows, screen);
  }
}

const gap = "  ";

function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paint, columns: available }: Screen,
): string {
  const titles = columns.map((it) => it.title.toUpperCase());
  const cells = rows.map((row) => columns.map((it) => visible(it.text(row))));
  const widths = titles.map((title, index) =>
    Math.max(displayWidth(title), ...cells.map((it) => displayWidth(it[index] ?? ""))),
  );
  if (available !== undefined) shrink(widths, available);
  const line = (
    texts: readonly string[],
    colours: readonly (keyof Painter | undefined)[],
  ): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const shown = available === undefined ? text : truncate(text, width);
        const padded = index === texts.length - 1 ? shown : padTo(shown, width);
        const colour = colours[index];
        return colour === undefined ? padded : paint[colour](padded);
      })
      .join(gap)
      .trimEnd();
  const lines = rows.map((row, index) =>
    line(
      cells[index] ?? [],
      columns.map((it) => it.colour?.(row)),
    ),
  );
  const head = line(
    titles,
    titles.map(() => "bold" as const),
  );
  return `${[head, ...lines].join("\n")}\n`;
}

const narrowest = 8;

/** Takes from the widest column, in place, until all fit or none can give. */
function shrink(widths: number[], available: number): void {
  const gaps = gap.length * (widths.length - 1);
  let excess = widths.reduce((sum, it) => sum + it, 0) + gaps - available;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) return;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
}
