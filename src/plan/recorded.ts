/** The record by uid, kept for as long as it is the same list. */
import type { Recorded } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";

const indexes = new WeakMap<readonly Recorded[], ReadonlyMap<Uid, Recorded>>();

export function recordedByUid(recorded: readonly Recorded[]): ReadonlyMap<Uid, Recorded> {
  const index = indexes.get(recorded) ?? new Map(recorded.map((it) => [it.uid, it]));
  indexes.set(recorded, index);
  return index;
}
