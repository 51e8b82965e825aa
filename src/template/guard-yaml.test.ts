import fc from "fast-check";
import { expect, it, test } from "vitest";
import { parse } from "yaml";
import { type Json, type JsonRecord, isRecord, own } from "../model/json.ts";
import { TemplateError } from "./errors.ts";
import { parseTemplate } from "./parse.ts";
import { renderTemplate } from "./render.ts";

function render(text: string, data: JsonRecord): string {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`template: ${JSON.stringify(parsed.faults)}`);
  return renderTemplate(parsed.template, data, "yaml");
}

/** `undefined`: refused. */
function attempt(text: string, x: Json): string | undefined {
  try {
    return render(text, { x });
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

type Row = [string, string, Json, "accepted" | "refused"];

const table: Row[] = [
  ["a word", "a: {{ .x }}", "word", "accepted"],
  ["words", "a: {{ .x }} b", "two words", "accepted"],
  ["nothing", "a: {{ .x }}\nb: 1", "", "accepted"],
  ["nothing at the end", "a: {{ .x }}", "", "accepted"],
  ["a number", "a: {{ .x }}", 3, "accepted"],
  ["a boolean", "a: {{ .x }}", false, "accepted"],
  ["digits in a text", "a: {{ .x }}", "1.10", "accepted"],
  ["a key of its own", "a: {{ .x }}", "b: c", "refused"],
  ["a line of its own", "a: {{ .x }}", "b\nc: d", "refused"],
  ["a deeper line", "a: {{ .x }}", "\n  b: c", "refused"],
  ["a comment", "a: {{ .x }}", "b # c", "refused"],
  ["a list", "a: {{ .x }}", "[b]", "refused"],
  ["a broken list", "a: {{ .x }}", "[b", "refused"],
  ["a tag", "a: {{ .x }}", "!!binary b", "refused"],
  ["an anchor", "a: {{ .x }}", "&b c", "refused"],
  ["an alias", "a: &b c\nd: {{ .x }}", "*b", "refused"],
  ["a block header", "a: {{ .x }}\nb: 1", "|", "refused"],
  ["a document", "{{ .x }}", "a\n---\nb", "refused"],
  ["a document's start", "{{ .x }}", "--- a", "refused"],
  ["a merge key", "{{ .x }}: {a: 1}", "<<", "refused"],
  ["a key", "{{ .x }}: 1", "k", "accepted"],
  ["a question", "{{ .x }}: 1", "? k", "refused"],
  ["one more item", "a: [{{ .x }}]", "b, c", "refused"],
  ["the end of a map", "a: {b: {{ .x }}}", "c}", "refused"],
  ["a next line of YAML 1.1", "a: {{ .x }}", "b\u2028c: d", "refused"],
  ["text in double quotes", 'a: "{{ .x }}"', "b: 'c' # d", "accepted"],
  ["a double quote in them", 'a: "{{ .x }}"', 'b"', "refused"],
  ["an escape in them", 'a: "{{ .x }}"', "\\n", "refused"],
  ["text in single quotes", "a: '{{ .x }}'", 'b: "c" # \\', "accepted"],
  ["a single quote in them", "a: '{{ .x }}'", "b', 'c", "refused"],
  ["two of them", "a: '{{ .x }}'", "b''c", "refused"],
  ["text in a block", "a: |\n  x {{ .x }}\nb: 1", "c: 'd' # e", "accepted"],
  ["a line in a block", "a: |\n  {{ .x }}\nb: 1", "c\nd: e", "refused"],
  ["an indented line in a block", "a: |\n{{ .x | indent 2 }}\nb: 1", "c\nd: e\n", "accepted"],
  ["a line indented too little", "a: |\n    b\n{{ .x | indent 2 }}", "c: d", "refused"],
  ["a line in a comment", "a: 1 # {{ .x }}", "b\nc: d", "refused"],
  ["a comment", "a: 1 # {{ .x }}", "b: c", "accepted"],
  ["anything quoted", "a: {{ .x | yamlQuote }}", "b: 'c' # \"d\"\n- e\u2028", "accepted"],
  ["anything as JSON", "a: {{ .x | toJson }}\nb: 1", { "c: d": ["#", { e: "}" }] }, "accepted"],
  ["JSON as an item", "a: [{{ .x | toJson }}, 1]", ["]", "b"], "accepted"],
  ["quoted in double quotes", 'a: "{{ .x | yamlQuote }}"', ": b", "refused"],
  ["quoted in single quotes", "a: ['{{ .x | yamlQuote }}']", "', b: '", "refused"],
  ["JSON in a block", "a: |\n  {{ .x | toJson }}\n", { b: "c\nd" }, "accepted"],
  ["JSON within a text", "a: b {{ .x | toJson }}", { "c: d": 1 }, "refused"],
  [
    "YAML below a key",
    "a:\n  {{- .x | toYaml | nindent 2 }}\nb: 1",
    { c: ["d: e", "\nf"] },
    "accepted",
  ],
  ["YAML beside keys", "a:\n  b: 1\n  {{- toYaml .x | nindent 2 }}", { c: "- d" }, "accepted"],
  ["YAML in the middle of a line", "a: '{{ toYaml .x }}'", { c: "', d: '" }, "refused"],
  ["a text as YAML", "a: {{ toYaml .x }}", "b: c", "accepted"],
  ["a list as Go prints it", "a: {{ .x }}", ["b"], "refused"],
];

test.each(table)("%s", (_, text, x, expected) => {
  expect(attempt(text, x) === undefined ? "refused" : "accepted").toBe(expected);
});

it("names the reference that does harm, and never the value", () => {
  const text = "a: {{ .parameters.fine }}\nb: {{ .parameters.bad }}";
  const data = { parameters: { fine: "f", bad: "s3cret: x" } };
  expect(() => render(text, data)).toThrow(/parameters\.bad/);
  expect(() => render(text, data)).not.toThrow(/s3cret/);
});

const scrap = fc.constantFrom(
  "a",
  " ",
  ": ",
  "\n",
  "'",
  '"',
  "#",
  " #",
  "- ",
  "[",
  "]",
  "{",
  "}",
  ",",
  "|",
  ">",
  "&a ",
  "*a",
  "!t ",
  "%",
  "---",
  "\\",
  "?",
  "<<",
  "\t",
  "  ",
  "~",
  "1",
);
const hostile = fc.array(scrap, { maxLength: 6 }).map((it) => it.join(""));

it("lets a value be itself or nothing, wherever it stands", () => {
  const places: [string, (tree: unknown) => Json | undefined][] = [
    ["top: {{ .x }}\nend: 1", (it) => at(it, "top")],
    ["top: '{{ .x }}'\nend: 1", (it) => at(it, "top")],
    ['top: "{{ .x }}"\nend: 1', (it) => at(it, "top")],
    ["top: {{ .x | yamlQuote }}\nend: 1", (it) => at(it, "top")],
    ["top: {{ .x | toJson }}\nend: 1", (it) => at(it, "top")],
    ["top: {{ .x | toYaml }}\nend: 1", (it) => at(it, "top")],
  ];
  let accepted = 0;
  for (const [[text, read], x] of fc.sample(fc.tuple(fc.constantFrom(...places), hostile), {
    seed: 3,
    numRuns: 3000,
  })) {
    const rendered = attempt(text, x);
    if (rendered === undefined) continue;
    accepted += 1;
    // Without a schema every plain scalar is its text.
    const tree: unknown = parse(rendered, { schema: "failsafe" });
    expect(read(tree) ?? "").toBe(x);
    expect(at(tree, "end")).toBe("1");
    expect(isRecord(tree) && Object.keys(tree)).toEqual(["top", "end"]);
  }
  expect(accepted).toBeGreaterThan(1000);
});

const at = (tree: unknown, key: string): Json | undefined =>
  isRecord(tree) ? (own(tree, key) ?? undefined) : undefined;

const any = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(
      null,
      true,
      0,
      -1.5,
      1e21,
      "yes",
      "",
      "1",
      "~",
      "a: b",
      "- a",
      "é\u0085\u2028",
      "\n",
    ),
    hostile,
    fc.array(tie("json"), { maxLength: 3 }),
    fc.dictionary(hostile, tie("json"), { maxKeys: 3 }),
  ),
})).json;

it("writes YAML and JSON that read back as the value", () => {
  const places = [
    "a:{{ .x | toYaml | nindent 2 }}",
    "a: {{ .x | toJson }}",
    "a: {{ .x | toRawJson }}",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...places), any, (text, x) => {
      expect(parse(render(text, { x }))).toEqual({ a: x });
    }),
    { seed: 5, numRuns: 1000 },
  );
});
