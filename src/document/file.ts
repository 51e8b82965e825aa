/**
 * Text of a YAML file → its documents as JSON values, or every reason why it is not readable, each
 * with its place (law 10). Places are worked out only when one is asked for.
 */
import { Lexer, parseAllDocuments, type Document } from "yaml";
import { isList, isRecord, type Json } from "../model/json.ts";
import type { Place, Problem } from "../model/problem.ts";
import { defaultLimits, mostProblems, type Limits } from "./bytes.ts";
import { readPlain } from "./plain.ts";
import { lineStarts, nearest, placeIn, type Fault, type Mark, type Tree } from "./marks.ts";
import { toTree } from "./tree.ts";

export interface ParsedDocument {
  readonly file: string;
  /** Of the document in its file; 0 is the first. */
  readonly index: number;
  /** `undefined`: empty, or not readable; the file's problems say which. */
  readonly value: Json | undefined;
  /** Place of the key or item at `path`; where it is missing, of the nearest parent that is there. */
  at(path: readonly PropertyKey[], part?: "key" | "value"): Place;
}

export interface ParsedFile {
  readonly documents: readonly ParsedDocument[];
  /** All `yaml/…`; a document that has an error among them has no value. */
  readonly problems: readonly Problem[];
}

/** Never throws, whatever `text` is. */
export function parseFile(file: string, text: string, limits: Limits = defaultLimits): ParsedFile {
  if (text.length > limits.size) {
    const message = `the file has ${text.length} characters; at most ${limits.size} are read`;
    const hint = "split it into several files";
    return unreadable(file, { offset: 0, ...error, code: "yaml/too-large", message, hint });
  }
  const trees = readTrees(text, limits);
  if ("offset" in trees) return unreadable(file, trees);

  let marks: WeakRef<readonly Mark[]> | undefined;
  let lines: WeakRef<readonly number[]> | undefined;
  const placeOf = (offset: number): Place => {
    let known = lines?.deref();
    if (known === undefined) {
      known = lineStarts(text);
      lines = new WeakRef(known);
    }
    return placeIn(file, known, offset);
  };
  const markOf = (index: number): Mark | undefined => {
    let known = marks?.deref();
    if (known === undefined) {
      const again = readTrees(text, limits);
      known = "offset" in again ? [] : again.map((it) => it.mark);
      marks = new WeakRef(known);
    }
    return known[index];
  };

  const documents = trees.map((tree, index): ParsedDocument => {
    const at: ParsedDocument["at"] = (path, part = "key") => {
      const mark = nearest(markOf(index), path);
      return placeOf(mark?.[part] ?? 0);
    };
    return { file, index, value: tree.value, at };
  });
  const problems = trees
    .flatMap((it) => it.faults)
    .concat(contentFaults(trees))
    .slice(0, mostProblems)
    .map((fault) => toProblem(fault, placeOf(fault.offset)));
  return { documents, problems };
}

const error = { severity: "error" as const };

function unreadable(file: string, fault: Fault): ParsedFile {
  return { documents: [], problems: [toProblem(fault, { file, line: 1, column: 1 })] };
}

function toProblem({ code, severity, message, hint }: Fault, place: Place): Problem {
  return { ...place, pointer: "", code, severity, message, hint };
}

function readTrees(text: string, limits: Limits): readonly Tree[] | Fault {
  const plain = limits === defaultLimits ? readPlain(text) : undefined;
  return plain === undefined ? readFully(text, limits) : [{ ...plain, faults: [] }];
}

/** By the full parser, whatever the text is. */
export function readFully(text: string, limits: Limits): readonly Tree[] | Fault {
  if (hasMoreTokens(text, limits.tokens)) {
    const message = `the file has more than ${limits.tokens} keys, values and marks`;
    const hint = "split it into several files";
    return { offset: 0, ...error, code: "yaml/too-large", message, hint };
  }
  try {
    const documents = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false });
    return Array.isArray(documents) ? documents.map((it) => readTree(text, it, limits)) : [];
  } catch (thrown) {
    // The parser recurses: text like "[[[[…" overflows the stack before any depth can be counted.
    if (!(thrown instanceof RangeError)) throw thrown;
    const message = `found more than ${limits.depth} mappings and lists inside one another`;
    return { offset: 0, ...error, code: "yaml/too-deep", message, hint: "flatten it" };
  }
}

function hasMoreTokens(text: string, limit: number): boolean {
  if (text.length <= limit / 2) return false; // a character is seldom more than one, never more than two
  let count = 0;
  for (const _ of new Lexer().lex(text)) {
    count += 1;
    if (count > limit) return true;
  }
  return false;
}

function readTree(text: string, document: Document.Parsed, limits: Limits): Tree {
  if (document.errors.length === 0) return toTree(document, limits);
  const offset = document.range[0];
  const conflict = /^(?:<{7}|>{7})(?: |$)/m.exec(text.slice(offset, document.range[2]));
  const conflicts: Fault[] =
    conflict === null
      ? []
      : [
          {
            offset: offset + conflict.index,
            ...error,
            code: "yaml/merge-conflict",
            message: "found a merge conflict marker",
            hint: "resolve the conflict, and remove the lines that start with <<<<<<<, ======= and >>>>>>>",
          },
        ];
  const faults = document.errors.slice(0, 20).map(({ pos, code, message }): Fault => {
    const kind = code.toLowerCase().replaceAll("_", "-");
    const hint = hints[kind] ?? "correct the YAML syntax here, or just before";
    return { offset: pos[0], ...error, code: `yaml/${kind}`, message: lowerFirst(message), hint };
  });
  return {
    value: undefined,
    mark: { key: offset, value: offset, children: undefined },
    faults: conflict === null ? faults : conflicts,
  };
}

const hints: { readonly [code: string]: string } = {
  "tab-as-indent": "indent with spaces",
  "bad-indent": "check the indentation of this line and the ones before",
  "missing-char": "check for a bracket or quote that is not closed",
};

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** A file without anything in it, and text or a number where a mapping would stand, are mistakes. */
function contentFaults(trees: readonly Tree[]): Fault[] {
  if (trees.every((it) => it.value === undefined && it.faults.length === 0)) {
    const message = "the file has no content, expected a mapping";
    const hint = "fill it, or remove the file";
    return [{ offset: 0, ...error, code: "yaml/empty", message, hint }];
  }
  return trees
    .filter(
      ({ value }) => value !== undefined && value !== null && !isRecord(value) && !isList(value),
    )
    .map(({ value, mark }) => {
      const message = `found a ${typeof value}, expected a mapping`;
      const hint = "start with a key, like `apiVersion: …`";
      return { offset: mark.key, ...error, code: "yaml/scalar", message, hint };
    });
}
