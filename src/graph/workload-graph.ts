/** The record of one workload in one environment, as a graph. Pure. */
import { compareText } from "../model/problem.ts";
import type { Recorded } from "../model/resource.ts";
import type { Run, StepRecord } from "../model/run.ts";
import type { Scope, Uid } from "../model/uid.ts";
import { createGraph, type Graph, type GraphBuilder } from "./graph.ts";
import { resourceStatus, runStatus, stepStatus, worstOf } from "./status.ts";

export interface RunWithSteps {
  readonly run: Run;
  readonly steps: readonly ShownStep[];
}

/** Not what it put out: even the names are of no use in a graph. */
export type ShownStep = Omit<StepRecord, "outputNames">;

export interface WorkloadRecord {
  readonly scope: Scope;
  /** Its name. */
  readonly workload: string;
  /** Of the whole environment: what the workload's own need is found among them. */
  readonly resources: readonly Recorded[];
  /** Those of other workloads' resources are left out. */
  readonly runs: readonly RunWithSteps[];
}

export function workloadGraph({ scope, workload, resources, runs }: WorkloadRecord): Graph {
  const graph = createGraph();
  const idOf = ids(scope, workload);
  const used = usedBy(workload, resources);
  const shown = runs
    .filter((it) => used.has(it.run.uid))
    .toSorted((a, b) => compareText(a.run.id, b.run.id));

  addApplication(graph, idOf, { scope, workload, resources: [...used.values()] });
  for (const it of used.values()) {
    addResource(graph, idOf("resource", it.uid), it);
    if (it.workload === workload) graph.join(idOf("app"), "contains", idOf("resource", it.uid));
    for (const needed of it.dependsOn) {
      graph.join(idOf("resource", it.uid), "depends-on", idOf("resource", needed));
    }
    addProvider(graph, idOf, it.bundle.provider, [...used.values()]);
    graph.join(idOf("resource", it.uid), "requires", idOf("provider", it.bundle.provider));
  }
  for (const { run, steps } of shown) {
    const resource = used.get(run.uid);
    if (resource === undefined) continue;
    // It may be of a provider that the resource has left since.
    addProvider(graph, idOf, run.provider, [...used.values()]);
    graph.join(idOf("resource", run.uid), "requires", idOf("provider", run.provider));
    const workflow = idOf("workflow", run.provider, run.workflow);
    const last = shown.findLast(
      (it) => it.run.provider === run.provider && it.run.workflow === run.workflow,
    );
    graph.add({
      id: workflow,
      name: run.workflow,
      type: "workflow",
      status: runStatus((last?.run ?? run).state),
      description: `workflow ${run.workflow} of ${run.provider}`,
      metadata: { provider: run.provider },
    });
    graph.join(idOf("provider", run.provider), "executes", workflow);
    addRun(graph, idOf("run", run.id), run);
    graph.join(workflow, "triggers", idOf("run", run.id));
    addSteps(graph, idOf, run, steps, resource);
  }
  return graph.build();
}

type IdOf = (kind: string, ...parts: readonly string[]) => string;

/** Parts are encoded: whatever is in a name, two things never get one id. */
const ids =
  ({ repository, environment }: Scope, workload: string): IdOf =>
  (kind, ...parts) =>
    `${kind}:${[repository, environment, workload, ...parts].map(encoded).join("/")}`;

/** A lone surrogate has no encoding in a URL, and the store takes none. */
const encoded = (part: string): string => encodeURIComponent(part.replaceAll(/\p{Cs}/gu, "\ufffd"));

/** The workload's own resources that stand, and what they need, however far away. */
function usedBy(workload: string, resources: readonly Recorded[]): ReadonlyMap<Uid, Recorded> {
  const standing = new Map(
    resources.filter((it) => it.phase !== "deleted").map((it) => [it.uid, it]),
  );
  const used = new Map<Uid, Recorded>();
  const take = (it: Recorded | undefined): void => {
    if (it === undefined || used.has(it.uid)) return;
    used.set(it.uid, it);
    for (const uid of it.dependsOn) take(standing.get(uid));
  };
  for (const it of [...standing.values()].toSorted((a, b) => compareText(a.uid, b.uid))) {
    if (it.workload === workload) take(it);
  }
  return used;
}

function addApplication(
  graph: GraphBuilder,
  idOf: IdOf,
  { scope, workload, resources }: Pick<WorkloadRecord, "scope" | "workload" | "resources">,
): void {
  graph.add({
    id: idOf("app"),
    name: workload,
    type: "application",
    status: worstOf(resources.map(resourceStatus)),
    description: `workload ${workload} in ${scope.environment}`,
    metadata: { repository: scope.repository, environment: scope.environment },
  });
}

function addResource(graph: GraphBuilder, id: string, it: Recorded): void {
  const { outputs, secretRefs, type, uid, phase, workload } = it;
  graph.add({
    id,
    name: it.name,
    type: "resource",
    status: resourceStatus(it),
    description: it.gate?.message ?? it.message,
    metadata: { uid, type, class: it.class, phase, workload, outputs, secretRefs },
    updatedAt: it.since,
  });
}

function addProvider(
  graph: GraphBuilder,
  idOf: IdOf,
  name: string,
  resources: readonly Recorded[],
): void {
  const served = resources.filter(({ bundle }) => bundle.provider === name);
  const versions = [...new Set(served.map(({ bundle }) => bundle.version))].toSorted(compareText);
  graph.add({
    id: idOf("provider", name),
    name,
    type: "provider",
    status: worstOf(served.map(resourceStatus)),
    description: [name, ...versions].join(" "),
    metadata: { versions },
  });
}

function addRun(graph: GraphBuilder, id: string, run: Run): void {
  graph.add({
    id,
    name: `${run.operation} ${run.uid}`,
    type: "run",
    status: runStatus(run.state),
    description: run.message,
    metadata: {
      run: run.id,
      uid: run.uid,
      operation: run.operation,
      state: run.state,
      reason: run.reason,
      attempt: run.attempt,
      commit: run.commit,
    },
    createdAt: run.queuedAt,
    updatedAt: run.endedAt ?? run.startedAt ?? run.queuedAt,
    durationMs: elapsed(run),
  });
}

/** As journalled and, while the run is open, those that are still to come. */
function addSteps(
  graph: GraphBuilder,
  idOf: IdOf,
  run: Run,
  journal: readonly ShownStep[],
  { bundle }: Recorded,
): void {
  const open = ["queued", "running", "waiting"].includes(run.state);
  const planned =
    open && bundle.hash === run.bundle ? (bundle.workflows[run.operation]?.steps ?? []) : [];
  const begun = new Set(journal.map((it) => it.name));
  const ahead = planned.filter((it) => !begun.has(it.name));
  const of = journal.length + ahead.length;
  const add = (name: string, number: number, more: Parameters<GraphBuilder["add"]>[0]): void => {
    graph.add({ ...more, step: { number, of, run: run.id } });
    graph.join(idOf("run", run.id), "contains", idOf("step", run.id, name));
  };
  journal.forEach((it, index) => {
    add(it.name, index + 1, {
      id: idOf("step", run.id, it.name),
      name: it.name,
      type: "step",
      status: stepStatus(it.state),
      description: it.error ?? "",
      metadata: { step: it.type, attempts: it.attempts },
      createdAt: it.startedAt,
      updatedAt: it.endedAt ?? it.startedAt,
      durationMs: elapsed(it),
    });
  });
  ahead.forEach((it, index) => {
    add(it.name, journal.length + index + 1, {
      id: idOf("step", run.id, it.name),
      name: it.name,
      type: "step",
      status: "pending",
      metadata: { step: it.type, attempts: 0 },
    });
  });
}

function elapsed(it: {
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}): number | null {
  if (it.startedAt === null || it.endedAt === null) return null;
  return new Date(it.endedAt).getTime() - new Date(it.startedAt).getTime();
}
