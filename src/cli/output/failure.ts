/** What a command says when it fails: what, where, what next. */
import { StallingError } from "../../model/errors.ts";
import { plain, type Painter } from "../../plan/render/painter.ts";
import { visible } from "../../plan/render/visible.ts";
import { FetchError } from "../../source/fetch-error.ts";

/** 1 failed, 2 used wrongly, 3 timed out, 4 not signed in or not allowed to. */
type FailureCode = 1 | 2 | 3 | 4;

/** A failure that a command foresaw: `where` it was, and what to do `next`. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly where: string;
  readonly next: string;
  readonly exitCode: FailureCode;

  constructor(
    what: string,
    where: string,
    next: string,
    { exitCode = 1, ...options }: ErrorOptions & { readonly exitCode?: FailureCode } = {},
  ) {
    super(what, options);
    this.where = where;
    this.next = next;
    this.exitCode = exitCode;
  }
}

export interface FailureView {
  readonly paint: Painter;
  /** INNOMINATUS_DEBUG: with stacks. */
  readonly debug: boolean;
}

/** For stderr; ends with a newline. Causes follow what they caused, each once. */
export function failureText(
  error: unknown,
  { paint, debug }: FailureView = { paint: plain, debug: false },
): string {
  const part = (title: string, text: string): string[] => {
    const [first = "", ...rest] = text.split(/\r?\n/).filter((it) => it.trim() !== "");
    const indent = " ".repeat(title.length + 4);
    return [
      `  ${paint.dim(`${title}:`)} ${visible(first)}`,
      ...rest.map((it) => `${indent}${visible(it)}`),
    ];
  };
  const [what = "", ...more] = sayWhat(error).split(/\r?\n/);
  const advice = adviceOf(error);
  const lines = [
    `${paint.red("error:")} ${visible(what)}`,
    ...more.filter((it) => it.trim() !== "").map((it) => `  ${visible(it)}`),
    ...(advice.where === "" ? [] : part("where", advice.where)),
    ...causesOf(error).flatMap((it) => part("because", sayWhat(it))),
    ...(advice.next === "" ? [] : part("next", advice.next)),
  ];
  if (!debug) return `${lines.join("\n")}\n`;
  const stacks = [error, ...causesOf(error)].flatMap((it) =>
    it instanceof Error && it.stack !== undefined ? it.stack.split("\n") : [],
  );
  return `${[...lines, ...stacks.map((it) => paint.dim(visible(it)))].join("\n")}\n`;
}

function adviceOf(error: unknown): { readonly where: string; readonly next: string } {
  if (error instanceof CommandError) return error;
  if (error instanceof StallingError || error instanceof FetchError) {
    return { where: "", next: error.hint };
  }
  return { where: "", next: "" };
}

/** Of what is no error only its type is told: nobody masked it. */
function sayWhat(error: unknown): string {
  if (typeof error === "string") return error;
  if (!(error instanceof Error)) return `something was thrown that is no error (${typeof error})`;
  return error.message === "" ? error.name : error.message;
}

/** Deepest last; each error once, for a chain may be a circle. */
function causesOf(error: unknown): unknown[] {
  const seen = new Set([error]);
  for (const it of seen) {
    if (!(it instanceof Error)) continue;
    if (it.cause !== undefined) seen.add(it.cause);
    if (it instanceof AggregateError) for (const inner of it.errors) seen.add(inner);
  }
  return [...seen].slice(1);
}
