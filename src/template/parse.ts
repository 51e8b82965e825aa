/** Template text → tree, with every fault that can be found (law 10). Reading never throws. */
import { type LexedAction, closingAt, lexAction } from "./lex.ts";
import { PipelineReader } from "./pipeline.ts";
import type { Node, Pipeline, Template, TemplateFault } from "./syntax.ts";

export type { TemplateFault } from "./syntax.ts";

export type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly faults: readonly TemplateFault[] };

const maxText = 1024 * 1024;
const maxDepth = 100;
/** After so many the rest is not looked at: recovering from each may read all that follows. */
const maxFaults = 100;
const unsupported = ["define", "template", "block"];

/** An open `if`, `with` or `range`; `else if` opens another one in its own `else`. */
interface Frame {
  readonly kind: "if" | "with" | "range";
  readonly offset: number;
  readonly pipeline: Pipeline | undefined;
  readonly body: Node[];
  readonly otherwise: Node[];
  /** Variables known before it. */
  readonly scope: number;
  /** Closed by the same `end` as the frame below. */
  readonly chained: boolean;
  elseSeen: boolean;
}

export function parseTemplate(text: string): ParsedTemplate {
  if (text.length > maxText) {
    return { ok: false, faults: [{ offset: maxText, message: "template is longer than 1 MiB" }] };
  }
  const state = new Blocks(text);
  let at = 0;
  let trims = false;
  for (;;) {
    const open = text.indexOf("{{", at);
    const before = text.slice(at, open < 0 ? text.length : open);
    const leading = trims ? before.length - before.replace(/^[ \t\r\n]+/, "").length : 0;
    const opened = open >= 0 && /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4));
    state.text(trimEnd(before.slice(leading), opened), at + leading);
    if (open < 0 || state.faults.length >= maxFaults) break;
    const start = open + (opened ? 4 : 2);
    const read = text.startsWith("/*", start) ? skipComment(text, start) : lexAction(text, start);
    if ("message" in read) {
      state.faults.push(read);
      state.recover(text.slice(start));
      const close = text.indexOf("}}", Math.max(read.offset, start));
      if (close < 0) break;
      at = close + 2;
      trims = false;
      continue;
    }
    state.action(read, open);
    at = read.end;
    trims = read.trimsAfter;
  }
  return state.finish();
}

/** By hand: a regular expression for the end of a text is quadratic. */
function trimEnd(text: string, wanted: boolean): string {
  let end = text.length;
  while (wanted && end > 0 && " \t\r\n".includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function skipComment(text: string, start: number): LexedAction | TemplateFault {
  const close = text.indexOf("*/", start + 2);
  if (close < 0)
    return { offset: start, message: "comment is not closed", hint: "end it with */}}" };
  const closing = closingAt(text, close + 2);
  return closing > 0
    ? { tokens: [], end: close + 2 + closing, trimsAfter: closing > 2 }
    : { offset: close, message: "comment ends before its action", hint: "write */}} or */ -}}" };
}

class Blocks {
  readonly faults: TemplateFault[] = [];
  readonly #source: string;
  readonly #root: Node[] = [];
  readonly #frames: Frame[] = [];
  readonly #variables: string[] = ["$"];

  constructor(source: string) {
    this.#source = source;
  }

  text(text: string, offset: number): void {
    if (text !== "") this.#add({ kind: "text", text, offset });
  }

  action({ tokens }: LexedAction, offset: number): void {
    const [first, second] = tokens;
    if (first === undefined) return;
    const keyword = first.kind === "word" ? first.text : "";
    switch (keyword) {
      case "if":
      case "with":
      case "range":
        this.#open(keyword, offset, this.#pipeline(tokens.slice(1), keyword), false);
        return;
      case "else":
        this.#else(tokens.slice(1), offset);
        return;
      case "end":
      case "break":
      case "continue":
        if (second?.kind !== "end") {
          this.#fault(second?.offset ?? offset, `unexpected text after ${keyword}`);
        }
        if (keyword === "end") this.#end(offset);
        else if (this.#frames.some((it) => it.kind === "range"))
          this.#add({ kind: keyword, offset });
        else this.#fault(offset, `${keyword} outside of range`);
        return;
      default:
        if (unsupported.includes(keyword)) {
          this.#fault(offset, `${keyword} is not supported`, "write the text where it is needed");
          if (keyword !== "template") this.#open("with", offset, undefined, false);
          return;
        }
    }
    const pipeline = this.#pipeline(tokens, "action");
    if (pipeline !== undefined) this.#add({ kind: "action", pipeline });
  }

  /** An action that cannot be read still opens its block, so that its `end` is not a fault too. */
  recover(action: string): void {
    const keyword = /^\s*(if|with|range)\b/.exec(action.slice(0, 100))?.[1];
    if (keyword === "if" || keyword === "with" || keyword === "range") {
      this.#open(keyword, 0, undefined, false);
    }
  }

  finish(): ParsedTemplate {
    for (const frame of this.#frames) {
      if (!frame.chained) this.#fault(frame.offset, `${frame.kind} has no end`, "add {{ end }}");
    }
    return this.faults.length > 0
      ? { ok: false, faults: this.faults.toSorted((a, b) => a.offset - b.offset) }
      : { ok: true, template: { text: this.#source, body: this.#root } };
  }

  #pipeline(tokens: LexedAction["tokens"], context: string): Pipeline | undefined {
    const reader = new PipelineReader(this.#source, tokens, this.#variables, this.faults);
    return reader.read(context);
  }

  #open(
    kind: Frame["kind"],
    offset: number,
    pipeline: Pipeline | undefined,
    chained: boolean,
  ): void {
    if (this.#frames.length >= maxDepth) {
      this.#fault(offset, `nested deeper than ${maxDepth} blocks`);
    }
    const scope = this.#variables.length - declaredBy(pipeline);
    const lists = { body: [], otherwise: [] };
    this.#frames.push({ kind, offset, pipeline, ...lists, scope, chained, elseSeen: false });
  }

  #else(rest: LexedAction["tokens"], offset: number): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined || frame.elseSeen) {
      this.#fault(offset, frame === undefined ? "else without if" : "second else of one block");
      return;
    }
    frame.elseSeen = true;
    this.#variables.length = frame.scope + declaredBy(frame.pipeline);
    const [next] = rest;
    if (next === undefined || next.kind === "end") return;
    if (next.kind === "word" && next.text === frame.kind && frame.kind !== "range") {
      this.#open(frame.kind, offset, this.#pipeline(rest.slice(1), frame.kind), true);
      return;
    }
    this.#fault(next.offset, "unexpected text after else", `write else, or else ${frame.kind}`);
  }

  #end(offset: number): void {
    let frame = this.#frames.pop();
    if (frame === undefined) {
      this.#fault(offset, "end without if, with or range");
      return;
    }
    for (;;) {
      this.#variables.length = frame.scope;
      const { kind, pipeline, body, otherwise, chained } = frame;
      if (pipeline !== undefined) this.#add({ kind, pipeline, body, otherwise });
      if (!chained) return;
      frame = this.#frames.pop();
      if (frame === undefined) return;
    }
  }

  #add(node: Node): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) this.#root.push(node);
    else if (frame.elseSeen) frame.otherwise.push(node);
    else frame.body.push(node);
  }

  #fault(offset: number, message: string, hint?: string): void {
    this.faults.push(hint === undefined ? { offset, message } : { offset, message, hint });
  }
}

const declaredBy = (pipeline: Pipeline | undefined): number =>
  pipeline === undefined || pipeline.assigns ? 0 : pipeline.variables.length;
