/**
 * Values in YAML: the text is read once as it is and once with an inert token for each value. Where
 * the two trees differ in more than what the values put into their scalars, a value did more than
 * stand for itself.
 */
import {
  type Document,
  type Node,
  type Pair,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseAllDocuments,
} from "yaml";
import { TemplateError } from "./errors.ts";
import { type Interpolation, type Segment, appliedFunctions, refuseValue } from "./segment.ts";
import { isList, isMap as isValueMap } from "./value.ts";

const hint =
  "write {{ … | yamlQuote }} for text, {{ … | toJson }} or {{ … | toYaml | nindent 2 }} for more";

/** Some parsers (YAML 1.1) take these for line breaks, or for nothing. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const breaking = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/;

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
  const actual = segments.map((it) => it.text).join("");
  const check = new Comparison(slots, prefix);
  check.compareAll(read(actual, slots), read(parts.join(""), slots));
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
  const layout = functions.findIndex((it) => it !== "indent" && it !== "nindent");
  const [subject] = layout < 0 ? [] : functions.slice(layout);
  const lead = /^\n? */.exec(layout === 0 ? "" : segment.text)?.[0] ?? "";
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

function read(text: string, slots: readonly Slot[]): Document.Parsed[] {
  try {
    const documents = parseAllDocuments(text, {
      uniqueKeys: false,
      logLevel: "silent",
      stringKeys: false,
    });
    const list = "empty" in documents ? [] : [...documents];
    if (list.every((it) => it.errors.length === 0)) return list;
  } catch {
    // Nested too deep for the parser: no more readable than what it reports.
  }
  const [slot] = slots;
  const why = "stands in text that is no YAML";
  if (slot === undefined) throw new TemplateError(0, "the text is no YAML", hint);
  throw refuseValue(slot.segment, why, hint);
}

type Child = Node | Pair | null | undefined;

class Comparison {
  readonly #slots: readonly Slot[];
  readonly #pattern: RegExp;
  /** The last slot seen in the tree with tokens: where a difference is, it is the first suspect. */
  #suspect: Slot | undefined;

  constructor(slots: readonly Slot[], prefix: string) {
    this.#slots = slots;
    this.#pattern = new RegExp(`("?)${prefix}(\\d+)z("?)`, "g");
  }

  compareAll(actual: readonly Document.Parsed[], expected: readonly Document.Parsed[]): void {
    for (const [index, document] of expected.entries()) {
      const other = actual[index];
      this.#require(other !== undefined);
      if (other === undefined) return;
      this.#require(JSON.stringify(other.directives) === JSON.stringify(document.directives));
      this.#compare(other.contents, document.contents);
    }
    this.#require(actual.length === expected.length);
  }

  #compare(actual: Child, expected: Child): void {
    if (isScalar(expected)) this.#note(String(expected.source ?? expected.value));
    if (this.#isWholeQuoted(expected)) return;
    if (isScalar(expected)) {
      this.#compareScalars(actual, expected);
      return;
    }
    if (isPair(expected)) {
      this.#require(isPair(actual));
      if (!isPair(actual)) return;
      this.#compare(asChild(actual.key), asChild(expected.key));
      this.#compare(asChild(actual.value), asChild(expected.value));
      return;
    }
    if (isMap(expected) || isSeq(expected)) {
      this.#require(isMap(expected) ? isMap(actual) : isSeq(actual));
      if (!isMap(actual) && !isSeq(actual)) return;
      this.#compareProperties(actual, expected);
      const items: readonly unknown[] = expected.items;
      for (const [index, item] of items.entries()) {
        this.#compare(asChild(actual.items[index]), asChild(item));
      }
      this.#require(actual.items.length === items.length);
      return;
    }
    if (isAlias(expected)) this.#require(isAlias(actual) && actual.source === expected.source);
    else this.#require(actual === null || actual === undefined);
  }

  #compareScalars(actual: Child, expected: Extract<Child, { value: unknown }> | Node): void {
    // A plain scalar that turned out empty may be no node at all.
    const found = actual ?? undefined;
    if (!isScalar(expected)) return;
    if (found === undefined) {
      this.#require(this.#substitute(textOfScalar(expected)).includes(""));
      return;
    }
    this.#require(isScalar(found));
    if (!isScalar(found)) return;
    this.#compareProperties(found, expected);
    const isBlock = expected.type === "BLOCK_LITERAL" || expected.type === "BLOCK_FOLDED";
    const trim = (text: string): string => (isBlock ? text.replace(/\n+$/, "") : text);
    const wanted = this.#substitute(textOfScalar(expected)).map(trim);
    const is = textOfScalar(found);
    this.#require(wanted.includes(trim(is)));
    // A merge key in YAML 1.1: other people's parsers take in what it names.
    this.#require(is !== "<<" || textOfScalar(expected) === "<<");
  }

  #compareProperties(actual: Node, expected: Node): void {
    this.#require(actual.tag === expected.tag);
    const anchor = (node: Node): unknown => ("anchor" in node ? node.anchor : undefined);
    this.#require(anchor(actual) === anchor(expected));
  }

  /** The scalar's text with the values in it: as its author's quoting shows them, or as they are. */
  #substitute(text: string): string[] {
    const plain = text.replace(this.#pattern, (_, open: string, index: string, close: string) => {
      const slot = this.#slots[Number(index)];
      if (slot === undefined) return "";
      return slot.quoted && open !== "" && close !== "" ? slot.text : open + slot.text + close;
    });
    return [plain];
  }

  #isWholeQuoted(node: Child): boolean {
    if (!isScalar(node) || node.type !== "QUOTE_DOUBLE") return false;
    const slot = this.#suspect;
    return slot?.quoted === true && node.value === slot.token;
  }

  #note(text: string): void {
    const found = [...text.matchAll(this.#pattern)].at(-1)?.[2];
    if (found !== undefined) this.#suspect = this.#slots[Number(found)];
  }

  #require(same: boolean): void {
    if (same) return;
    const slot = this.#suspect ?? this.#slots[0];
    if (slot === undefined) throw new TemplateError(0, "a value would change the YAML", hint);
    throw refuseValue(slot.segment, "would change the meaning of the YAML around it", hint);
  }
}

const asChild = (value: unknown): Child =>
  isScalar(value) || isMap(value) || isSeq(value) || isAlias(value) || isPair(value) ? value : null;

/** What people wrote for a plain scalar, whatever YAML makes of it; what the others mean. */
function textOfScalar(node: {
  type?: string | undefined;
  source?: string;
  value: unknown;
}): string {
  if (node.type === "PLAIN" || node.type === undefined) return node.source ?? "";
  return typeof node.value === "string" ? node.value : (node.source ?? "");
}
