import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { check } from "./check.ts";
import { parseFile, type ParsedDocument } from "./file.ts";
import { nearestWord } from "./suggest.ts";

function document(text: string): ParsedDocument {
  const [first] = parseFile("a.yaml", text).documents;
  if (first === undefined) throw new Error("no document");
  return first;
}

const port = z.strictObject({ port: z.int().min(1), protocol: z.enum(["TCP", "UDP"]).optional() });
const schema = z.strictObject({
  name: z.string().regex(/^[a-z-]+$/, { error: "lower case" }),
  ports: z.union([z.array(port), z.record(z.string().regex(/^[a-z]+$/), port)]).optional(),
  nested: z.lazy(() => z.strictObject({ readOnly: z.boolean().default(false) })).optional(),
  size: z.union([z.string(), z.number()]).optional(),
});

type Row = [
  text: string,
  code: string,
  line: number,
  column: number,
  pointer: string,
  hint: string,
];

const rows: Row[] = [
  ["nam: a", "schema/unknown-field", 1, 1, "/nam", "did you mean `name`?"],
  ["nam: a", "schema/missing-field", 1, 1, "/name", "add `name`"],
  [
    "name: a\nzzz: 1",
    "schema/unknown-field",
    2,
    1,
    "/zzz",
    "remove it; other fields here: nested, ports, size",
  ],
  [
    "name: a\nnested: { read_only: true }",
    "schema/unknown-field",
    2,
    11,
    "/nested/read_only",
    "did you mean `readOnly`?",
  ],
  ["name: Hello World", "schema/invalid-format", 1, 1, "/name", "for example `hello-world`"],
  ["name: 1", "schema/invalid-type", 1, 1, "/name", 'put it in quotes: "1"'],
  ["name: a\nports: 3", "schema/invalid-type", 2, 1, "/ports", "write a list or a mapping"],
  ["name: a\nports:\n  - port: 0", "schema/too-small", 3, 5, "/ports/0/port", "raise it"],
  [
    "name: a\nports:\n  a: { prot: 1 }",
    "schema/unknown-field",
    3,
    8,
    "/ports/a/prot",
    "did you mean `port`?",
  ],
  [
    "name: a\nports:\n  a: { port: 1, protocol: tpc }",
    "schema/invalid-value",
    3,
    17,
    "/ports/a/protocol",
    "did you mean `TCP`?",
  ],
  ["name: a\nports: { A1: { port: 1 } }", "schema/invalid-key", 2, 10, "/ports/A1", "rename it"],
  [
    "name: a\nports: { __proto__: { port: 1 } }",
    "schema/invalid-key",
    2,
    10,
    "/ports/__proto__",
    "rename it",
  ],
  ["name: a\nsize: []", "schema/invalid-type", 2, 1, "/size", "write a string or a number"],
  ["- a", "schema/invalid-type", 1, 1, "", "write entries like `name: …` in place of `- …`"],
];

describe("check", () => {
  test.each(rows)("%j: %s", (text, code, line, column, pointer, hint) => {
    const { ok, problems } = check(document(text), schema);
    expect(ok).toBe(false);
    expect(problems).toContainEqual(
      expect.objectContaining({ code, line, column, pointer, hint, severity: "error" }),
    );
  });

  it("tells every mistake at once, in the order of the file", () => {
    const { problems } = check(document("zzz: 1\nports: 3\nname: 4\n"), schema);
    expect(problems.map((it) => [it.line, it.code])).toEqual([
      [1, "schema/unknown-field"],
      [2, "schema/invalid-type"],
      [3, "schema/invalid-type"],
    ]);
  });

  it("gives what the schema makes of a value that fits", () => {
    const checked = check(document("name: a\nnested: {}"), schema);
    expect(checked).toMatchObject({ ok: true, value: { name: "a", nested: { readOnly: false } } });
  });

  it("lets a schema bring its own code and hint", () => {
    const own = z.looseObject({}).superRefine((_, context) => {
      const params = { code: "provider/no-name", hint: "name it" };
      context.addIssue({ code: "custom", message: "no name", params });
    });
    const { problems } = check(document("a: 1"), own);
    expect(problems).toMatchObject([
      { code: "provider/no-name", hint: "name it", message: "no name" },
    ]);
  });
});

test.each([
  ["continers", ["containers", "resources"], "containers"],
  ["read_only", ["readOnly"], "readOnly"],
  ["tpye", ["type", "class"], "type"],
  ["parms", ["params", "id"], "params"],
  ["foo", ["bar", "type"], undefined],
  ["", ["id"], undefined],
  ["x".repeat(10_000), ["id"], undefined],
])("near %s of %j is %s", (word, known, nearest) => {
  expect(nearestWord(word, known)).toBe(nearest);
});
