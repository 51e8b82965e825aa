/** Steps of a workflow file → steps as they run: in order, each with its settings made explicit. */
import { nearestWord } from "../document/suggest.ts";
import type { Json, JsonRecord } from "../model/json.ts";
import type { WorkflowStep } from "../model/workflow.ts";
import { parseDuration } from "./duration.ts";
import { isTemplate } from "./is-template.ts";
import type { Report } from "./report.ts";
import { builtStepTypes, foreseenStepTypes } from "./step-types.ts";
import { idleKeys, legacyConfigSchema, type StepEntry } from "./workflow-schema.ts";

/** A step, and where its file has it. */
export interface PlacedStep {
  readonly step: WorkflowStep;
  readonly index: number;
}

const defaults = { timeoutMs: 600_000, retries: 3 };

/** @returns the steps in the order they run: that of the file, but after what they depend on */
export function readSteps(
  entries: readonly StepEntry[],
  retrySafe: boolean,
  report: Report,
): readonly PlacedStep[] {
  const names = entries.map((it) => it.name);
  for (const [index, entry] of entries.entries()) {
    const path = ["steps", index];
    if (names.indexOf(entry.name) !== index) {
      const message = `two steps are named "${entry.name}"`;
      report.add([...path, "name"], {
        code: "provider/duplicate-step",
        message,
        hint: "rename one of them",
      });
    }
    checkType(entry.type, index, report);
    for (const key of idleKeys) {
      if (entry[key] === undefined) continue;
      const message = `\`${key}\` has no meaning here and is ignored`;
      const hint = "steps run one after the other; their outputs are at `.steps.<name>.output`";
      report.add([...path, key], {
        code: "provider/ignored-field",
        severity: "warning",
        message,
        hint,
        part: "key",
      });
    }
  }
  return orderSteps(entries, report).flatMap((index) => {
    const entry = entries[index];
    return entry === undefined ? [] : [{ step: readStep(entry, index, retrySafe, report), index }];
  });
}

function checkType(type: string, index: number, report: Report): void {
  if (builtStepTypes.includes(type)) return;
  const path = ["steps", index, "type"];
  if (foreseenStepTypes.includes(type)) {
    const message = `this build does not perform steps of type "${type}"`;
    const hint = "resources that need this workflow are refused until it does";
    report.add(path, { code: "provider/unsupported-step", severity: "warning", message, hint });
    return;
  }
  const known = [...builtStepTypes, ...foreseenStepTypes];
  const near = nearestWord(type, known);
  const hint =
    near === undefined ? `use one of: ${builtStepTypes.join(", ")}` : `did you mean \`${near}\`?`;
  report.add(path, {
    code: "provider/unknown-step-type",
    message: `unknown step type "${type}"`,
    hint,
  });
}

function readStep(
  entry: StepEntry,
  index: number,
  retrySafe: boolean,
  report: Report,
): WorkflowStep {
  const { name, type, timeout, retries = defaults.retries } = entry;
  const timeoutMs = timeout === undefined ? defaults.timeoutMs : parseDuration(timeout);
  if (timeoutMs === undefined || timeoutMs === 0) {
    const message = "expected a duration above zero";
    report.add(["steps", index, "timeout"], {
      code: "provider/duration",
      message,
      hint: "write it like 30s, 10m or 1h30m",
    });
  }
  const when = readCondition(entry, index, report);
  return {
    name,
    type,
    config: { ...joinedConfig(entry), ...entry.config },
    ...(when === undefined ? {} : { when }),
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    retries,
    retrySafe: entry.retrySafe ?? retrySafe,
  };
}

function joinedConfig(entry: StepEntry): JsonRecord {
  const found = Object.entries(legacyConfigSchema.parse(entry));
  return Object.fromEntries(
    found.flatMap(([key, value]): [string, Json][] => (value === undefined ? [] : [[key, value]])),
  );
}

/** `when` as a template. Upstream's words mean what they say there; `on_failure` and `manual` never come true here. */
function readCondition(entry: StepEntry, index: number, report: Report): string | undefined {
  const add = (key: string, severity: "error" | "warning", message: string, hint: string): void =>
    report.add(["steps", index, key], { code: "provider/condition", severity, message, hint });
  if (entry.unless !== undefined) {
    add("unless", "error", "`unless` is not understood", 'use `when: "{{ not … }}"`');
  }
  const key = entry.when === undefined ? "if" : "when";
  const condition = entry.when ?? entry.if;
  if (condition === undefined) return undefined;
  const text = String(condition);
  if (text === "always" || text === "on_success") return undefined;
  if (text === "on_failure" || text === "manual") {
    add(
      key,
      "warning",
      `\`${text}\` never comes true: the step is always left out`,
      "remove the step",
    );
    return "false";
  }
  if (isTemplate(text) || /^(true|false|yes|no|1|0)$/.test(text)) return text;
  add(
    key,
    "error",
    "expected a template, or one of always, on_success, true, false",
    "write it like `{{ .parameters.name }}`",
  );
  return undefined;
}

/** Indexes in the order of the file, but for `dependsOn`. */
function orderSteps(entries: readonly StepEntry[], report: Report): readonly number[] {
  const names = entries.map((it) => it.name);
  const order: number[] = [];
  const state = entries.map((): "new" | "open" | "done" => "new");
  const visit = (index: number): void => {
    if (state[index] !== "new") return;
    state[index] = "open";
    for (const name of [entries[index]?.dependsOn ?? []].flat()) {
      const before = names.indexOf(name);
      const path = ["steps", index, "dependsOn"];
      if (before === -1) {
        const message = `no step is named "${name}"`;
        report.add(path, {
          code: "provider/unknown-step",
          message,
          hint: "name a step of this workflow",
        });
      } else if (state[before] === "open") {
        const message = `the steps "${name}" and "${names[index]}" wait for each other`;
        report.add(path, { code: "provider/step-cycle", message, hint: "remove one `dependsOn`" });
      } else visit(before);
    }
    state[index] = "done";
    order.push(index);
  };
  for (const index of entries.keys()) visit(index);
  return order;
}
