/**
 * Which resources a template names, and which uid each of its names means: a workload may call a
 * shared resource by a name of its own, so the uid alone does not tell.
 */
import type { Json } from "../model/json.ts";
import { compareText } from "../model/problem.ts";
import type { Uid } from "../model/uid.ts";
import { placeholdersIn } from "../score/placeholders.ts";

/** Names of the workload's resources in `template`, each once, sorted. */
export function namesIn(template: Json): readonly string[] {
  const names = placeholdersIn(template).flatMap(({ path: [root, name] }) =>
    root === "resources" && name !== undefined ? [name] : [],
  );
  return [...new Set(names)].toSorted(compareText);
}

/** By name, from what was kept: the uids that `namesIn(template)` means, in its order. */
export const needsByName = (
  template: Json,
  dependsOn: readonly Uid[],
): readonly (readonly [string, Uid])[] =>
  namesIn(template).flatMap((name, index) => {
    const uid = dependsOn[index];
    return uid === undefined ? [] : [[name, uid] as const];
  });
