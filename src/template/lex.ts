/** One action's text → tokens, as Go's text/template reads it, but for hyphens in field names. */
import { readNumber, readQuoted } from "./literals.ts";
import type { Literal, TemplateFault } from "./syntax.ts";

export interface Token {
  readonly kind: "field" | "dot" | "variable" | "word" | "literal" | "mark" | "end";
  /** The name of a field, variable (with its `$`) or word; the mark itself; otherwise as written. */
  readonly text: string;
  readonly value?: Literal;
  readonly offset: number;
  readonly end: number;
  readonly spaced: boolean;
}

export interface LexedAction {
  /** The last one is the `end` token. */
  readonly tokens: readonly Token[];
  /** Just behind the closing `}}`. */
  readonly end: number;
  readonly trimsAfter: boolean;
}

const space = /[ \t\r\n]/;
const letter = /[\p{L}\p{Nd}_]/u;

/** @returns the tokens from `start`, which is behind `{{`, to the closing `}}`, or the first fault */
export function lexAction(text: string, start: number): LexedAction | TemplateFault {
  const tokens: Token[] = [];
  let at = start;
  let spaced = false;
  for (;;) {
    const closing = closingAt(text, at);
    if (closing > 0) {
      tokens.push({ kind: "end", text: "}}", offset: at, end: at + closing, spaced });
      return { tokens, end: at + closing, trimsAfter: closing > 2 };
    }
    if (at >= text.length) {
      return { offset: start - 2, message: "action is not closed", hint: "end it with }}" };
    }
    if (space.test(text.charAt(at))) {
      at += 1;
      spaced = true;
      continue;
    }
    const token = lexToken(text, at, spaced);
    if (!("kind" in token)) return token;
    tokens.push(token);
    at = token.end;
    spaced = false;
  }
}

/** Length of the closing delimiter at `at`, its trim marker included; 0 where there is none. */
export function closingAt(text: string, at: number): number {
  if (text.startsWith("}}", at)) return 2;
  return space.test(text.charAt(at)) && text.startsWith("-}}", at + 1) ? 4 : 0;
}

function lexToken(text: string, at: number, spaced: boolean): Token | TemplateFault {
  const char = text.charAt(at);
  if (char === '"' || char === "`" || char === "'") {
    const read = readQuoted(text, at);
    return "message" in read ? read : literal(text, at, spaced, read);
  }
  if (char === "." && !/[0-9]/.test(text.charAt(at + 1))) return lexField(text, at, spaced);
  if (/[0-9+\-.]/.test(char)) {
    const read = readNumber(text, at);
    return "message" in read ? read : literal(text, at, spaced, read);
  }
  if (char === "$") {
    const end = wordEnd(text, at + 1);
    return terminated(text, {
      kind: "variable",
      text: text.slice(at, end),
      offset: at,
      end,
      spaced,
    });
  }
  if (text.startsWith(":=", at)) {
    return { kind: "mark", text: ":=", offset: at, end: at + 2, spaced };
  }
  if ("=|(),".includes(char)) {
    return { kind: "mark", text: char, offset: at, end: at + 1, spaced };
  }
  const end = wordEnd(text, at);
  if (end > at) {
    const token = { kind: "word", text: text.slice(at, end), offset: at, end, spaced } as const;
    return terminated(text, token);
  }
  return {
    offset: at,
    message: `unexpected character ${JSON.stringify(wholeCharacter(text, at))}`,
  };
}

const literal = (
  text: string,
  offset: number,
  spaced: boolean,
  { value, end }: { value: Literal; end: number },
): Token => ({ kind: "literal", text: text.slice(offset, end), value, offset, end, spaced });

/** A hyphen belongs to a name when a letter or digit follows, so that ` -}}` stays a trim marker. */
function lexField(text: string, at: number, spaced: boolean): Token | TemplateFault {
  let end = wordEnd(text, at + 1);
  while (end > at + 1 && text.charAt(end) === "-") {
    let next = end;
    while (text.charAt(next) === "-") next += 1;
    const further = wordEnd(text, next);
    if (further === next) break;
    end = further;
  }
  const kind = end === at + 1 ? "dot" : "field";
  return terminated(text, { kind, text: text.slice(at + 1, end), offset: at, end, spaced });
}

function wordEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length) {
    const char = wholeCharacter(text, end);
    if (!letter.test(char)) break;
    end += char.length;
  }
  return end;
}

const wholeCharacter = (text: string, at: number): string =>
  String.fromCodePoint(text.codePointAt(at) ?? 0);

function terminated(text: string, token: Token): Token | TemplateFault {
  const next = text.charAt(token.end);
  if (next === "" || space.test(next) || ".,|:=()".includes(next)) return token;
  if (text.startsWith("}}", token.end)) return token;
  const fault = {
    offset: token.end,
    message: `unexpected character ${JSON.stringify(wholeCharacter(text, token.end))}`,
  };
  return next === "-" && text.startsWith("-}}", token.end)
    ? { ...fault, hint: "write a space before the trim marker -}}" }
    : fault;
}
