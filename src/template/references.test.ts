import { expect, it, test } from "vitest";
import { parseTemplate } from "./parse.ts";
import { type TemplateReference, referencesOf } from "./references.ts";

function references(text: string): TemplateReference[] {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return referencesOf(parsed.template);
}

/** Paths in order, those that are tested in parentheses. */
const shown = (text: string): string =>
  references(text)
    .map(({ path, tested }) => (tested ? `(${path.join(".")})` : path.join(".")))
    .join(" ");

test.each([
  ["a field", "{{ .parameters.x }}", "parameters.x"],
  ["hyphens", "{{ .steps.create-role.output.user-name }}", "steps.create-role.output.user-name"],
  ["the root", "{{ $.parameters.x }}", "parameters.x"],
  ["arguments", '{{ printf "%s" .a.b | eq .c }}', "a.b c"],
  ["an if", "{{ if .a }}{{ .b }}{{ end }}", "(a) b"],
  [
    "what an if has tested",
    "{{ if .a }}{{ .a }}{{ .a.b }}{{ else }}{{ .a }}{{ end }}",
    "(a) (a) (a.b) a",
  ],
  ["what a not has tested", "{{ if not .a }}{{ .a }}{{ else }}{{ .a }}{{ end }}", "(a) a (a)"],
  ["what an and has tested", '{{ if and .a (eq .a "x") }}{{ .a }}{{ end }}', "(a) (a) (a)"],
  ["what an or has not", "{{ if or .a .b }}{{ .a }}{{ end }}", "(a) (b) a"],
  ["an else if", "{{ if .a }}{{ else if .b }}{{ .b }}{{ end }}", "(a) (b) (b)"],
  ["a comparison", '{{ if eq .a "x" }}{{ .a }}{{ end }}', "a a"],
  ["a default", '{{ .a | default "x" }}{{ default .b .c }}', "(a) b (c)"],
  ["a ternary", "{{ .a | ternary .b .c }}", "(a) b c"],
  ["a with", "{{ with .parameters }}{{ .x }}{{ $.y }}{{ end }}", "(parameters) (parameters.x) y"],
  ["a variable", "{{ $p := .parameters }}{{ $p.x }}", "parameters parameters.x"],
  ["a variable that is assigned", "{{ $p := .a }}{{ $p = .b }}{{ $p.x }}", "a b"],
  ["a variable of a with", "{{ with $w := .a }}{{ $w.b }}{{ end }}", "(a) (a.b)"],
  ["a range", "{{ range .a }}{{ .b }}{{ $.c }}{{ else }}{{ .d }}{{ end }}", "a c d"],
  ["a range's variables", "{{ range $k, $v := .a }}{{ $v.b }}{{ end }}", "a"],
  ["an index", '{{ index .steps "a-b" "output" }}{{ get .m "k" }}', "steps.a-b.output m.k"],
  ["an index of a path not known", "{{ index .m .k }}", "m k"],
  ["hasKey", '{{ if hasKey .m "k" }}{{ .m.k }}{{ end }}', "(m.k) (m.k)"],
  ["a group", "{{ (.a).b }}", "a a.b"],
])("%s", (_, text, expected) => {
  expect(shown(text)).toBe(expected);
});

it("says where each stands", () => {
  expect(references("a {{ eq .a $.b.c }}").map((it) => it.offset)).toEqual([8, 12]);
});
