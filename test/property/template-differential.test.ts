/**
 * Our templates against the real Go engine (compiled to WASM): the same output wherever both
 * succeed, and ours succeeds wherever Go's does. Values are declared and not null: on missing and
 * null ones, and on large whole numbers, which JSON makes floats for Go, we differ on purpose.
 */
import { parse as renderWithGo } from "@evertdespiegeleer/go-template";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTemplate } from "../../src/template/parse.ts";
import { renderTemplate } from "../../src/template/render.ts";

const seed = 20_260_101;
const count = 24_000;

const data = fc.record({
  s: fc.constantFrom("", "small", "false", "a b", "q\"<&'\\>", "über€😀", "line\n\tend", "%d"),
  t: fc.string({ maxLength: 6 }),
  n: fc.constantFrom(0, 1, -3, 42, 1.5, 999_999, 1e21, 1e-5, 0.0001, 1_234_567.5, 123_456.5, -0.25),
  b: fc.boolean(),
  list: fc.array(fc.constantFrom<string | number | boolean>("x", "y", "", 2, true), {
    maxLength: 4,
  }),
  words: fc.array(fc.constantFrom("b", "a", "c-d"), { minLength: 1, maxLength: 3 }),
  map: fc.dictionary(
    fc.constantFrom("a", "b", "z", "A", "é", "1"),
    fc.constantFrom("v", 7, false),
    {
      maxKeys: 4,
    },
  ),
  deep: fc.record({
    name: fc.constantFrom("n", ""),
    tags: fc.array(fc.constantFrom("t1", "t2"), { maxLength: 2 }),
    more: fc.record({ on: fc.boolean(), size: fc.constantFrom("small", "large") }),
  }),
});

const pick = <T>(...items: T[]) => fc.constantFrom(...items);
const join = (...parts: (fc.Arbitrary<string> | string)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((it) => (typeof it === "string" ? fc.constant(it) : it)))
    .map((it) => it.join(""));

const root = pick("$", "");
const textPath = join(root, pick(".s", ".t", ".deep.name", ".deep.more.size"));
const anyPath = join(
  root,
  pick(
    ".s",
    ".t",
    ".n",
    ".b",
    ".list",
    ".words",
    ".map",
    ".deep",
    ".deep.tags",
    ".deep.more.on",
    ".deep.more",
  ),
);
const textLiteral = pick(
  '"small"',
  '"a b"',
  '`raw "x`',
  '""',
  '"\\t\\u00e9\\x41\\"{{}}"',
  '"}}"',
  '"-"',
);
const intLiteral = pick("0", "1", "2", "-3", "0x1F", "1_000", "'a'", "017", "0b101", "+5");
const floatLiteral = pick("1.5", "1e3", "-2.50", "1e21", ".5", "3.");

const { text, value, condition } = fc.letrec<{
  text: string;
  value: string;
  condition: string;
  int: string;
}>((tie) => ({
  int: fc.oneof(
    { maxDepth: 2 },
    intLiteral,
    join("(len ", pick("$.s", "$.list", "$.map", "$.words"), ")"),
    join("(and ", tie("int"), " ", tie("int"), ")"),
  ),
  text: fc.oneof(
    { maxDepth: 3 },
    textPath,
    textLiteral,
    join("(print ", tie("value"), " ", tie("value"), ")"),
    join("(println ", tie("value"), " ", tie("value"), ")"),
    join("(", pick("html", "js", "urlquery", "print"), " ", tie("value"), ")"),
    join(
      "(printf ",
      pick('"%s"', '"%q"', '"%10s|"', '"%-8s|"', '"%.2s"', '"%x"', '"%v"', '"%%%s"'),
      " ",
      tie("text"),
      ")",
    ),
    join(
      "(printf ",
      pick(
        '"%d"',
        '"%5d"',
        '"%-5d|"',
        '"%05d"',
        '"%x"',
        '"%#x"',
        '"%+d"',
        '"%b"',
        '"%o"',
        '"%v"',
        '"%6v"',
      ),
      " ",
      tie("int"),
      ")",
    ),
    join(
      "(printf ",
      pick('"%f"', '"%.2f"', '"%8.1f"', '"%e"', '"%g"', '"%v"', '"%+.1f"'),
      " ",
      floatLiteral,
      ")",
    ),
    join('(printf "%v-%t-%T" ', tie("value"), " ", pick("true", "$.b"), " ", tie("value"), ")"),
    join("(index $.words 0)"),
    join("(or ", tie("text"), " ", tie("text"), ")"),
    join(
      "(",
      tie("text"),
      " | ",
      pick("html", "js", "urlquery", 'printf "%s"', "print 1", 'printf "%q"'),
      ")",
    ),
  ),
  value: fc.oneof(
    { maxDepth: 3 },
    anyPath,
    tie("text"),
    tie("int"),
    floatLiteral,
    pick("true", "false"),
    tie("condition"),
    pick("(slice $.words 0 1)", "(slice $.list 0)", "$.deep.more.on", "$"),
  ),
  condition: fc.oneof(
    { maxDepth: 3 },
    pick("$.b", "$.list", "$.map", "$.n", "$.s", "$.deep.more.on"),
    join("(not ", tie("value"), ")"),
    join("(", pick("eq", "ne", "lt", "le", "gt", "ge"), " ", tie("text"), " ", tie("text"), ")"),
    join("(", pick("eq", "ne", "lt", "le", "gt", "ge"), " ", tie("int"), " ", tie("int"), ")"),
    join("(eq ", tie("text"), " ", tie("text"), " ", tie("text"), ")"),
    join("(", pick("and", "or"), " ", tie("condition"), " ", tie("value"), ")"),
    join("(", tie("text"), " | eq ", tie("text"), ")"),
  ),
}));

const open = pick("{{", "{{- ", "{{ ", "{{\n");
const close = pick("}}", " -}}", " }}", "\n}}");
const action = (inside: fc.Arbitrary<string> | string) => join(open, inside, close);
const plain = pick(
  "",
  " ",
  "x",
  "\n",
  " \n ",
  "}}",
  "{ {",
  "}",
  "a: b\n  ",
  "${X:-",
  "é",
  "-",
  "}}}",
);

const { body } = fc.letrec<{ body: string; node: string }>((tie) => ({
  body: fc.array(tie("node"), { minLength: 1, maxLength: 4 }).map((it) => it.join("")),
  node: fc.oneof(
    { maxDepth: 3 },
    plain,
    action(value),
    action(text),
    action("/* a comment */"),
    join("{{ $v := ", value, " }}", plain, action("$v")),
    join(action(join("if ", condition)), tie("body"), action("end")),
    join(action(join("if ", condition)), tie("body"), action("else"), tie("body"), action("end")),
    join(
      action(join("if ", condition)),
      tie("body"),
      action(join("else if ", condition)),
      tie("body"),
      "{{else}}",
      plain,
      action("end"),
    ),
    join(
      action(join("with ", pick("$.deep", "$.deep.more", "$"))),
      plain,
      "{{ . }}",
      plain,
      action("end"),
    ),
    join(
      action(join("with $w := ", value)),
      "{{ $w }}{{ . }}",
      action("else"),
      tie("body"),
      action("end"),
    ),
    join(
      action(
        join(
          "range ",
          pick("$.list", "$.words", "$.map", "$.deep.tags", "3", "0", "(slice $.words 0)"),
        ),
      ),
      plain,
      "{{ . }}",
      plain,
      action("else"),
      tie("body"),
      action("end"),
    ),
    join(
      action(join("range $k, $e := ", pick("$.list", "$.map", "$.words", "$.deep"))),
      "{{ $k }}={{ $e }}",
      plain,
      action(join("if ", condition)),
      pick("{{ break }}", "{{ continue }}", ""),
      action("end"),
      plain,
      action("end"),
    ),
    join(
      '{{ $a := "" }}',
      action(join("range $i, $e := ", pick("$.words", "$.list"))),
      "{{ $a = print $a $e $i }}",
      action("end"),
      "{{ $a }}",
    ),
    join(action(join("if ", condition)), "{{ $q := 1 }}{{ $q }}", action("end")),
  ),
}));

test("renders what the Go engine renders", { timeout: 120_000 }, async () => {
  const cases = fc.sample(fc.tuple(body, data), { seed, numRuns: count });
  let compared = 0;
  for (const [template, values] of cases) {
    // oxlint-disable-next-line no-await-in-loop -- one engine, and it is synchronous inside
    const go = await renderWithGo(template, values).catch(() => undefined);
    if (go === undefined || go.includes("%!")) continue;
    compared += 1;
    const parsed = parseTemplate(template);
    const context = `${template}\n${JSON.stringify(values)}`;
    if (!parsed.ok) throw new Error(`${context}\n${JSON.stringify(parsed.faults)}`);
    let ours: string;
    try {
      ours = renderTemplate(parsed.template, values, "plain");
    } catch (error) {
      throw new Error(`${context}\nGo: ${go}`, { cause: error });
    }
    if (ours !== go) throw new Error(`${context}\nours: ${ours}\nGo:   ${go}`);
  }
  process.stdout.write(
    `templates: ${count} generated from seed ${seed}, ${compared} compared with Go\n`,
  );
  expect(compared).toBeGreaterThan(10_000);
});
