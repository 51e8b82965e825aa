/** Values in SQL: names, numbers and quoted values; a literal part's quotes are kept whole. */
import { type Interpolation, type Segment, appliedFunctions, refuseValue } from "./segment.ts";

type Place = "code" | "string" | "escape-string" | "name" | "line-comment" | "comment" | "dollar";

const quoting = ["sqlIdentifier", "sqlLiteral"];
const hint =
  "write {{ … | sqlLiteral }} for a value, {{ … | sqlIdentifier }} for a name, without quotes around it";

/** @throws {TemplateError} for the first value that could change the statement's meaning */
export function guardSql(segments: readonly Segment[]): void {
  const lexer = new SqlLexer();
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === "literal") {
      lexer.literal(segment.text);
      continue;
    }
    const next =
      segments
        .slice(index + 1)
        .find((it) => it.text !== "")
        ?.text.charAt(0) ?? "";
    check(segment, lexer, next);
    lexer.value(segment.text);
  }
}

function check(segment: Interpolation, lexer: SqlLexer, next: string): void {
  const { text, value } = segment;
  if (quoting.includes(appliedFunctions(segment.pipeline)[0] ?? "")) {
    const touches = /[\w$'"&]/.test(lexer.last) || /[\w$'"]/.test(next);
    const negative = text.startsWith("-") && lexer.last === "-";
    if (lexer.place === "code" && !touches && !negative) return;
    throw refuseValue(segment, "is quoted, and stands in quotes or right beside a word", hint);
  }
  if (/^[A-Za-z0-9_]*$/.test(text)) return;
  const isNumber = typeof value === "number" || typeof value === "bigint";
  if (isNumber && !(text.startsWith("-") && lexer.last === "-") && lexer.place === "code") return;
  if (lexer.place === "string" && !/['\\\0]/.test(text)) return;
  if (lexer.place === "name" && !/["\\\0]/.test(text)) return;
  throw refuseValue(segment, "would change the statement's meaning", hint);
}

class SqlLexer {
  place: Place = "code";
  /** The last character before here, of text or value. */
  last = "";
  #depth = 0;
  #tag = "";

  literal(text: string): void {
    let at = 0;
    while (at < text.length) at = this.#step(text, at);
    this.last = text.at(-1) ?? this.last;
  }

  value(text: string): void {
    this.last = text.at(-1) ?? this.last;
  }

  #step(text: string, at: number): number {
    const char = text.charAt(at);
    switch (this.place) {
      case "code":
        return this.#code(text, at);
      case "string":
        if (char === "'") this.place = "code";
        return at + 1;
      case "escape-string":
        if (char === "'") this.place = "code";
        return char === "\\" ? at + 2 : at + 1;
      case "name":
        if (char === '"') this.place = "code";
        return at + 1;
      case "line-comment":
        if (char === "\n") this.place = "code";
        return at + 1;
      case "comment":
        return this.#comment(text, at);
      case "dollar":
        if (!text.startsWith(this.#tag, at)) return at + 1;
        this.place = "code";
        return at + this.#tag.length;
    }
  }

  #code(text: string, at: number): number {
    const char = text.charAt(at);
    const before = at > 0 ? text.charAt(at - 1) : this.last;
    if (char === "'") this.place = /[eE]/.test(before) ? "escape-string" : "string";
    if (char === '"') this.place = "name";
    if (text.startsWith("--", at)) this.place = "line-comment";
    if (text.startsWith("/*", at)) return this.#comment(text, at);
    const tag =
      char === "$" && !/[\w$]/.test(before) ? /^\$\w*\$/.exec(text.slice(at, at + 70)) : null;
    if (tag === null) return at + 1;
    this.place = "dollar";
    this.#tag = tag[0];
    return at + tag[0].length;
  }

  /** PostgreSQL's comments nest. */
  #comment(text: string, at: number): number {
    this.place = "comment";
    if (text.startsWith("/*", at)) this.#depth += 1;
    else if (text.startsWith("*/", at)) this.#depth -= 1;
    else return at + 1;
    if (this.#depth === 0) this.place = "code";
    return at + 2;
  }
}
