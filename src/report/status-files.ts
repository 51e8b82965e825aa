/**
 * The status branch's files from the record (DESIGN.md §5): equal records give equal bytes, whatever
 * their order and whenever they are rendered, so that publishing one state twice is no commit (law 9).
 */
import { Document, isMap, isSeq } from "yaml";
import type { Condition } from "../model/condition.ts";
import { compareText } from "../model/problem.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import { statusPath, type EnvironmentState, type WorkloadState } from "./environment-state.ts";
import { statusReadme } from "./status-readme.ts";

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

const conditionTypes: readonly Condition["type"][] = ["Ready", "Reconciling", "Stalled"];

function workloadFile(
  environment: string,
  { name, conditions }: WorkloadState,
  resources: readonly Recorded[],
): string {
  const ready = conditions.find((it) => it.type === "Ready");
  const content = {
    apiVersion: "innominatus.dev/v1",
    kind: "WorkloadStatus",
    metadata: { name, environment },
    observedCommit: ready?.observedCommit ?? latest(resources)?.commit ?? null,
    conditions: conditionTypes.flatMap((type) =>
      conditions.filter((it) => it.type === type).map(conditionEntry),
    ),
    resources: resources.map(resourceEntry),
  };
  const document = new Document(content, { aliasDuplicateObjects: false });
  layOut(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

const conditionEntry = (it: Condition): Condition => ({
  type: it.type,
  status: it.status,
  reason: it.reason,
  message: it.message,
  observedCommit: it.observedCommit,
  lastTransitionTime: it.lastTransitionTime,
});

function resourceEntry(it: Recorded): { readonly [key: string]: unknown } {
  const failed = it.phase === "failed" || it.stalled;
  return {
    uid: it.uid,
    phase: phaseOf(it),
    provider: `${it.bundle.provider}@${it.bundle.version}`,
    ...(it.attempted === null ? {} : { operation: it.attempted.operation }),
    ...(it.run === null ? {} : { run: it.run }),
    ...(it.gate === null
      ? {}
      : {
          gate: {
            kind: it.gate.kind,
            message: it.gate.message,
            ...(it.gate.until === undefined ? {} : { until: it.gate.until }),
          },
        }),
    ...(failed && it.message !== "" ? { message: it.message } : {}),
    outputs: sortKeys(it.outputs),
    secretRefs: sortKeys(it.secretRefs),
  };
}

const latest = (resources: readonly Recorded[]): Recorded | undefined =>
  resources.toSorted((a, b) => compareText(b.since, a.since) || compareText(a.uid, b.uid))[0];

const sortKeys = (record: { readonly [key: string]: unknown }): { [key: string]: unknown } =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => compareText(a, b)));

/** One line for each small record, so that a diff of the branch shows what changed and no more. */
function layOut(document: Document): void {
  const inline = (node: unknown): void => {
    if (isMap(node)) node.flow = true;
  };
  const items = (key: string): readonly unknown[] => {
    const node = document.get(key);
    return isSeq(node) ? node.items : [];
  };
  inline(document.get("metadata"));
  for (const it of items("conditions")) inline(it);
  for (const it of items("resources")) {
    if (isMap(it)) for (const key of ["gate", "outputs", "secretRefs"]) inline(it.get(key));
  }
}
