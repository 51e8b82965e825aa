/**
 * Values in YAML: the text is read once as it is and once with an inert token for each value. Where
 * the two trees differ in more than what the values put into their scalars, a value did more than
 * stand for itself.
 */
import {
  type Document,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseAllDocuments,
} from "yaml";
import { type Interpolation, type Segment, appliedFunctions, refuseValue } from "./segment.ts";
import { isList, isMap as isValueMap } from "./value.ts";

const hint =
  "write {{ … | yamlQuote }} for text, {{ … | toJson }} or {{ … | toYaml | nindent 2 }} for more";

/** Some parsers (YAML 1.1) take these for line breaks, or for nothing. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const breaking = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/;

/** How many values are tried one by one for the one to name. */
const maxSuspects = 50;

interface Slot {
  readonly segment: Interpolation;
  readonly token: string;
  /** What the token's text is replaced by, to get the scalar that the value should have made. */
  readonly text: string;
  /** What stands in the template's place when it is read with tokens. */
  readonly stand: string;
  /** Its own quotes make it a scalar or more, whole. */
  readonly quoted: boolean;
}

/** @throws {TemplateError} for the first value that could change the document's meaning */
export function guardYaml(segments: readonly Segment[]): void {
  const prefix = unusedPrefix(segments);
  const slots: Slot[] = [];
  let line = "";
  const parts = segments.map((segment) => {
    if (segment.kind === "value") {
      const slot = slotOf(segment, `${prefix}${slots.length}z`, line);
      if (slot !== undefined) slots.push(slot);
      line = lineEnd(line, segment.text);
      return slot?.stand ?? segment.text;
    }
    line = lineEnd(line, segment.text);
    return segment.text;
  });
  if (slots.length === 0) return;
  const expected = read(parts.join(""));
  const holds = (texts: readonly string[], tried: readonly Slot[]): boolean =>
    expected !== undefined &&
    new Comparison(slots, prefix, tried).holds(read(texts.join("")), expected);
  if (
    holds(
      segments.map((it) => it.text),
      slots,
    )
  )
    return;
  const only = ({ segment }: Slot): string[] =>
    parts.map((part, index) => (segments[index] === segment ? segment.text : part));
  const culprit = slots.slice(0, maxSuspects).find((it) => !holds(only(it), [it])) ?? slots[0];
  if (culprit === undefined) return;
  const why =
    expected === undefined
      ? "stands in text that is no YAML"
      : "would change the meaning of the YAML around it";
  throw refuseValue(culprit.segment, why, hint);
}

const lineEnd = (line: string, text: string): string => {
  const at = text.lastIndexOf("\n");
  return at < 0 ? line + text : text.slice(at + 1);
};

function unusedPrefix(segments: readonly Segment[]): string {
  let number = 0;
  while (segments.some((it) => it.text.includes(`zq${number}v`))) number += 1;
  return `zq${number}v`;
}

/** @returns `undefined` for a block of toYaml, which is trusted where it stands on lines of its own */
function slotOf(segment: Interpolation, token: string, line: string): Slot | undefined {
  const functions = appliedFunctions(segment.pipeline);
  const isLayout = (name: string | undefined): boolean => name === "indent" || name === "nindent";
  const subject = functions.find((it) => !isLayout(it));
  const lead = /^\n? */.exec(isLayout(functions[0]) ? segment.text : "")?.[0] ?? "";
  const pad = lead.replace("\n", "");
  const text = segment.text.slice(lead.length).replaceAll(`\n${pad}`, "\n");
  if (subject === "toJson" || subject === "toRawJson" || subject === "yamlQuote") {
    return { segment, token, text, stand: `${lead}"${token}"`, quoted: true };
  }
  if (subject === "toYaml") {
    if (/^[\w./-]*$|^"[^\n]*"$/.test(text)) {
      return { segment, token, text, stand: `${lead}"${token}"`, quoted: true };
    }
    if (lead.startsWith("\n") || /^\s*(?:- *)?$/.test(line)) return undefined;
    throw refuseValue(segment, "is a block of YAML in the middle of a line", "add | nindent 2");
  }
  if (breaking.test(text)) {
    throw refuseValue(segment, "holds a control character or another line break than \\n", hint);
  }
  if (isList(segment.value) || isValueMap(segment.value)) {
    throw refuseValue(segment, "is a list or a map, printed as Go prints one", hint);
  }
  return { segment, token, text, stand: lead + token, quoted: false };
}

/** @returns `undefined` for what is no YAML */
function read(text: string): readonly Document.Parsed[] | undefined {
  try {
    const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: "silent" });
    const list = "empty" in documents ? [] : [...documents];
    return list.every((it) => it.errors.length === 0) ? list : undefined;
  } catch {
    return undefined; // nested too deep for the parser
  }
}

type Child = Node | Pair | null | undefined;

class Comparison {
  readonly #slots: readonly Slot[];
  readonly #pattern: RegExp;
  readonly #tried: ReadonlySet<Slot>;
  readonly #prefix: string;

  /** `tried` are those whose values stand in the actual text; the others' tokens do. */
  constructor(slots: readonly Slot[], prefix: string, tried: readonly Slot[]) {
    this.#slots = slots;
    this.#tried = new Set(tried);
    this.#prefix = prefix;
    this.#pattern = new RegExp(`("?)${prefix}(\\d+)z("?)`, "g");
  }

  /** Whether `actual` is `expected`, whose tokens became values. */
  holds(
    actual: readonly Document.Parsed[] | undefined,
    expected: readonly Document.Parsed[],
  ): boolean {
    if (actual?.length !== expected.length) return false;
    return expected.every((document, index) => {
      const other = actual[index];
      return (
        other !== undefined &&
        JSON.stringify(other.directives) === JSON.stringify(document.directives) &&
        this.#same(other.contents, document.contents)
      );
    });
  }

  #same(actual: Child, expected: Child): boolean {
    if (isScalar(expected)) {
      return this.#isWholeQuoted(expected) || this.#sameScalar(actual, expected);
    }
    if (isPair(expected)) {
      return (
        isPair(actual) &&
        this.#same(asChild(actual.key), asChild(expected.key)) &&
        this.#same(asChild(actual.value), asChild(expected.value))
      );
    }
    if (isMap(expected)) return isMap(actual) && this.#sameItems(actual, expected);
    if (isSeq(expected)) return isSeq(actual) && this.#sameItems(actual, expected);
    if (isAlias(expected)) return isAlias(actual) && actual.source === expected.source;
    return actual === null || actual === undefined;
  }

  #sameItems(actual: YAMLMap | YAMLSeq, expected: YAMLMap | YAMLSeq): boolean {
    return (
      sameProperties(actual, expected) &&
      actual.items.length === expected.items.length &&
      expected.items.every((item, index) => this.#same(asChild(actual.items[index]), asChild(item)))
    );
  }

  #sameScalar(actual: Child, expected: Scalar): boolean {
    const isBlock = expected.type === "BLOCK_LITERAL" || expected.type === "BLOCK_FOLDED";
    const trim = (text: string): string => (isBlock ? text.replace(/\n+$/, "") : text);
    const wanted = trim(this.#substitute(textOf(expected)));
    // What became of a value that is empty may be no node at all.
    if (!isScalar(actual)) return (actual === null || actual === undefined) && wanted === "";
    const is = textOf(actual);
    // A merge key in YAML 1.1: other people's parsers take in what it names.
    const merges = is === "<<" && textOf(expected) !== "<<";
    return sameProperties(actual, expected) && wanted === trim(is) && !merges;
  }

  /** The scalar's text with the values in it: in their own quotes, where those are its text. */
  #substitute(text: string): string {
    return text.replace(this.#pattern, (whole, open: string, index: string, close: string) => {
      const slot = this.#slots[Number(index)];
      if (slot === undefined || !this.#tried.has(slot)) return whole;
      return slot.quoted && open !== "" && close !== "" ? slot.text : open + slot.text + close;
    });
  }

  /** A quoted value, and nothing else: it is a node of its own, and what is in it stays in it. */
  #isWholeQuoted({ type, value }: Scalar): boolean {
    if (type !== "QUOTE_DOUBLE" || typeof value !== "string") return false;
    if (!value.startsWith(this.#prefix) || !value.endsWith("z")) return false;
    const slot = this.#slots[Number(value.slice(this.#prefix.length, -1))];
    return slot?.quoted === true && slot.token === value;
  }
}

const sameProperties = (actual: Node, expected: Node): boolean =>
  actual.tag === expected.tag && anchorOf(actual) === anchorOf(expected);

const anchorOf = (node: Node): unknown => ("anchor" in node ? node.anchor : undefined);

const asChild = (value: unknown): Child =>
  isScalar(value) || isMap(value) || isSeq(value) || isAlias(value) || isPair(value) ? value : null;

/** What people wrote for a plain scalar, whatever YAML makes of it; what the others mean. */
function textOf({ type, source, value }: Scalar): string {
  if (type === "PLAIN" || type === undefined)
    return value === null && source?.trim() === "" ? "" : (source ?? "");
  return typeof value === "string" ? value : (source ?? "");
}
