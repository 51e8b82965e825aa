import { describe, expect, it, test } from "vitest";
import { parseFile } from "../document/file.ts";
import { atPointer, type Json } from "../model/json.ts";
import type { Checked } from "../model/problem.ts";
import { isScore, readWorkload, type Mode } from "./read.ts";
import type { Workload } from "./workload.ts";

function read(text: string, mode: Mode = "default"): Checked<Workload> {
  const [document] = parseFile("score.yaml", text).documents;
  if (document === undefined) throw new Error("no document");
  return readWorkload(document, mode);
}

const head = "apiVersion: score.dev/v1b1\nmetadata: { name: shop }\n";
const web = `${head}containers:\n  web:\n    image: nginx\n`;
const specOf = (checked: Checked<Workload>): Json => (checked.ok ? checked.value.spec : null);

type Row = [what: string, text: string, code: string, line: number, pointer: string, value: Json];

const rows: Row[] = [
  [
    "properties",
    `${web}resources:\n  db:\n    type: pg\n    properties: { size: s }\n`,
    "score/older-field",
    9,
    "/resources/db/params",
    { size: "s" },
  ],
  [
    "properties over params",
    `${web}resources:\n  db:\n    type: pg\n    params: { a: 1, b: 1 }\n    properties: { b: 2 }\n`,
    "score/older-field",
    10,
    "/resources/db/params",
    { a: 1, b: 2 },
  ],
  [
    "env",
    `${web}    env: { A: b }\n`,
    "score/older-field",
    6,
    "/containers/web/variables",
    { A: "b" },
  ],
  [
    "env beside variables",
    `${web}    variables: { A: x }\n    env: { A: b, C: d }\n`,
    "score/older-field",
    7,
    "/containers/web/variables",
    { A: "x", C: "d" },
  ],
  [
    "env as a list",
    `${web}    env:\n      - { name: A, value: b }\n`,
    "score/older-field",
    6,
    "/containers/web/variables",
    { A: "b" },
  ],
  [
    "an outputs element",
    `${web}    variables:\n      A: "x \${resources.db.outputs.host}"\nresources:\n  db: { type: pg }\n`,
    "score/older-reference",
    7,
    "/containers/web/variables/A",
    "x ${resources.db.host}",
  ],
  [
    "lines of content",
    `${web}    files:\n      - { target: /a, content: [x, y] }\n`,
    "score/older-field",
    7,
    "/containers/web/files/~1a/content",
    "x\ny",
  ],
  [
    "read_only",
    `${web}    volumes:\n      - { target: /a, source: b, read_only: true }\n`,
    "score/older-field",
    7,
    "/containers/web/volumes/~1a",
    { source: "b", readOnly: true },
  ],
  [
    "a list of files",
    `${web}    files:\n      - { target: /a, content: x }\n`,
    "score/deprecated-list",
    6,
    "/containers/web/files",
    { "/a": { content: "x" } },
  ],
];

describe("older habits", () => {
  test.each(rows)("%s: understood, with the modern form", (_, text, code, line, pointer, value) => {
    const checked = read(text);
    expect(checked.ok).toBe(true);
    expect(checked.problems).toContainEqual(
      expect.objectContaining({ code, line, severity: "warning" }),
    );
    expect(checked.problems.every((problem) => problem.hint !== undefined)).toBe(true);
    expect(atPointer(specOf(checked), pointer)).toEqual(value);
  });

  const schemaRows = rows.filter(([, , code]) => code === "score/older-field");
  test.each(schemaRows)("%s: an error under strict", (_, text) => {
    const { ok, problems } = read(text, "strict");
    expect(ok).toBe(false);
    expect(problems.some((problem) => problem.code.startsWith("schema/"))).toBe(true);
  });

  test.each([
    ["environment: { type: x }", "/environment"],
    ["workflows: {}", "/workflows"],
    ["kind: Workload", "/kind"],
  ])("%s: ignored with a warning, an error under strict", (line, pointer) => {
    const checked = read(`${web}${line}\n`);
    expect(checked.problems).toMatchObject([{ code: "score/foreign-field", pointer, line: 6 }]);
    expect(specOf(checked)).toEqual(specOf(read(web)));
    expect(read(`${web}${line}\n`, "strict").problems).toMatchObject([
      { code: "schema/unknown-field", pointer },
    ]);
  });

  it("points at what was written, not at where it was moved", () => {
    const text = `${web}    env:\n      - { name: A, value: 1 }\n    files:\n      - { target: /a, content: "\${x}", mode: "9" }\n`;
    const { problems } = read(text);
    const errors = problems.filter((it) => it.severity === "error");
    expect(errors.map((it) => [it.line, it.pointer])).toEqual([
      [7, "/containers/web/env/0/value"],
      [9, "/containers/web/files/0/content"],
      [9, "/containers/web/files/0/mode"],
    ]);
  });

  test.each([
    ["missing", "- { content: x }", "score/missing-target"],
    [
      "twice",
      "- { target: /a, content: x }\n      - { target: /a, content: y }",
      "score/duplicate-target",
    ],
  ])("a target that is %s is an error in both modes", (_, list, code) => {
    for (const mode of ["default", "strict"] as const) {
      const { ok, problems } = read(`${web}    files:\n      ${list}\n`, mode);
      expect(ok).toBe(false);
      expect(problems.map((it) => it.code)).toEqual([code]);
    }
  });

  it("leaves a modern spec as it is", () => {
    const [document] = parseFile("score.yaml", web).documents;
    expect(specOf(read(web))).toEqual(document?.value);
  });
});

test.each<[Json | undefined, boolean]>([
  [{ apiVersion: "score.dev/v1b1" }, true],
  [{ apiVersion: "score.dev/v2" }, true],
  [{ apiVersion: "score.sh/v1b1" }, true],
  [{ containers: {} }, true],
  [{ apiVersion: 1, containers: {} }, true],
  [{ apiVersion: "v1b1", containers: {} }, true],
  [{ apiVersion: "v1", kind: "Pod", containers: {} }, false],
  [{ apiVersion: "v1", kind: "Provider" }, false],
  [{ apiVersion: "scores/v1", kind: "X" }, false],
  [[], false],
  ["score.dev/v1b1", false],
  [undefined, false],
])("isScore(%j) is %s", (value, expected) => expect(isScore(value)).toBe(expected));
