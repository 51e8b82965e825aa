/** What `innominatus provider test` says: each case and each type as it ends, then the sum; or all as JSON. */
import type { CaseResult } from "../../conformance/cases.ts";
import type { Trial } from "../../conformance/conformance.ts";
import type { ProviderFolder } from "../../conformance/provider-folder.ts";
import type { JsonRecord } from "../../model/json.ts";
import { isError, type Problem } from "../../model/problem.ts";
import { problemJson } from "../../plan/render/json.ts";
import type { Painter } from "../../plan/render/painter.ts";
import { counted, visible } from "../../plan/render/visible.ts";
import type { Provider } from "../../provider/provider.ts";
import { problemsText } from "./problems.ts";

export interface ProviderTest {
  readonly provider: Provider | undefined;
  readonly problems: readonly Problem[];
  readonly cases: readonly CaseResult[];
  readonly trials: readonly Trial[];
}

export interface View {
  readonly paint: Painter;
  /** Of the provider, as seen from where the command runs. */
  readonly folder: string;
}

const marks = { passed: "✓", failed: "✗", skipped: "-" } as const;

function mark(state: keyof typeof marks, { paint }: View): string {
  const colour = { passed: paint.green, failed: paint.red, skipped: paint.dim }[state];
  return colour(marks[state]);
}

export function caseText(result: CaseResult, folder: ProviderFolder, view: View): string {
  const state = result.problems.length === 0 ? "passed" : "failed";
  const { file, line } = result.place;
  const head = `${mark(state, view)} ${visible(result.name)} ${view.paint.dim(`${file}:${line}`)}\n`;
  return state === "passed" ? head : `${head}${indented(shown(result.problems, folder, view))}`;
}

export function trialText(
  { type, classes, state, reason, checks, uniqueName }: Trial,
  view: View,
): string {
  const of = classes.length === 1 ? "class" : "classes";
  const head = `${mark(state, view)} ${type} ${view.paint.dim(`(${of} ${classes.join(", ")})`)}`;
  const made = checks.filter((it) => it.state !== "skipped");
  const lines = made.map((it) => {
    const said = it.message === "" ? "" : `: ${messageText(it.message)}`;
    return `    ${mark(it.state, view)} ${it.name}${said}`;
  });
  const skipped = checks.filter((it) => it.state === "skipped");
  const unmade = [...new Set(skipped.map((it) => it.message))].map((why) => {
    const names = skipped.filter((it) => it.message === why).map((it) => it.name);
    return `    ${mark("skipped", view)} not checked, for ${why}: ${names.join("; ")}`;
  });
  const said = reason === "" ? "" : `: ${state === "skipped" ? "skipped, " : ""}${visible(reason)}`;
  const left =
    uniqueName === undefined ? [] : [`    what it made may still be there, as ${uniqueName}`];
  return `${[`${head}${said}`, ...lines, ...unmade, ...left].join("\n")}\n`;
}

/** What a script said has lines of its own. */
const messageText = (message: string): string =>
  message
    .trimEnd()
    .split("\n")
    .map((line, index) => (index === 0 ? visible(line) : `        ${visible(line)}`))
    .join("\n");

/** The end of the text: problems of the files, and the sum. */
export function providerTestText(test: ProviderTest, folder: ProviderFolder, view: View): string {
  const { provider, problems, cases, trials } = test;
  const name = provider === undefined ? "" : `${provider.name}@${provider.version}: `;
  if (problems.some(isError)) {
    const said = `${name}not tested, for its files have mistakes`;
    return `${shown(problems, folder, view)}${view.paint.bold(said)}\n`;
  }
  const failedCases = cases.filter((it) => it.problems.length > 0).length;
  const failed = trials.filter((it) => it.state === "failed").length;
  const skipped = trials.filter((it) => it.state === "skipped").length;
  const tried = trials.length - skipped;
  const sum = [
    `${counted(cases.length, "case")}${failedCases === 0 ? "" : `, ${failedCases} failed`}`,
    `${counted(tried, "type")} tried${failed === 0 ? "" : `, ${failed} failed`}${skipped === 0 ? "" : `, ${skipped} skipped`}`,
  ];
  return `${shown(problems, folder, view)}${view.paint.bold(`${name}${sum.join("; ")}`)}\n`;
}

function shown(problems: readonly Problem[], folder: ProviderFolder, view: View): string {
  const prefix = view.folder === "" ? "" : `${view.folder}/`;
  const placed = problems.map((it) => ({ ...it, file: `${prefix}${it.file}` }));
  return problemsText(placed, (file) => folder.textOf(file.slice(prefix.length)), view.paint);
}

const indented = (text: string): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");

export const providerTestJson = ({
  provider,
  problems,
  cases,
  trials,
}: ProviderTest): JsonRecord => ({
  provider: provider === undefined ? null : { name: provider.name, version: provider.version },
  problems: problems.map(problemJson),
  cases: cases.map(({ place, name, workflow, problems: found }) => ({
    file: place.file,
    line: place.line,
    name,
    workflow,
    passed: found.length === 0,
    problems: found.map(problemJson),
  })),
  conformance: trials.map(({ type, classes, state, reason, checks, uniqueName }) => ({
    type,
    classes: [...classes],
    state,
    reason,
    checks: checks.map((it) => ({ ...it })),
    leftBehind: uniqueName ?? null,
  })),
});
