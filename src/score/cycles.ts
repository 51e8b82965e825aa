/** Cycles in a small graph: each once, from its first name on. */

/** One cycle for every knot of nodes that reach one another, sorted by its first node. Iterative: names come from files. */
export function cyclesIn(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  for (const start of [...edges.keys()].toSorted()) {
    if (done.has(start)) continue;
    const cycle = shortestCycle(start, edges);
    if (cycle === undefined) continue;
    for (const name of knotOf(start, edges)) done.add(name);
    cycles.push(cycle);
  }
  return cycles;
}

function shortestCycle(
  start: string,
  edges: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const next of edges.get(name) ?? []) {
      if (next === start) {
        const cycle = [name];
        let here = name;
        while (here !== start) {
          here = cameFrom.get(here) ?? start;
          cycle.unshift(here);
        }
        return cycle;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      queue.push(next);
    }
  }
  return undefined;
}

/** Everything that `start` reaches and that reaches `start`. */
function knotOf(start: string, edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  const backwards = new Map<string, string[]>();
  for (const [name, targets] of edges) {
    for (const target of targets) backwards.set(target, [...(backwards.get(target) ?? []), name]);
  }
  const forward = reachable(start, edges);
  const backward = reachable(start, backwards);
  return new Set([...forward].filter((it) => backward.has(it)));
}

function reachable(start: string, edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set([start]);
  for (const name of seen) {
    for (const next of edges.get(name) ?? []) seen.add(next);
  }
  return seen;
}
