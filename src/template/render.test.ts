import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Json, JsonRecord } from "../model/json.ts";
import { parseTemplate } from "./parse.ts";
import { TemplateError, renderTemplate } from "./render.ts";

function render(text: string, data: JsonRecord = {}): string {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return renderTemplate(parsed.template, data, "plain");
}

function errorOf(text: string, data: JsonRecord = {}): TemplateError {
  try {
    render(text, data);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
  throw new Error("rendered");
}

const data = {
  parameters: {
    x: "v",
    no: false,
    false: "false",
    none: null,
    n: 3,
    big: 1e6,
    f: 1.5,
    list: ["a", "b"],
    map: { b: 1, a: "x" },
  },
  steps: { "create-role": { output: { "user-name": "u" } } },
  now: "2026-01-02T03:04:05Z",
};

test.each([
  ["{{ .parameters.x }}", "v"],
  ["{{ .steps.create-role.output.user-name }}", "u"],
  ["{{ .steps.create-role.output.user-name -}} x", "ux"],
  ["${GITEA_TOKEN:-{{ .parameters.x }}}", "${GITEA_TOKEN:-v}"],
  ['{"a":{"b":"{{ .parameters.x }}"}}}', '{"a":{"b":"v"}}}'],
  ['{{ "{{" }}', "{{"],
  [" a {{- 1 -}} b ", " a1b "],
  ["{{- 3 }} {{-3}}", "3 -3"],
  ["{{ if .parameters.no }}a{{ else }}b{{ end }}", "b"],
  ["{{ if .parameters.false }}a{{ else }}b{{ end }}", "a"],
  ["{{ if .parameters.missing }}a{{ else }}b{{ end }}", "b"],
  ["{{ if not .parameters.missing }}a{{ end }}", "a"],
  ["{{ if and .parameters.x .parameters.missing }}a{{ else }}b{{ end }}", "b"],
  ["{{ with .parameters.missing }}a{{ else }}b{{ end }}", "b"],
  ['{{ .parameters.missing | default "d" }}', "d"],
  ['{{ default "d" .parameters.none }}', "d"],
  ['{{ coalesce .parameters.missing .parameters.none "c" }}', "c"],
  ['{{ if hasKey .missing "a" }}a{{ else }}b{{ end }}', "b"],
  ['{{ if index .parameters "missing" }}a{{ else }}b{{ end }}', "b"],
  ['{{ .parameters.no | ternary "a" "b" }}', "b"],
  ["[{{ .parameters.none }}]", "[]"],
  ['{{ if eq .parameters.none "small" }}a{{ else }}b{{ end }}', "b"],
  ["{{ .parameters.list }} {{ .parameters.map }}", "[a b] map[a:x b:1]"],
  ["{{ .parameters.n }} {{ .parameters.big }} {{ .parameters.f }}", "3 1000000 1.5"],
  ["{{ if eq .parameters.n 3 }}a{{ end }}{{ if lt .parameters.f 2 }}b{{ end }}", "ab"],
  ["{{ range $k, $v := .parameters.map }}{{ $k }}={{ $v }};{{ end }}", "a=x;b=1;"],
  ["{{ range .parameters.n }}{{ . }}{{ end }}{{ range 3 }}{{ . }}{{ end }}", "012012"],
  ["{{ range $i, $e := .parameters.list }}{{ if $i }}, {{ end }}{{ $e }}{{ end }}", "a, b"],
  [
    '{{ index .parameters.list 1 }}{{ index .parameters.map "a" }}{{ index .parameters.list .parameters.no }}',
    "bxa",
  ],
  ["{{ now }}", "2026-01-02T03:04:05Z"],
  ['{{ quote .parameters.x 1 }}{{ squote "a" }}', '"v" "1"\'a\''],
  ['{{ upper "aß" }}{{ lower "AB" }}{{ title "ab cd" }}', "AßabAb Cd"],
  [
    '{{ trim " a " }}{{ trimAll "-" "-b-" }}{{ trimSuffix "c" "bc" }}{{ trimPrefix "d" "de" }}',
    "abbe",
  ],
  ['{{ trunc 3 "abcd" }}{{ trunc -2 "abcd" }}{{ trunc 1 "éa" }}', "abccd"],
  ['{{ replace "a" "b" "aca" }}{{ repeat 2 "x" }}{{ nospace "a b" }}', "bcbxxab"],
  ['{{ contains "b" "abc" }}{{ hasPrefix "a" "abc" }}{{ hasSuffix "a" "abc" }}', "truetruefalse"],
  ['{{ join "-" .parameters.list }}{{ splitList "," "a,b" }}', "a-b[a b]"],
  ['{{ "a\\nb" | indent 2 }}|{{ "a" | nindent 1 }}', "  a\n  b|\n a"],
  ['{{ toJson .parameters.map }}{{ (fromJson "{\\"a\\":1}").a }}', '{"a":"x","b":1}1'],
  ['{{ toJson "<a>" }}{{ toRawJson "<a>" }}', '"\\u003ca\\u003e""<a>"'],
  ['{{ b64enc "é" }}{{ b64dec "w6k=" }}', "w6k=é"],
  ['{{ sha256sum "" }}', "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  [
    "{{ add 1 2 3 }}{{ sub 5 3 }}{{ mul 2 3 }}{{ div 7 2 }}{{ mod -7 2 }}{{ max 1 3 2 }}{{ min 2 1 }}",
    "6263-131",
  ],
  ['{{ int "12" }}{{ int64 1.9 }}{{ float64 "1.5" }}{{ toString 3 }}', "1211.53"],
  ["{{ add 9223372036854775807 1 }}", "-9223372036854775808"],
  ['{{ list 1 "a" }}{{ dict "b" 1 "a" 2 }}{{ get (dict "k" 1) "k" }}', "[1 a]map[a:2 b:1]1"],
  [
    "{{ keys .parameters.map }}{{ values .parameters.map }}{{ first .parameters.list }}{{ last .parameters.list }}",
    "[a b][x 1]ab",
  ],
  ['{{ uniq (list 1 1 2) }}{{ sortAlpha (list "b" "a") }}{{ has 1 (list 1) }}', "[1 2][a b]true"],
  [
    '{{ regexMatch "^[a-z]+-[0-9]+$" "ab-12" }}{{ regexReplaceAll "(a)(b)" "abab" "${2}${1}x" }}',
    "truebaxbax",
  ],
  ['{{ kindIs "map" .parameters }}{{ typeOf 1 }}{{ kindOf .parameters.list }}', "trueintslice"],
  [
    '{{ shellQuote "it\'s" }}{{ yamlQuote "a\\"" }}{{ urlEncode "a b/ü" }}',
    "'it'\\''s'\"a\\\"\"a%20b%2F%C3%BC",
  ],
  ["{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}", "2"],
])("%s", (text, expected) => {
  expect(render(text, data)).toBe(expected);
});

test.each([
  ["a missing leaf", "a{{ .parameters.nope }}", /\.parameters\.nope/, 4],
  ["a missing parent in a test", "{{ if .nope.x }}{{ end }}", /\.nope/, 6],
  ["a missing argument", '{{ if eq .parameters.nope "a" }}{{ end }}', /\.parameters\.nope/, 9],
  ["a missing key", '{{ index .parameters "nope" }}', /index/, 3],
  ["a field of a text", "{{ .parameters.x.y }}", /\.parameters\.x is a string/, 16],
  ["a field of null", "{{ .parameters.none.y }}", /null/, 3],
  ["what is inherited", "{{ .parameters.constructor }}", /constructor/, 3],
  ["the prototype", "{{ .parameters.__proto__ }}", /__proto__/, 3],
  ["what is inherited by index", '{{ index .parameters "toString" }}', /index/, 3],
  ["a place outside of a list", "{{ index .parameters.list 9 }}", /index/, 3],
  ["values of two kinds", '{{ eq .parameters.n "3" }}', /number with a string/, 3],
  ["a verb of another kind", '{{ printf "%d" .parameters.x }}', /printf/, 3],
  ["a required value", '{{ required "set the size" .parameters.nope }}', /set the size/, 3],
  ["a failure", '{{ fail "no such size" }}', /no such size/, 3],
  ["a division by zero", "{{ div 1 0 }}", /zero/, 3],
  ["text that is no JSON", "{{ fromJson .parameters.x }}", /JSON/, 3],
  ["text that is no base64", '{{ b64dec "*" }}', /base64/, 3],
  ["a range over text", "{{ range .parameters.x }}{{ end }}", /range/, 9],
  ["a cut character", '{{ slice "é" 0 1 }}', /character/, 3],
  ["a catastrophic pattern", '{{ regexMatch "^(a+)+$" .parameters.x }}', /repe/, 3],
  ["lookaround", '{{ regexMatch "(?=a)" .parameters.x }}', /lookaround/, 3],
  ["a backreference", '{{ regexMatch "(a)\\\\1" .parameters.x }}', /backreference/, 3],
  ["no pattern", '{{ regexMatch "(" .parameters.x }}', /expression/, 3],
])("refuses %s", (_, text, message) => {
  const error = errorOf(text, data);
  expect(error.message).toMatch(message);
  expect(error.hint).not.toBe("");
  expect(error.offset).toBeGreaterThan(0);
});

it("says there is no time where none was given", () => {
  expect(errorOf("{{ now }}").message).toMatch(/now/);
});

describe("a rendering ends", () => {
  const many = Array.from({ length: 2000 }, (_, index) => index);
  const long = "a".repeat(100_000);
  test.each<[string, string, JsonRecord]>([
    [
      "loops in loops",
      "{{ range $.m }}{{ range $.m }}{{ end }}{{ range $.m }}x{{ end }}{{ end }}",
      { m: many },
    ],
    ["a long output", "{{ range $.m }}{{ $.l }}{{ end }}", { m: many, l: long }],
    ["a long repetition", '{{ repeat 2000000000 "x" }}', {}],
    ["a long indentation", '{{ indent 2000000000 "x" }}', {}],
    ["a wide verb", '{{ printf "%999999999d" 1 }}', {}],
    ["work on a long text", "{{ range $.m }}{{ $x := upper $.l }}{{ end }}", { m: many, l: long }],
    ["doubled text", '{{ $x := "aaaaaaaa" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}', {}],
    ["doubled lists", "{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}", {}],
    ["deep lists", "{{ $x := list 1 }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ $x }}", {}],
    ["replacing with more", '{{ replace "a" $.l $.l }}', { l: long }],
    ["a long count", "{{ range 9000000000 }}{{ end }}", {}],
    ["a slow pattern", '{{ regexMatch "a*a*a*b" $.l }}', { l: long }],
  ])("with %s", (_, text, values) => {
    expect(errorOf(text, values)).toBeInstanceOf(TemplateError);
  });
});

it("leaves text without actions as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      fc.pre(!text.includes("{{"));
      expect(render(text)).toBe(text);
    }),
    { seed: 2 },
  );
});

it("fails with a TemplateError or not at all, and never shows a value", () => {
  const secret = "s3cr3t";
  const value = fc.constantFrom<Json>(
    null,
    true,
    0,
    1.5,
    -7,
    secret,
    `${secret}'"\n$(`,
    [secret],
    { a: secret },
    [],
    {},
  );
  const operand = fc.constantFrom(
    ".a",
    ".b",
    ".c",
    ".nope",
    ".a.x",
    "1",
    '"t"',
    "true",
    "$.b",
    "(.a | quote)",
    "nil",
    "-1",
  );
  const names = fc.constantFrom(
    "eq",
    "lt",
    "index",
    "slice",
    "len",
    "printf",
    "print",
    "join",
    "indent",
    "repeat",
    "add",
    "div",
    "toYaml",
    "toJson",
    "fromJson",
    "regexMatch",
    "dict",
    "list",
    "get",
    "hasKey",
    "keys",
    "first",
    "trunc",
    "ternary",
    "required",
    "b64dec",
    "sqlLiteral",
    "sqlIdentifier",
    "shellQuote",
    "yamlQuote",
    "urlEncode",
    "uniq",
    "has",
    "splitList",
    "replace",
    "int",
    "float64",
    "sortAlpha",
    "fail",
    "default",
  );
  const call = fc
    .tuple(names, fc.array(operand, { maxLength: 3 }))
    .map(([name, args]) => [name, ...args].join(" "));
  const text = fc.oneof(
    call.map((it) => `{{ ${it} }}`),
    fc.tuple(call, call).map(([a, b]) => `x '{{ ${a} | ${b} }}' "{{ .a }}"`),
    operand.map((it) => `{{ range $k, $v := ${it} }}{{ $k }}: {{ $v }}{{ end }}`),
  );
  const contexts = fc.constantFrom("plain", "shell", "yaml", "sql");
  fc.assert(
    fc.property(
      text,
      contexts,
      fc.record({ a: value, b: value, c: value }),
      (source, context, values) => {
        const parsed = parseTemplate(source);
        if (!parsed.ok) return;
        try {
          renderTemplate(parsed.template, values, context);
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
          if (`${error.message} ${error.hint}`.includes(secret))
            throw new Error("shown", { cause: error });
        }
      },
    ),
    { seed: 4, numRuns: 5000 },
  );
});
