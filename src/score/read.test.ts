import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { parseFile } from "../document/file.ts";
import { atPointer } from "../model/json.ts";
import { isError, type Problem } from "../model/problem.ts";
import { isScore, readWorkload, type Mode } from "./read.ts";

const root = "test/corpus/score";
const files = (folder: string) => readdirSync(`${root}/${folder}`).map((it) => `${folder}/${it}`);
const index = new Map(
  readFileSync(`${root}/INDEX.tsv`, "utf8")
    .split("\n")
    .slice(1)
    .filter((it) => it !== "")
    .map((line) => line.split("\t"))
    .map((row) => [row[0] ?? "", (row[7] ?? "").replace("(root)", "")]),
);

function problemsOf(name: string, mode: Mode): readonly Problem[] {
  const { documents, problems } = parseFile(name, readFileSync(`${root}/${name}`, "utf8"));
  const read = documents.filter((it) => isScore(it.value)).map((it) => readWorkload(it, mode));
  return [...problems, ...read.flatMap((it) => it.problems)];
}

/** At the pointer, or at the missing or unknown field right under it. */
const isAt = (problem: Problem, pointer: string): boolean =>
  problem.pointer === pointer || problem.pointer.replace(/\/[^/]*$/, "") === pointer;

describe.each<Mode>(["default", "strict"])("%s mode", (mode) => {
  test.each(files("valid"))("%s has no error", (name) => {
    const problems = problemsOf(name, mode);
    expect(problems.filter(isError)).toEqual([]);
    expect(problems.filter((it) => it.code !== "score/deprecated-list")).toEqual([]);
  });

  const older = ["05", "07", "08", "29", "30", "73"].map((it) => `invalid/${it}`);
  const isOlder = (name: string) => mode === "default" && older.some((it) => name.startsWith(it));
  test.each(files("invalid").filter((it) => !isOlder(it)))("%s has an error in place", (name) => {
    const errors = problemsOf(name, mode).filter(isError);
    expect(errors.length).toBeGreaterThan(0);
    if (errors.every((it) => it.code.startsWith("yaml/"))) return;
    const pointer = index.get(name) ?? "not listed";
    expect(errors.filter((it) => isAt(it, pointer))).not.toEqual([]);
    expect(errors.filter((it) => it.hint === undefined)).toEqual([]);
  });

  const unreadable = files("invalid").filter(isOlder);
  test.each(unreadable)("%s has a warning in place", (name) => {
    const problems = problemsOf(name, mode);
    expect(problems.filter(isError)).toEqual([]);
    expect(problems.some((it) => isAt(it, index.get(name) ?? "not listed"))).toBe(true);
  });

  // score-go's two checks of 14 disagree with each other; what substitution supports is fine here.
  const refused = files("semantic").filter((it) => !it.startsWith("semantic/14"));
  test.each(refused)("%s has an error in place", (name) => {
    const errors = problemsOf(name, mode).filter(isError);
    expect(errors.map((it) => it.pointer)).toEqual([index.get(name)]);
    expect(errors.every((it) => it.code.startsWith("score/") && it.hint !== undefined)).toBe(true);
  });

  test("an escaped dot in a reference is fine", () => {
    expect(problemsOf("semantic/14-escaped-dot-key.yaml", mode)).toEqual([]);
  });
});

it("gives every problem of the corpus a place that is there", () => {
  for (const name of [...files("invalid"), ...files("semantic")]) {
    const text = readFileSync(`${root}/${name}`, "utf8");
    const lines = text.split("\n");
    const value = parseFile(name, text).documents[0]?.value;
    for (const { line, column, pointer } of problemsOf(name, "default")) {
      expect(lines[line - 1]?.length ?? -1).toBeGreaterThanOrEqual(column - 1);
      if (value === undefined || pointer === "") continue;
      const parent = pointer.replace(/\/[^/]*$/, "");
      expect(atPointer(value, parent)).toBeDefined();
    }
  }
});
