/** Problems as a good compiler prints them: place, what is wrong, the line itself, what to do. */
import type { Json, JsonRecord } from "../../model/json.ts";
import { byPlace, isError, type Problem } from "../../model/problem.ts";
import { problemJson } from "../../plan/render/json.ts";
import { plain, type Painter } from "../../plan/render/painter.ts";
import { counted, visible } from "../../plan/render/visible.ts";
import { problemCount } from "../../plan/render/words.ts";
import { displayWidth } from "./width.ts";

/** One document of a file that was checked; `kind` is `null` for one that is none of ours. */
export interface CheckedDocument {
  readonly file: string;
  /** Position in its file, from 0. */
  readonly index: number;
  readonly kind: string | null;
  readonly name: string | null;
}

/** Ends with a newline; empty without problems. `textOf` gives a file's text, where it is at hand. */
export function problemsText(
  problems: readonly Problem[],
  textOf: (file: string) => string | undefined,
  paint: Painter = plain,
): string {
  if (problems.length === 0) return "";
  const linesOf = cached((file) => textOf(file)?.split(/\r\n|\n|\r/));
  const blocks = problems
    .toSorted(byPlace)
    .map((it) => problemText(it, linesOf(it.file)?.[it.line - 1], paint));
  const files = new Set(problems.map((it) => it.file)).size;
  const total = `${problemCount(problems)} in ${counted(files, "file")}`;
  return `${blocks.join("\n\n")}\n\n${paint.bold(total)}\n`;
}

function problemText(problem: Problem, line: string | undefined, paint: Painter): string {
  const place = paint.bold(`${visible(problem.file)}:${problem.line}:${problem.column}`);
  const colour = isError(problem) ? paint.red : paint.yellow;
  const hint =
    problem.hint === undefined ? [] : [`  ${paint.cyan("hint:")} ${visible(problem.hint)}`];
  return [
    `${place}: ${colour(problem.severity)} ${visible(problem.code)}`,
    `  ${visible(problem.message)}`,
    ...(line === undefined ? [] : excerpt(line, problem, colour, paint)),
    ...hint,
  ].join("\n");
}

/** Longer lines are shown around the column only. */
const lineLimit = 100;

/** The source line, and carets under the word at the column. */
function excerpt(
  line: string,
  { line: number, column }: Problem,
  colour: (text: string) => string,
  paint: Painter,
): string[] {
  const offset = Math.min(column - 1, line.length);
  const start = offset > lineLimit - 20 ? offset - 40 : 0;
  const end = start + lineLimit;
  const show = (text: string): string => visible(text.replaceAll("\t", " "));
  const before = (start > 0 ? "…" : "") + show(line.slice(start, offset));
  const word = /^(?:"[^"]*"|'[^']*'|[^\s:,\]}]+)/.exec(line.slice(offset, end))?.[0] ?? "";
  const rest = show(line.slice(offset, end)) + (line.length > end ? "…" : "");
  const carets = "^".repeat(Math.max(1, displayWidth(show(word))));
  const gutter = String(number);
  return [
    `  ${paint.dim(`${gutter} |`)} ${before}${rest}`,
    `  ${paint.dim(`${" ".repeat(gutter.length)} |`)} ${" ".repeat(displayWidth(before))}${colour(carets)}`,
  ];
}

/** `validate -o json`: the contract of DESIGN.md §10. */
export function validateJson(
  documents: readonly CheckedDocument[],
  problems: readonly Problem[],
): JsonRecord {
  return {
    documents: documents.map(({ file, index, kind, name }): Json => ({ file, index, kind, name })),
    problems: problems.toSorted(byPlace).map(problemJson),
  };
}

function cached<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, { readonly value: T }>();
  return (key) => {
    const known = made.get(key) ?? { value: make(key) };
    made.set(key, known);
    return known.value;
  };
}
