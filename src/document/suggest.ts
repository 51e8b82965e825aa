/** "did you mean …?": the known word nearest to one that is not known. */

/** @returns the nearest of `known` that is within a third of the word's length; `undefined` when none is */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(normalise(word), normalise(candidate));
    if (distance > limit || candidate === word) continue;
    if (best === undefined || distance < best.distance) best = { word: candidate, distance };
  }
  return best?.word;
}

/** `read_only`, `read-only` and `ReadOnly` are near `readOnly`. */
const normalise = (word: string): string => word.slice(0, 64).toLowerCase().replace(/[-_]/g, "");

/** Insertions, removals, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const here = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (here[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      here.push(cost);
    }
    beforeLast = last;
    last = here;
  }
  return last[b.length] ?? 0;
}
