/** A provider's own cases: each renders a workflow and holds what comes out against what it expects. */
import type { StepExecutor } from "../execute/step-type.ts";
import type { JsonRecord } from "../model/json.ts";
import { toPointer } from "../model/json.ts";
import type { Place, Problem } from "../model/problem.ts";
import { isEngineInput } from "../provider/engine-inputs.ts";
import type { Provider } from "../provider/provider.ts";
import { nearestWord } from "../document/suggest.ts";
import type { Case } from "./case-schema.ts";
import { differences } from "./difference.ts";
import type { PlacedCase } from "./provider-folder.ts";
import { renderWorkflow, type RenderedWorkflow } from "./rendering.ts";

export interface CaseResult {
  readonly place: Place;
  readonly name: string;
  readonly workflow: string;
  /** None: it passed. */
  readonly problems: readonly Problem[];
}

export function runCase(
  { document, case: it }: PlacedCase,
  provider: Provider,
  executors: ReadonlyMap<string, StepExecutor>,
): CaseResult {
  const problems: Problem[] = [];
  const add = (path: readonly (string | number)[], message: string, hint?: string): void => {
    problems.push({
      ...document.at(path),
      pointer: toPointer(path),
      code: "case/difference",
      severity: "error",
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };

  const workflow = provider.workflows.get(it.workflow);
  if (workflow === undefined) {
    const near = nearestWord(it.workflow, [...provider.workflows.keys()]);
    const hint = near === undefined ? "name one of the manifest" : `did you mean \`${near}\`?`;
    add(["workflow"], `the provider has no workflow "${it.workflow}" that can be run`, hint);
  } else {
    for (const step of Object.keys(it.results)) {
      if (workflow.steps.some(({ name }) => name === step)) continue;
      add(["results", step], `the workflow has no step "${step}"`, "remove it, or rename it");
    }
    const params = Object.entries(it.parameters);
    const rendered = renderWorkflow(
      workflow,
      {
        ...it,
        engine: {
          ...usualInputs(provider, it.workflow),
          ...Object.fromEntries(params.filter(([name]) => isEngineInput(name))),
        },
        params: Object.fromEntries(params.filter(([name]) => !isEngineInput(name))),
      },
      executors,
    );
    compare(it.expect, rendered, add);
  }
  return {
    place: document.at([]),
    name: it.name ?? it.workflow,
    workflow: it.workflow,
    problems,
  };
}

/** What the engine would give to the resource `db` of an app `shop`, in an environment `test`. */
function usualInputs(provider: Provider, workflow: string): JsonRecord {
  const serving = provider.capabilities.find(({ operations }) =>
    Object.values(operations).some(
      ({ default: preset, tagged }) =>
        preset === workflow || tagged.some(({ name }) => name === workflow),
    ),
  );
  return {
    app_name: "shop",
    bucket_name: "shop-db",
    db_name: "shop_db",
    environment: "test",
    namespace: "shop-default",
    resource_class: "default",
    resource_name: "db",
    resource_type: serving?.type ?? "resource",
    team_id: "default",
    unique_name: "shop_db_test",
  };
}

function compare(
  expected: Case["expect"],
  { steps, outputs, problems }: RenderedWorkflow,
  add: (path: readonly (string | number)[], message: string, hint?: string) => void,
): void {
  const unmet = expected.problems.filter(
    (part) => !problems.some(({ message }) => message.includes(part)),
  );
  for (const part of unmet) {
    const index = expected.problems.indexOf(part);
    add(["expect", "problems", index], `no problem says "${part}"`);
  }
  for (const { message, hint } of problems) {
    if (expected.problems.some((part) => message.includes(part))) continue;
    add(["expect"], `found a problem that is not expected: ${message}`, hint);
  }
  if (expected.steps !== undefined) compareSteps(expected.steps, steps, add);
  if (expected.outputs === undefined) return;
  for (const { path, message } of differences(expected.outputs, outputs)) {
    add(["expect", "outputs", ...path], message);
  }
}

function compareSteps(
  expected: NonNullable<Case["expect"]["steps"]>,
  steps: RenderedWorkflow["steps"],
  add: (path: readonly (string | number)[], message: string, hint?: string) => void,
): void {
  const wanted = expected.map(({ name }) => name);
  const found = steps.map(({ name }) => name);
  if (wanted.join("\n") !== found.join("\n")) {
    const list = (names: readonly string[]): string => names.join(", ") || "none";
    add(["expect", "steps"], `the steps ${list(found)} run, expected ${list(wanted)}`);
  }
  for (const [index, { name, type, config }] of expected.entries()) {
    const step = steps.find((it) => it.name === name);
    if (step === undefined) continue;
    const path = ["expect", "steps", index];
    if (type !== undefined && type !== step.type) {
      add([...path, "type"], `found "${step.type}", expected "${type}"`);
    }
    for (const [key, value] of Object.entries(config ?? {})) {
      const at = [...path, "config", key];
      const given = Object.hasOwn(step.config, key) ? step.config[key] : undefined;
      for (const it of differences(value, given)) add([...at, ...it.path], it.message);
    }
  }
}
