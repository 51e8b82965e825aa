/** A plan for a terminal: what would be lost first, then what changes, then what to do next. */
import type { Plan, PlannedOperation } from "../../model/plan.ts";
import { byPlace, isError, type Problem } from "../../model/problem.ts";
import { changeLine, conceal, flatten } from "./fields.ts";
import { plain, type Painter } from "./painter.ts";
import { clip, shortCommit, visible } from "./visible.ts";
import {
  gateText,
  grouped,
  nextSteps,
  problemCount,
  reasonWords,
  stakeText,
  summaryText,
  symbols,
  workflowText,
  type PlanFacts,
} from "./words.ts";

const colours = {
  create: "green",
  update: "yellow",
  delete: "red",
  replace: "magenta",
  adopt: "cyan",
  none: "dim",
} as const satisfies Record<PlannedOperation["operation"], keyof Painter>;

/** Ends with a newline. */
export function planText(plan: Plan, facts: PlanFacts, paint: Painter = plain): string {
  const { deletions, changes, onHold } = grouped(plan);
  const group = (title: string, operations: readonly PlannedOperation[]): string[] =>
    operations.length === 0
      ? []
      : ["", paint.bold(title), ...operations.flatMap((it) => operationLines(it, facts, paint))];
  const from = plan.base === null ? "nothing yet" : shortCommit(plan.base);
  const lines = [
    `${paint.bold(visible(plan.environment))}: ${from} → ${shortCommit(plan.commit)}`,
    ...group("Deletions", deletions),
    ...group("Changes", changes),
    ...group("On hold", onHold),
    ...problemLines(plan.problems, paint),
    "",
    paint.bold(`Plan: ${summaryText(plan)}`),
    paint.dim(`hash    ${visible(plan.hash)}`),
    paint.dim(`commit  ${visible(plan.commit)}`),
    ...nextLines(plan, paint),
  ];
  return `${lines.join("\n")}\n`;
}

function operationLines(operation: PlannedOperation, facts: PlanFacts, paint: Painter): string[] {
  const colour = paint[colours[operation.operation]];
  const verb = operation.operation === "none" ? "kept" : operation.operation;
  const title = `${symbols[operation.operation]} ${visible(operation.uid)}`;
  const stake = stakeText(operation, facts);
  const changes = operation.changes
    .flatMap((it) => flatten(conceal(operation.uid, it, facts.isSensitive)))
    .map((it) => changeLine(it));
  const details = [
    ...(stake === undefined ? [] : [paint.red(`at stake: ${stake}`)]),
    ...changes,
    ...(operation.dependsOn.length === 0
      ? []
      : [paint.dim(`after ${clip(visible(operation.dependsOn.join(", ")), 400)}`)]),
    ...(operation.gate === null ? [] : [paint.yellow(gateText(operation.gate))]),
  ];
  return [
    `  ${colour(title)}  ${colour(verb)}${paint.dim(`, ${reasonWords(operation.reason)}`)}`,
    `      ${paint.dim(workflowText(operation))}`,
    ...details.map((it) => `      ${it}`),
  ];
}

function problemLines(problems: readonly Problem[], paint: Painter): string[] {
  if (problems.length === 0) return [];
  const lines = problems.toSorted(byPlace).flatMap((it) => {
    const severity = (isError(it) ? paint.red : paint.yellow)(it.severity);
    const place = `${visible(it.file)}:${it.line}:${it.column}`;
    const hint = it.hint === undefined ? [] : [`      ${paint.dim("hint:")} ${visible(it.hint)}`];
    return [`  ${place}: ${severity} ${it.code}: ${visible(it.message)}`, ...hint];
  });
  return ["", paint.bold(`Problems: ${problemCount(problems)}`), ...lines];
}

function nextLines(plan: Plan, paint: Painter): string[] {
  const steps = nextSteps(plan);
  if (steps.length === 0) return [];
  const lines = steps.flatMap(({ text, command }) =>
    command === undefined ? [`  ${text}`] : [`  ${text}:`, `    ${paint.cyan(command)}`],
  );
  return ["", paint.bold("Next"), ...lines];
}
