/**
 * The fast path: reads the plain part of YAML that most specs keep to (block mappings and lists, plain
 * and simply quoted scalars on one line, comments), and gives up at anything else, so that the full
 * parser decides. Over 10,000 specs of 22 lines: 0.1 s here, 1.6 s there. Never a second opinion: a
 * test holds every document that is read here against the full parser.
 */
import type { Json } from "../model/json.ts";
import type { Mark } from "./marks.ts";
import { readScalar } from "./plain-scalar.ts";

export interface PlainTree {
  readonly value: Json;
  readonly mark: Mark;
}

/** Longer files may reach a limit: the full parser counts. */
const longest = 65_536;
const deepest = 16;

/** @returns `undefined` for a text that is not plain, or not right */
export function readPlain(text: string): PlainTree | undefined {
  if (text.length > longest || unusual.test(text)) return undefined;
  const lines = linesOf(text);
  if (lines === undefined || lines[0]?.indent !== 0) return undefined;
  const reader = new Reader(lines);
  const root = reader.readBlock(0, lines[0].at, 1);
  return reader.isAtEnd() ? root : undefined;
}

/** Tabs, carriage returns, controls, spaces that YAML has for letters, surrogates: not for here. */
const unusual =
  /[^\n -~\u00a1-\u167f\u1681-\u1fff\u2010-\u2027\u2030-\u205e\u2060-\u2fff\u3001-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;

interface Line {
  indent: number;
  /** Offset of the first character after the indentation. */
  at: number;
  /** From there to the end, without spaces at the end. */
  text: string;
}

function linesOf(text: string): Line[] | undefined {
  const lines: Line[] = [];
  let start = text.startsWith("---\n") ? 4 : 0;
  while (start < text.length) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    let at = start;
    while (at < end && text.charCodeAt(at) === space) at += 1;
    if (end - at > 1000) return undefined;
    if (at < end && text.charCodeAt(at) !== numberSign) {
      let last = end;
      while (text.charCodeAt(last - 1) === space) last -= 1;
      lines.push({ indent: at - start, at, text: text.slice(at, last) });
    }
    start = end + 1;
  }
  return lines;
}

const space = 0x20;
const numberSign = 0x23;
const entry = /^(?:([A-Za-z_/][\w./-]*)|"([^"\\]+)"):(?:( +)(.*))?$/;
const notAKey = /^(?:true|false|null|__proto__)$/i;

/** Lives for one text: how far it has been read. */
class Reader {
  private readonly lines: Line[];
  private next = 0;

  constructor(lines: Line[]) {
    this.lines = lines;
  }

  isAtEnd = (): boolean => this.next === this.lines.length;

  readBlock(indent: number, key: number, depth: number): PlainTree | undefined {
    if (depth > deepest) return undefined;
    return this.lines[this.next]?.text.startsWith("- ")
      ? this.readList(indent, key, depth)
      : this.readMap(indent, key, depth);
  }

  private readMap(indent: number, key: number, depth: number): PlainTree | undefined {
    const value: { [key: string]: Json } = {};
    const children = new Map<string, Mark>();
    const start = this.lines[this.next]?.at ?? 0;
    for (let line = this.lines[this.next]; line?.indent === indent; line = this.lines[this.next]) {
      const match = entry.exec(line.text);
      if (match === null) return undefined;
      const [, plain, quoted, gap = "", rest = ""] = match;
      const name = plain ?? quoted ?? "";
      if (children.has(name) || notAKey.test(name)) return undefined;
      this.next += 1;
      const at = line.at + name.length + (plain === undefined ? 2 : 0) + 1 + gap.length;
      const child =
        rest === "" || rest.startsWith("#")
          ? this.readNested(indent, line.at, depth)
          : this.readInline(rest, indent, line.at, at);
      if (child === undefined) return undefined;
      value[name] = child.value;
      children.set(name, child.mark);
    }
    return this.end(indent, { value, mark: { key, value: start, children } });
  }

  private readNested(indent: number, key: number, depth: number): PlainTree | undefined {
    const line = this.lines[this.next];
    const isDeeper = line !== undefined && line.indent > indent;
    const isList = line?.indent === indent && line.text.startsWith("- ");
    if (line !== undefined && (isDeeper || isList)) {
      return this.readBlock(line.indent, key, depth + 1);
    }
    return { value: null, mark: { key, value: key, children: undefined } };
  }

  private readList(indent: number, key: number, depth: number): PlainTree | undefined {
    const value: Json[] = [];
    const children = new Map<string, Mark>();
    const start = this.lines[this.next]?.at ?? 0;
    for (let line = this.lines[this.next]; line?.indent === indent; line = this.lines[this.next]) {
      if (!line.text.startsWith("- ")) break;
      const rest = line.text.slice(2).trimStart();
      const skipped = line.text.length - rest.length;
      const at = line.at + skipped;
      let item: PlainTree | undefined;
      if (entry.test(rest)) {
        // `- key: …` opens a mapping where the key stands
        this.lines[this.next] = { indent: indent + skipped, at, text: rest };
        if (depth >= deepest) return undefined;
        item = this.readMap(indent + skipped, at, depth + 1);
      } else {
        this.next += 1;
        item =
          rest === "" || rest.startsWith("#") ? undefined : this.readInline(rest, indent, at, at);
      }
      if (item === undefined) return undefined;
      children.set(String(value.length), item.mark);
      value.push(item.value);
    }
    return this.end(indent, { value, mark: { key, value: start, children } });
  }

  /** A value on its key's line; what is indented further after it would be its continuation. */
  private readInline(rest: string, indent: number, key: number, at: number): PlainTree | undefined {
    const list = flowList.exec(rest);
    if (list !== null) {
      const tree = readFlowList(list[1] ?? "", key, at);
      return tree === undefined ? undefined : this.end(indent, tree);
    }
    const value = readScalar(rest);
    if (value === undefined) return undefined;
    return this.end(indent, { value, mark: { key, value: at, children: undefined } });
  }

  private end(indent: number, tree: PlainTree): PlainTree | undefined {
    const line = this.lines[this.next];
    return line !== undefined && line.indent > indent ? undefined : tree;
  }
}

const flowList = /^\[([^\]]*)\](?: +#.*)?$/;
const flowItem = / *("[^"\\]*"|'[^']*'|-{0,2}[\w./$][\w ./$=+()-]*?) *(,|$)/y;

/** `[a, "b", 3]`, of scalars only. */
function readFlowList(inside: string, key: number, at: number): PlainTree | undefined {
  const value: Json[] = [];
  const children = new Map<string, Mark>();
  if (inside.trim() !== "") {
    flowItem.lastIndex = 0;
    for (let comma = ","; comma === ",";) {
      const start = flowItem.lastIndex;
      const match = flowItem.exec(inside);
      const item = match === null ? undefined : readScalar(match[1] ?? "");
      if (match === null || item === undefined) return undefined;
      comma = match[2] ?? "";
      const offset = at + 1 + start + (match[0].length - match[0].trimStart().length);
      children.set(String(value.length), { key: offset, value: offset, children: undefined });
      value.push(item);
    }
  }
  return { value, mark: { key, value: at, children } };
}
