/** What was found, what was expected and what to do, in words for people. */
import type { z } from "zod";

export function expectationOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return article(issue.expected);
  if (issue.code === "invalid_value") {
    return issue.values.map((it) => `\`${String(it)}\``).join(" or ");
  }
  if (issue.code === "invalid_format" && issue.message.startsWith("Invalid string")) {
    return `text that matches ${issue.pattern ?? issue.format}`;
  }
  if (issue.code === "too_small") return `at least ${issue.minimum}${unit(issue.origin)}`;
  if (issue.code === "too_big") return `at most ${issue.maximum}${unit(issue.origin)}`;
  if (issue.code === "not_multiple_of") return `a multiple of ${issue.divisor}`;
  return issue.message;
}

const units: { readonly [origin: string]: string } = {
  string: " characters",
  array: " items",
  record: " entries",
  object: " entries",
};
const unit = (origin: string): string => units[origin] ?? "";

const articles: { readonly [type: string]: string } = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  int: "a whole number",
  nonoptional: "a value",
  null: "null",
};
const article = (type: string): string => articles[type] ?? `a ${type}`;

export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return value === "" ? "empty text" : `"${short(value)}"`;
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

export const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** What to do about a value of a wrong type or form. */
export function hintFor(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === "invalid_type") return typeHint(issue.expected, found);
  if (issue.code === "invalid_value") return "write one of them";
  if (issue.code === "invalid_format" && typeof found === "string") {
    const candidate = found
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "");
    if (candidate !== found && fits(candidate, issue.pattern))
      return `for example \`${candidate}\``;
  }
  if (issue.code === "too_small") return issue.origin === "string" ? "fill it" : "raise it";
  if (issue.code === "too_big") return issue.origin === "string" ? "shorten it" : "lower it";
  return "change it to fit";
}

function typeHint(expected: string, found: unknown): string {
  if (expected === "string") {
    if (typeof found === "number" || typeof found === "boolean")
      return `put it in quotes: "${found}"`;
    if (found === null) return 'write "" for empty text';
    return "write one text; `|` after the key starts one of several lines";
  }
  if (expected === "boolean") {
    return found === "true" || found === "false"
      ? `remove the quotes: ${found}`
      : "write `true` or `false`";
  }
  if (expected === "number" || expected === "int") {
    return typeof found === "string" && /^\d+$/.test(found)
      ? `remove the quotes: ${found}`
      : `write ${article(expected)}`;
  }
  if (expected === "array") return "start each entry with `- `";
  if (expected === "object" || expected === "record") {
    return Array.isArray(found)
      ? "write entries like `name: …` in place of `- …`"
      : "write entries like `name: …` below it";
  }
  return `write ${article(expected)}`;
}

/** A pattern as zod tells it: `/source/flags`. */
function fits(text: string, pattern: string | undefined): boolean {
  const source = pattern?.replace(/^\/|\/[a-z]*$/g, "");
  return source !== undefined && text !== "" && new RegExp(source).test(text);
}
