/** Figures of one benchmark: medians of several runs, printed as a table and written as JSON. */
import { performance } from "node:perf_hooks";

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What DESIGN §9 asks for; `undefined` where it asks nothing. */
  readonly target?: string;
}

export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly ms: number; readonly value: T }> {
  const startedAt = performance.now();
  const value = await work();
  return { ms: performance.now() - startedAt, value };
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, target }) => [
    name,
    `${value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`,
    target ?? "",
  ]);
  const all = [["what", "measured", "target"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((it) => it[column]?.length ?? 0)));
  return all
    .map((it) => `| ${it.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`)
    .toSpliced(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`)
    .join("\n");
}
