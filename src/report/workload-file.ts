/** The status of one workload, for machines: the YAML of DESIGN.md §5, one line for each small record. */
import type { Condition } from "../model/condition.ts";
import { compareText } from "../model/problem.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { WorkloadState } from "./environment-state.ts";
import { flow, sorted } from "./flow-yaml.ts";

const conditionTypes: readonly Condition["type"][] = ["Ready", "Reconciling", "Stalled"];

/** @param resources those to list, in their order */
export function workloadFile(
  environment: string,
  { name, conditions }: WorkloadState,
  resources: readonly Recorded[],
): string {
  const ready = conditions.find((it) => it.type === "Ready");
  const ordered = conditionTypes.flatMap((type) => conditions.filter((it) => it.type === type));
  const lines = [
    "apiVersion: innominatus.dev/v1",
    "kind: WorkloadStatus",
    `metadata: ${flow({ name, environment })}`,
    `observedCommit: ${flow(ready?.observedCommit ?? latest(resources)?.commit ?? null)}`,
    ...list("conditions", ordered.map(conditionLine)),
    ...list("resources", resources.map(resourceLines)),
  ];
  return `${lines.join("\n")}\n`;
}

const list = (key: string, items: readonly string[]): string[] =>
  items.length === 0 ? [`${key}: []`] : [`${key}:`, ...items.map((it) => `  - ${it}`)];

const conditionLine = (it: Condition): string =>
  flow({
    type: it.type,
    status: it.status,
    reason: it.reason,
    message: it.message,
    observedCommit: it.observedCommit,
    lastTransitionTime: it.lastTransitionTime,
  });

function resourceLines(it: Recorded): string {
  const failed = it.phase === "failed" || it.stalled;
  const fields = [
    `uid: ${flow(it.uid)}`,
    `phase: ${phaseOf(it)}`,
    `provider: ${flow(`${it.bundle.provider}@${it.bundle.version}`)}`,
    ...(it.operation === null ? [] : [`operation: ${it.operation}`]),
    ...(it.run === null ? [] : [`run: ${flow(it.run)}`]),
    ...(it.gate === null ? [] : [`gate: ${flow(gateOf(it.gate))}`]),
    ...(failed && it.message !== "" ? [`message: ${flow(it.message)}`] : []),
    `outputs: ${flow(sorted(it.outputs))}`,
    `secretRefs: ${flow(sorted(it.secretRefs))}`,
    ...(it.credentialsSecret === undefined
      ? []
      : [`credentialsSecret: ${flow(it.credentialsSecret)}`]),
  ];
  return fields.join("\n    ");
}

const gateOf = ({ kind, message, until }: NonNullable<Recorded["gate"]>) => ({
  kind,
  message,
  ...(until === undefined ? {} : { until }),
});

const latest = (resources: readonly Recorded[]): Recorded | undefined =>
  resources.toSorted((a, b) => compareText(b.since, a.since) || compareText(a.uid, b.uid))[0];
