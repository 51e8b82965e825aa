/**
 * Which operations of a plan come before which: what a resource's params need is made first, and
 * is deleted last. Pure.
 */
import { compareText } from "../model/problem.ts";
import type { PlannedOperation } from "../model/plan.ts";
import type { Desired, Recorded } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";

/** Fills in `dependsOn`; operations that do nothing are waited for by nobody. */
export function orderOperations(
  operations: readonly PlannedOperation[],
  desired: readonly Desired[],
  recorded: readonly Recorded[],
): PlannedOperation[] {
  const active = new Set(operations.filter((it) => it.operation !== "none").map((it) => it.uid));
  if (active.size === 0) return [...operations];
  const dependent = desired.filter((it) => it.dependsOn.length > 0);
  const needs = new Map(dependent.map((it) => [it.uid, it.dependsOn]));
  const dependents = operations.some(deletes) ? invert(recorded) : new Map<Uid, Uid[]>();
  return operations.map((it) => {
    if (it.operation === "none") return it;
    const before = deletes(it) ? (dependents.get(it.uid) ?? []) : (needs.get(it.uid) ?? []);
    const dependsOn = new Set(before.filter((uid) => active.has(uid) && uid !== it.uid));
    return dependsOn.size === 0 ? it : { ...it, dependsOn: [...dependsOn].toSorted(compareText) };
  });
}

export const deletes = ({ operation }: PlannedOperation): boolean =>
  operation === "delete" || operation === "replace";

/** Who was made with outputs of whom. */
function invert(recorded: readonly Recorded[]): ReadonlyMap<Uid, readonly Uid[]> {
  const dependents = new Map<Uid, Uid[]>();
  for (const { uid, dependsOn } of recorded) {
    for (const needed of dependsOn) {
      const known = dependents.get(needed);
      if (known === undefined) dependents.set(needed, [uid]);
      else known.push(uid);
    }
  }
  return dependents;
}
