/** A plan as a pull-request comment: it fits the forge's limit, and cuts at a row, saying so. */
import type { Plan, PlannedOperation } from "../../model/plan.ts";
import { byPlace, type Problem } from "../../model/problem.ts";
import { changeLine, conceal, flatten } from "./fields.ts";
import { clippedCode, clippedProse, fenced, link, prose, row } from "./markdown-text.ts";
import { clip, counted, utc, visible } from "./visible.ts";
import {
  grouped,
  nextSteps,
  problemCount,
  reasonWords,
  stakeText,
  summaryText,
  symbols,
  type PlanFacts,
} from "./words.ts";

/** GitHub takes 65,536 characters; the rest is for the marker and progress that share the comment. */
const forgeLimit = 60_000;

/** What a plan's page on a forge says beside the plan. */
export interface PlanPage {
  /** Markdown, in place of the title. */
  readonly title: string;
  /** Markdown, one paragraph each, before the table. */
  readonly notes: readonly string[];
  /** Where a line of a file can be read; `undefined`: nowhere. */
  readonly linkTo: (file: string, line: number) => string | undefined;
  /** Markdown, at the end. */
  readonly closing: string;
}

/** Ends with a newline. At most `limit` characters, whatever is in the plan (`limit` ≥ 4,000). */
export function planMarkdown(
  plan: Plan,
  facts: PlanFacts,
  limit = forgeLimit,
  page?: PlanPage,
): string {
  const { deletions, changes, onHold } = grouped(plan);
  const operations = [...deletions, ...changes, ...onHold];
  const problems = plan.problems.toSorted(byPlace);
  const head = heading(plan, deletions, page);
  const foot = page?.closing ?? footer(plan);
  const space = limit - head.length - foot.length - 600;

  const told = problems.map((it) => problemItem(it, page?.linkTo(it.file, it.line)));
  const table = fit(
    operations.map((it) => operationRow(it, facts)),
    space - Math.min(space / 4, size(told)),
  );
  const list = fit(told, space - size(table.rows));
  const blocks = operations.flatMap((it) => changeBlock(it, facts));
  const details = fit(blocks, space - size(table.rows) - size(list.rows));

  const sections = [
    head,
    ...(operations.length === 0 ? [] : [tableSection(table)]),
    ...(problems.length === 0 ? [] : [problemSection(problems, list)]),
    ...(blocks.length === 0 ? [] : [detailSection(details)]),
    foot,
  ];
  return `${sections.join("\n\n")}\n`;
}

interface Fitted {
  readonly rows: readonly string[];
  readonly left: number;
}

/** As many of the first rows as fit, each with the newlines around it. */
function fit(rows: readonly string[], space: number): Fitted {
  let used = 0;
  const cut = rows.findIndex((it) => (used += it.length + 2) > space);
  return cut === -1 ? { rows, left: 0 } : { rows: rows.slice(0, cut), left: rows.length - cut };
}

const size = (rows: readonly string[]): number => rows.reduce((sum, it) => sum + it.length + 2, 0);

const cutNote = ({ left }: Fitted, what: string): string[] =>
  left === 0
    ? []
    : ["", `… and ${counted(left, what)} more than fit here: \`innominatus plan\` shows all.`];

function heading(
  plan: Plan,
  deletions: readonly PlannedOperation[],
  page: PlanPage | undefined,
): string {
  const title = [
    page?.title ?? `## Plan for ${clippedCode(plan.environment)}: ${summaryText(plan)}`,
    ...(page?.notes ?? []),
  ].join("\n\n");
  if (deletions.length === 0) return title;
  const held = deletions.filter((it) => it.gate !== null).length;
  const now = deletions.length - held;
  const when = [
    ...(now > 0 ? [`${now} as soon as this is merged`] : []),
    ...(held > 0 ? [`${held} once nothing holds ${held === 1 ? "it" : "them"} back`] : []),
  ];
  return `${title}\n\n**${counted(deletions.length, "resource")} will be deleted or replaced**: ${when.join(", ")}.`;
}

function tableSection(table: Fitted): string {
  const titles = ["workload", "resource", "operation", "provider and workflow", "why"];
  return [
    row(titles),
    row(titles.map(() => "---")),
    ...table.rows,
    ...cutNote(table, "operation"),
  ].join("\n");
}

function operationRow(operation: PlannedOperation, facts: PlanFacts): string {
  const verb = operation.operation === "none" ? "kept" : operation.operation;
  const lossy = operation.operation === "delete" || operation.operation === "replace";
  const stake = stakeText(operation, facts);
  const { gate, workflow } = operation;
  const why = [
    reasonWords(operation.reason),
    ...(stake === undefined ? [] : [`**${stake}**`]),
    ...(gate === null
      ? []
      : [
          `held by **${gate.kind}**${gate.until === undefined ? "" : ` until ${prose(utc(gate.until))}`}: ${clippedProse(gate.message)}`,
        ]),
  ];
  return row([
    clippedCode(operation.workload),
    clippedCode(operation.uid),
    `${symbols[operation.operation]} ${lossy ? `**${verb}**` : verb}`,
    [operation.provider, ...(workflow === null ? [] : [workflow])].map(clippedCode).join(" "),
    why.join("; "),
  ]);
}

function problemSection(problems: readonly Problem[], list: Fitted): string {
  return [`### ${problemCount(problems)}`, "", ...list.rows, ...cutNote(list, "problem")].join(
    "\n",
  );
}

function problemItem(problem: Problem, url: string | undefined): string {
  const text = clippedCode(`${problem.file}:${problem.line}:${problem.column}`);
  const place = url === undefined ? text : link(text, url);
  const hint = problem.hint === undefined ? "" : ` (${clippedProse(problem.hint)})`;
  return `- ${place} ${problem.severity} ${clippedCode(problem.code)}: ${clippedProse(problem.message)}${hint}`;
}

/** Cut inside too: one resource with thousands of fields must not push out all the others. */
function changeBlock(operation: PlannedOperation, facts: PlanFacts): string[] {
  if (operation.changes.length === 0) return [];
  const changes = operation.changes.flatMap((it) =>
    flatten(conceal(operation.uid, it, facts.isSensitive)),
  );
  const lines = changes.slice(0, 30).flatMap((it) => {
    if (it.from === undefined || it.to === undefined) return [changeLine(it)];
    return [
      changeLine({ path: it.path, from: it.from, to: undefined }),
      changeLine({ path: it.path, from: undefined, to: it.to }),
    ];
  });
  const more = changes.length > 30 ? [`# and ${changes.length - 30} more`] : [];
  return [fenced("diff", [`@@ ${clip(visible(operation.uid), 160)} @@`, ...lines, ...more])];
}

const detailSection = (details: Fitted): string =>
  [
    "<details><summary>Field changes</summary>",
    "",
    details.rows.join("\n\n"),
    ...cutNote(details, "resource"),
    "",
    "</details>",
  ].join("\n");

function footer(plan: Plan): string {
  const steps = nextSteps(plan).flatMap(({ text, command }) => [
    `- ${text}${command === undefined ? "" : `:\n\n${fenced("shell", [command])}`}`,
    "",
  ]);
  const base = plan.base === null ? "no earlier commit" : clippedCode(plan.base);
  return [
    ...steps,
    `Plan ${clippedCode(plan.hash)} for commit ${clippedCode(plan.commit)}, compared with ${base}.`,
  ].join("\n");
}
