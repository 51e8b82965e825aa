/** The status branch's README, a Markdown table on the forge, as a terminal shows it. */
import { displayWidth, padTo } from "../cli/output/width.ts";

/** Cells of the table in `readme`, its titles first; none where there is no table. */
export const statusRows = (readme: string): readonly (readonly string[])[] =>
  readme
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .map((line) => line.slice(2, -2).split(" | ").map(withoutMarkup));

export function statusLines(rows: readonly (readonly string[])[]): string[] {
  const [titles = []] = rows;
  const widths = titles.map((_, column) =>
    Math.max(...rows.map((cells) => displayWidth(cells[column] ?? ""))),
  );
  return rows.map((cells) =>
    cells
      .map((cell, column) => padTo(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const withoutMarkup = (cell: string): string =>
  cell.replace(/^\[(.*)\]\(.*\)$/, "$1").replaceAll(/[`*]/g, "");
