import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseTemplate } from "./parse.ts";

function faults(text: string): readonly { offset: number; message: string; hint?: string }[] {
  const parsed = parseTemplate(text);
  return parsed.ok ? [] : parsed.faults;
}

type Row = [string, string, number, RegExp];

const table: Row[] = [
  ["an action that is not closed", "a {{ .x", 2, /not closed/],
  ["a string that is not closed", '{{ "a }}', 3, /not closed/],
  ["a comment that is not closed", "{{/* a }}", 2, /not closed/],
  ["a comment with more in it", "{{/* a */ .x }}", 7, /comment/],
  ["a group that is not closed", "{{ (.x }}", 4, /not closed/],
  ["nothing", "a{{ }}", 4, /missing/],
  ["nothing behind a bar", "{{ .x | }}", 8, /missing/],
  ["an unknown function", "{{ .x | shelQuote }}", 8, /shelQuote/],
  ["a parameter without a dot", "{{ parameters.x }}", 3, /parameters/],
  ["an undefined variable", "{{ $x }}", 3, /\$x/],
  ["an assignment to none", "{{ $x = 1 }}", 3, /\$x/],
  ["a variable out of its block", "{{ if $x := .a }}{{ end }}{{ $x }}", 29, /\$x/],
  ["an if without end", "a{{ if .x }}", 1, /no end/],
  ["an end too many", "{{ end }}", 0, /end/],
  ["a second else", "{{ if .x }}{{ else }}{{ else }}{{ end }}", 21, /else/],
  ["else if of a range", "{{ range .x }}{{ else if .y }}{{ end }}", 22, /else/],
  ["break out of nothing", "{{ break }}", 0, /break/],
  ["a block of templates", '{{ define "a" }}{{ end }}', 0, /define/],
  ["a hyphen before the end", "{{ .x-}}", 5, /-/],
  ["too few arguments", "{{ eq .x }}", 3, /eq/],
  ["too many arguments", "{{ not .x .y }}", 3, /not/],
  ["arguments of a field", "{{ .x .y }}", 3, /function/],
  ["a pipe into a field", "{{ 1 | .x }}", 7, /function/],
  ["nil alone", "{{ nil }}", 3, /nil/],
  ["a field of a text", '{{ "a".b }}', 6, /\.b/],
  ["operands without a space", '{{ print "a""b" }}', 12, /"b"/],
  ["a bad number", "{{ 12ab }}", 3, /number/],
  ["a bad octal", "{{ 089 }}", 3, /number/],
  ["a number too large", "{{ 9223372036854775808 }}", 3, /large/],
  ["an unknown escape", '{{ "\\q" }}', 4, /escape/],
  ["a long character", "{{ 'ab' }}", 3, /character/],
  ["a strange character", "{{ .x & }}", 6, /&/],
];

test.each(table)("faults %s", (_, text, offset, message) => {
  const found = faults(text);
  expect(found.map((it) => it.offset)).toEqual([offset]);
  expect(found[0]?.message).toMatch(message);
});

describe("parseTemplate", () => {
  it("law 10: finds every fault at once", () => {
    const text = "{{ if }}{{ nope }}{{ end }}{{ .a | }}{{ end }}{{ $v }}";
    expect(faults(text).map((it) => it.offset)).toEqual([6, 11, 35, 37, 49]);
  });

  it("hints at the function that was meant", () => {
    expect(faults("{{ .x | shellquote }}")[0]?.hint).toContain("shellQuote");
    expect(faults("{{ size }}")[0]?.hint).toContain(".parameters.size");
  });

  it.each([
    "}}",
    "}}}",
    "${X:-{{ .parameters.gitea_token }}}",
    '{{ "{{" }}{{ "}}" }}{{ `}}` }}',
    "{{- .a -}}",
    "{{/* {{ */}}",
    "{{ .steps.create-role.output.user-name }}",
    "{{ .a--b }}{{ .a -}}",
    '{"a": {"b": {{ .x }}}}',
  ])("reads %s", (text) => {
    expect(faults(text)).toEqual([]);
  });

  it("bounds nesting, length and variables", () => {
    const nested = (count: number) => "{{ if .x }}".repeat(count) + "{{ end }}".repeat(count);
    const grouped = (count: number) => `{{ ${"(".repeat(count)}1${")".repeat(count)} }}`;
    expect(faults(nested(100))).toEqual([]);
    expect(faults(nested(101))).not.toEqual([]);
    expect(faults(nested(20_000))).not.toEqual([]);
    expect(faults(grouped(50_000))).not.toEqual([]);
    expect(faults("x".repeat(1024 * 1024 + 1))).not.toEqual([]);
    expect(faults("{{ $a := 1 }}".repeat(2000))).not.toEqual([]);
  });

  it("stays fast on text that is all faults", () => {
    for (const piece of [
      "{{",
      '{{"',
      "{{/*",
      "{{`",
      "{{if",
      "{{ $x }}",
      "{{(",
      "{{- ",
      "{{ .x\n",
    ]) {
      expect(faults(piece.repeat(Math.floor(1_000_000 / piece.length)))).not.toEqual([]);
    }
  });

  const scrap = fc.constantFrom(
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    "(",
    ")",
    "|",
    ".",
    ".a",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    '"',
    "`",
    "'",
    "if",
    "else",
    "end",
    "range",
    "with",
    "break",
    "1",
    "-",
    "0x",
    "1e",
    "\\",
    "/*",
    "*/",
    "\n",
    "eq",
    "and",
    "nil",
    "true",
    "😀",
    "\ud800",
  );

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(scrap, { maxLength: 30 }).map((it) => it.join("")),
          fc.string(),
        ),
        (text) => {
          for (const { offset } of faults(text)) {
            expect(offset).toBeGreaterThanOrEqual(0);
            expect(offset).toBeLessThanOrEqual(text.length);
          }
        },
      ),
      { seed: 1, numRuns: 5000 },
    );
  });
});
