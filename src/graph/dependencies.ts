/** Things that need one another: in which order they can be made, which at once, and what takes longest. Pure. */
import { compareText } from "../model/problem.ts";

export interface Dependent {
  readonly name: string;
  /** Names that are not among the things themselves are no reason to wait. */
  readonly dependsOn: readonly string[];
  /** What it takes; absent: one. */
  readonly cost?: number;
}

export interface Dependencies {
  /** Each before those that need it. */
  readonly order: readonly string[];
  /** What can be done at once, group by group. */
  readonly groups: readonly (readonly string[])[];
  /** The chain that takes longest, from its beginning. */
  readonly criticalPath: readonly string[];
  /** In a circle, or behind one: they come before nothing, and are in none of the above. */
  readonly unordered: readonly string[];
}

/** @param items each name once; their order does not matter */
export function analyseDependencies(items: readonly Dependent[]): Dependencies {
  const sorted = items.toSorted((a, b) => compareText(a.name, b.name));
  const names = new Set(sorted.map((it) => it.name));
  const needs = new Map(
    sorted.map((it) => [it.name, [...new Set(it.dependsOn)].filter((name) => names.has(name))]),
  );
  const groups: string[][] = [];
  const longest = new Map<string, { readonly cost: number; readonly after: string | undefined }>();
  let left = sorted;
  for (;;) {
    const ready = left.filter((it) => needs.get(it.name)?.every((name) => longest.has(name)));
    if (ready.length === 0) break;
    for (const { name, cost = 1 } of ready) {
      const before = costliest(needs.get(name) ?? [], longest);
      const spent = before === undefined ? 0 : (longest.get(before)?.cost ?? 0);
      longest.set(name, { cost: spent + cost, after: before });
    }
    groups.push(ready.map((it) => it.name));
    left = left.filter((it) => !longest.has(it.name));
  }
  const criticalPath: string[] = [];
  let at = costliest([...longest.keys()], longest);
  while (at !== undefined) {
    criticalPath.unshift(at);
    at = longest.get(at)?.after;
  }
  return { order: groups.flat(), groups, criticalPath, unordered: left.map((it) => it.name) };
}

/** The first of several, so that equal input gives an equal answer. */
const costliest = (
  names: readonly string[],
  longest: ReadonlyMap<string, { readonly cost: number }>,
): string | undefined =>
  names
    .toSorted(compareText)
    .reduce<string | undefined>(
      (best, it) =>
        best === undefined || (longest.get(it)?.cost ?? 0) > (longest.get(best)?.cost ?? 0)
          ? it
          : best,
      undefined,
    );
