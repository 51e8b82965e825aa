/**
 * Values in a bash script: each is let in only where it cannot mean anything but itself. What the
 * script does with it then (`eval`, `bash -c "…"`, arithmetic in `[[ ]]`) is the script's own.
 */
import {
  type Interpolation,
  type Segment,
  appliedFunctions,
  parameterOf,
  refuseValue,
} from "./segment.ts";
import { ShellLexer } from "./shell-lexer.ts";

const inert = /^[A-Za-z0-9_./:@%+,=-]*$/;

/** @throws {TemplateError} for the first value that could change the script's meaning */
export function guardShell(segments: readonly Segment[]): void {
  const lexer = new ShellLexer();
  let last: Interpolation | undefined;
  const merged = mergeLiterals(segments);
  for (const [index, segment] of merged.entries()) {
    const next = merged[index + 1];
    if (segment.kind === "literal") {
      lexer.literal(segment.text);
    } else {
      last = segment;
      check(segment, lexer);
      lexer.value(segment.text, isShellQuoted(segment));
    }
    if (next === undefined) lexer.finish();
    const { fault } = lexer;
    if (last !== undefined && fault !== undefined) {
      throw refuseValue(last, fault, `put it in double quotes, or ${environmentHint(last)}`);
    }
  }
}

function mergeLiterals(segments: readonly Segment[]): Segment[] {
  const merged: Segment[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) merged.push({ kind: "literal", text: texts.join("") });
    texts = [];
  };
  for (const segment of segments) {
    if (segment.kind === "literal") {
      texts.push(segment.text);
      continue;
    }
    flush();
    merged.push(segment);
  }
  flush();
  return merged;
}

const isShellQuoted = (segment: Interpolation): boolean =>
  appliedFunctions(segment.pipeline)[0] === "shellQuote";

function check(segment: Interpolation, lexer: ShellLexer): void {
  const { text } = segment;
  const { place } = lexer;
  if (lexer.dangling !== "") {
    const why = `follows a ${lexer.dangling}, which would take it for its own`;
    throw refuseValue(segment, why, `put a space or a quote after the ${lexer.dangling}`);
  }
  if (text.includes("\0")) {
    throw refuseValue(
      segment,
      "holds a NUL character",
      "check the value: no shell text can hold one",
    );
  }
  if (place === "delimiter") {
    throw refuseValue(
      segment,
      "would be a here-document's delimiter",
      "write the delimiter itself",
    );
  }
  if (isShellQuoted(segment) && place !== "comment") {
    if (!lexer.lost && (place === "code" || lexer.inDefaultWord)) return;
    const why = lexer.lost
      ? "stands where the script's quoting cannot be followed"
      : `is quoted for a place outside of quotes, and stands ${where[place]}`;
    throw refuseValue(
      segment,
      why,
      `take the quotes around it away, or ${environmentHint(segment)}`,
    );
  }
  if (inert.test(text) && !(place === "arithmetic" && !/^-?\w*$/.test(text))) return;
  if (!lexer.lost && isHarmless(text, place)) return;
  const hint =
    place === "code" && !lexer.lost
      ? `write {{ … | shellQuote }}, or ${environmentHint(segment)}`
      : environmentHint(segment);
  throw refuseValue(segment, `would change the script's meaning ${where[place]}`, hint);
}

/** Whether nothing in `text` is special at `place`. */
function isHarmless(text: string, place: ShellLexer["place"]): boolean {
  switch (place) {
    case "single":
      return !text.includes("'");
    case "ansi":
      return !/['\\]/.test(text);
    case "double":
      return !/["$`\\]/.test(text);
    case "heredoc":
      return !/[$`\\]/.test(text);
    case "raw-heredoc":
      return true;
    case "comment":
      return !/[\r\n]/.test(text);
    case "code":
    case "brace":
    case "arithmetic":
    case "backtick":
    case "delimiter":
      return false;
  }
}

const where = {
  code: "outside of quotes",
  single: "in '…'",
  double: 'in "…"',
  ansi: "in $'…'",
  comment: "in a comment",
  heredoc: "in a here-document",
  "raw-heredoc": "in a here-document",
  brace: "in ${…}",
  arithmetic: "in arithmetic",
  backtick: "in `…`",
  delimiter: "as a delimiter",
} as const satisfies { [place in ShellLexer["place"]]: string };

function environmentHint({ pipeline }: Interpolation): string {
  const parameter = parameterOf(pipeline);
  const name =
    parameter === undefined
      ? "PARAM_…"
      : `PARAM_${parameter.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
  return `read it from the environment: "$${name}"`;
}
