import fc from "fast-check";
import { expect, it, test } from "vitest";
import type { Json } from "../model/json.ts";
import { TemplateError } from "./errors.ts";
import { parseTemplate } from "./parse.ts";
import { renderTemplate } from "./render.ts";

function attempt(text: string, x: Json): string | undefined {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`template: ${JSON.stringify(parsed.faults)}`);
  try {
    return renderTemplate(parsed.template, { x }, "sql");
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

type Row = [string, string, Json, string | undefined];

const table: Row[] = [
  ["a word", "select {{ .x }}", "a_1", "select a_1"],
  ["a number", "limit {{ .x }}", 5, "limit 5"],
  ["a negative number", "limit {{ .x }}", -5, "limit -5"],
  ["a negative number behind a minus", "select 1-{{ .x }}", -5, undefined],
  ["a fraction", "select {{ .x }}", 1.5, "select 1.5"],
  ["a boolean", "select {{ .x }}", true, "select true"],
  ["text", "select {{ .x }}", "a b", undefined],
  ["a hyphen", "select {{ .x }}", "a-b", undefined],
  ["a name", "create role {{ .x | sqlIdentifier }}", 'a"-b', 'create role "a""-b"'],
  ["an empty name", "create role {{ .x | sqlIdentifier }}", "", undefined],
  ["NUL in a name", "create role {{ .x | sqlIdentifier }}", "a\0", undefined],
  ["63 bytes", "{{ .x | sqlIdentifier }}", "é".repeat(31), `"${"é".repeat(31)}"`],
  ["64 bytes", "{{ .x | sqlIdentifier }}", "é".repeat(32), undefined],
  ["a value", "password {{ .x | sqlLiteral }}", "it's", "password 'it''s'"],
  ["a backslash", "password {{ .x | sqlLiteral }}", "a\\'", "password E'a\\\\'''"],
  ["null", "select {{ .x | sqlLiteral }}", null, "select NULL"],
  ["a number as a value", "select {{ .x | sqlLiteral }}", 5, "select 5"],
  ["a list as a value", "select {{ .x | sqlLiteral }}", ["a"], undefined],
  ["a value in quotes", "select '{{ .x | sqlLiteral }}'", "a", undefined],
  ["a value beside a quote", "select 'a'{{ .x | sqlLiteral }}", "a", undefined],
  ["a value before a quote", "select {{ .x | sqlLiteral }}'a'", "a", undefined],
  ["a value behind a prefix", "select U&{{ .x | sqlLiteral }}", "a", undefined],
  ["text in a string", "select '{{ .x }} b'", 'a; "c" --', "select 'a; \"c\" -- b'"],
  ["a quote in a string", "select '{{ .x }}'", "a'", undefined],
  ["a backslash in a string", "select '{{ .x }}'", "a\\", undefined],
  ["text in an escape string", "select E'{{ .x }}'", "a b", undefined],
  ["text in a name", 'select "{{ .x }}"', "a b'", 'select "a b\'"'],
  ["a double quote in a name", 'select "{{ .x }}"', 'a"', undefined],
  ["a word in a body", "do $$ begin {{ .x }} end $$", "a", "do $$ begin a end $$"],
  ["text in a body", "do $$ begin {{ .x }} end $$", "$$", undefined],
  ["text in a comment", "-- {{ .x }}", "a\nb", undefined],
  ["a value in a comment", "/* {{ .x | sqlLiteral }} */ 1", "*/", undefined],
  [
    "a quote in a comment opens nothing",
    "-- it's\nselect '{{ .x }}'",
    "a b",
    "-- it's\nselect 'a b'",
  ],
  ["comments nest", "/* /* */ ' */ select '{{ .x }}'", "a b", "/* /* */ ' */ select 'a b'"],
  ["a tagged body ends at its tag", "$a$ $b$ ' $a$ '{{ .x }}'", "c d", "$a$ $b$ ' $a$ 'c d'"],
];

test.each(table)("%s", (_, text, x, expected) => {
  expect(attempt(text, x)).toBe(expected);
});

it("keeps every string in its quotes", () => {
  const hostile = fc.array(
    fc.constantFrom("'", '"', "\\", "$$", "--", "/*", "*/", ";", "\n", "a"),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(hostile, (parts) => {
      const x = parts.join("");
      const literal = attempt("{{ .x | sqlLiteral }}", x) ?? "";
      const body = literal.replace(/^E/, "").slice(1, -1);
      const plain = literal.startsWith("E") ? body.replaceAll("\\\\", "\\") : body;
      expect(plain.replaceAll("''", "'")).toBe(x);
      expect(body.replaceAll("''", "")).not.toContain("'");
    }),
    { seed: 9 },
  );
});
