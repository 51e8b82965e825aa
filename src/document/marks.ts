/** Where the parts of a document stand: offsets by path, and offsets as lines and columns. */
import type { Json } from "../model/json.ts";
import type { Place } from "../model/problem.ts";

/** Offsets of an entry's key and value; of a list's item, twice the same. */
export interface Mark {
  readonly key: number;
  readonly value: number;
  readonly children: ReadonlyMap<string, Mark> | undefined;
}

export interface Fault {
  readonly offset: number;
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

export interface Tree {
  /** `undefined`: nothing there, or not readable; `faults` says which. */
  readonly value: Json | undefined;
  readonly mark: Mark;
  readonly faults: readonly Fault[];
}

/** Where nothing is at `path`, the nearest parent that is there. */
export function nearest(root: Mark | undefined, path: readonly PropertyKey[]): Mark | undefined {
  let mark = root;
  for (const part of path) {
    const child = mark?.children?.get(String(part));
    if (child === undefined) return mark;
    mark = child;
  }
  return mark;
}

export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

export function placeIn(file: string, starts: readonly number[], offset: number): Place {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
