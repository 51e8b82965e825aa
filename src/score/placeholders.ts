/**
 * Placeholders as score-go resolves them: one pass from left to right, `$$` for a dollar, `$${x}` for
 * the text `${x}`, a body that ends at the first `}`, results never looked at again, keys never
 * touched. Parsing and substituting share one tokenizer, so that they cannot disagree.
 */
import { isList, isRecord, toPointer, type Json } from "../model/json.ts";
import { toText } from "./text.ts";

export interface Reference {
  /** As written between the braces. */
  readonly reference: string;
  /** Its elements; `\.` in the reference is a dot in one. */
  readonly path: readonly string[];
}

export interface Placeholder extends Reference {
  /** Of the text it stands in, within the value. */
  readonly pointer: string;
  readonly at: readonly (string | number)[];
  /** Of its `$` in that text. */
  readonly offset: number;
}

export type Resolved =
  | { readonly kind: "value"; readonly value: Json }
  /** Left as it is written, for a later pass. */
  | { readonly kind: "keep" }
  | { readonly kind: "fault"; readonly message: string };

export type Lookup = (reference: Reference) => Resolved;

export interface Fault {
  readonly pointer: string;
  readonly reference: string;
  /** Names the reference. */
  readonly message: string;
}

export interface Substituted {
  /** As given where there are faults. */
  readonly value: Json;
  /** In the order of the text. */
  readonly faults: readonly Fault[];
}

export function placeholdersIn(value: Json): Placeholder[] {
  const found: Placeholder[] = [];
  eachText(value, [], (text, at) => {
    for (const token of tokens(text)) {
      if (token.kind !== "reference") continue;
      const { reference, path, offset } = token;
      found.push({ reference, path, offset, at, pointer: toPointer(at) });
    }
  });
  return found;
}

/** The last pass: every placeholder is replaced, escapes become what they stand for. */
export function substitute(value: Json, lookup: Lookup): Substituted {
  return pass(value, (text, fault) => {
    let out = "";
    for (const token of tokens(text)) {
      if (token.kind === "text") out += token.text;
      else if (token.kind === "escape") out += token.raw.slice(1);
      else {
        const resolved = lookup(token);
        if (resolved.kind === "fault") fault(token.reference, resolved.message);
        else out += resolved.kind === "keep" ? token.raw : toText(resolved.value);
      }
    }
    return out;
  });
}

/**
 * A pass with others to come: what `lookup` knows is filled in, everything else stays as written,
 * escapes included, and a dollar in what is filled in is escaped. Substituting the result is
 * substituting the whole at once.
 */
export function substitutePartly(value: Json, lookup: Lookup): Substituted {
  return pass(value, (text, fault) => {
    let out = "";
    let filled: string | undefined;
    const meant: string[] = [];
    for (const token of tokens(text)) {
      if (token.kind === "text") {
        out += token.text;
        meant.push(token.text);
      } else if (token.kind === "escape") {
        out += token.raw;
        meant.push(token.raw.slice(1));
      } else {
        const resolved = lookup(token);
        if (resolved.kind === "fault") fault(token.reference, resolved.message);
        else if (resolved.kind === "keep") {
          out += token.raw;
          meant.push(`\0${token.reference}\0`);
        } else {
          const inserted = toText(resolved.value);
          filled = token.reference;
          out += inserted.replaceAll("$", "$$$$");
          meant.push(inserted);
        }
      }
    }
    // `$` + `{` that came together here, with a `}` further on: no text of the grammar says that.
    if (filled !== undefined && meaningOf(out) !== meant.join("")) {
      fault(filled, "a `$` before and a `{` after it would become another placeholder");
    }
    return out;
  });
}

/** What a text comes to, whatever its references stand for. */
const meaningOf = (text: string): string =>
  tokens(text)
    .map((token) => {
      if (token.kind === "text") return token.text;
      return token.kind === "escape" ? token.raw.slice(1) : `\0${token.reference}\0`;
    })
    .join("");

type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "escape"; readonly raw: string }
  | ({ readonly kind: "reference"; readonly raw: string; readonly offset: number } & Reference);

/**
 * score-go's grammar, `\$((?:\$?{([^}]*)})|\$)`, in one pass: as a regular expression it would look for the
 * missing `}` of every `${` again, to the end of the text.
 */
function tokens(text: string): Token[] {
  const found: Token[] = [];
  let end = 0;
  const lastBrace = text.lastIndexOf("}");
  for (let at = text.indexOf("$"); at >= 0; at = text.indexOf("$", Math.max(end, at + 1))) {
    const isEscape = text[at + 1] === "$";
    const open = isEscape ? at + 2 : at + 1;
    const close = text[open] === "{" && open < lastBrace ? text.indexOf("}", open) : -1;
    if (close < 0 && !isEscape) continue;
    if (at > end) found.push({ kind: "text", text: text.slice(end, at) });
    end = close < 0 ? at + 2 : close + 1;
    const raw = text.slice(at, end);
    if (isEscape) found.push({ kind: "escape", raw });
    else {
      const reference = text.slice(open + 1, close);
      found.push({
        kind: "reference",
        raw,
        offset: at,
        reference,
        path: splitReference(reference),
      });
    }
  }
  if (end < text.length) found.push({ kind: "text", text: text.slice(end) });
  return found;
}

const splitReference = (reference: string): string[] =>
  reference.split(/(?<!\\)\./).map((part) => part.replaceAll("\\.", "."));

function pass(
  value: Json,
  rewrite: (text: string, fault: (reference: string, message: string) => void) => string,
): Substituted {
  const faults: Fault[] = [];
  const walk = (here: Json, at: readonly (string | number)[]): Json => {
    if (typeof here === "string") {
      if (!here.includes("$")) return here;
      return rewrite(here, (reference, message) => {
        faults.push({ pointer: toPointer(at), reference, message: `\`${reference}\`: ${message}` });
      });
    }
    if (isList(here)) return here.map((item, index) => walk(item, [...at, index]));
    if (!isRecord(here)) return here;
    const entries = Object.entries(here).map(([key, child]): [string, Json] => [
      key,
      walk(child, [...at, key]),
    ]);
    return Object.fromEntries(entries);
  };
  const result = walk(value, []);
  return { value: faults.length > 0 ? value : result, faults };
}

function eachText(
  value: Json,
  at: readonly (string | number)[],
  visit: (text: string, at: readonly (string | number)[]) => void,
): void {
  if (typeof value === "string") {
    if (value.includes("$")) visit(value, at);
  } else if (isList(value)) {
    for (const [index, item] of value.entries()) eachText(item, [...at, index], visit);
  } else if (isRecord(value)) {
    for (const [key, child] of Object.entries(value)) eachText(child, [...at, key], visit);
  }
}
