/**
 * The status branch's files from the record (DESIGN.md §5): equal records give equal bytes, whatever
 * their order and whenever they are rendered, so that publishing one state twice is no commit (law 9).
 */
import { compareText } from "../model/problem.ts";
import type { Recorded } from "../model/resource.ts";
import { statusPath, type EnvironmentState, type WorkloadState } from "./environment-state.ts";
import { statusReadme } from "./status-readme.ts";
import { workloadFile } from "./workload-file.ts";

export type { EnvironmentState } from "./environment-state.ts";

/**
 * Every file that belongs on the branch, by path, sorted; a file there that is not among them is to
 * be removed. A workload has none once its last resource is deleted.
 */
export function statusFiles(
  environments: readonly EnvironmentState[],
): ReadonlyMap<string, string> {
  const sorted = environments.toSorted((a, b) => compareText(a.environment, b.environment));
  const files = sorted.flatMap((state) =>
    published(state).map((it): [string, string] => [
      statusPath(state.environment, it.workload.name),
      workloadFile(state.environment, it.workload, it.resources),
    ]),
  );
  return new Map([["README.md", statusReadme(sorted)], ...files]);
}

interface Published {
  readonly workload: WorkloadState;
  readonly resources: readonly Recorded[];
}

/** A workload that is gone from git stays as long as one of its resources is there. */
function published({ workloads, resources }: EnvironmentState): Published[] {
  const known = new Map(workloads.map((it) => [it.name, it]));
  const byWorkload = new Map<string, Recorded[]>();
  for (const it of resources) {
    const before = byWorkload.get(it.workload);
    if (before === undefined) byWorkload.set(it.workload, [it]);
    else before.push(it);
  }
  const names = new Set([...known.keys(), ...byWorkload.keys()]);
  return [...names].toSorted(compareText).flatMap((name) => {
    const all = byWorkload.get(name) ?? [];
    const live = all.filter((it) => it.phase !== "deleted");
    if (all.length > 0 && live.length === 0) return [];
    const workload = known.get(name) ?? { name, file: live[0]?.place.file ?? "", conditions: [] };
    return [{ workload, resources: live.toSorted((a, b) => compareText(a.uid, b.uid)) }];
  });
}
