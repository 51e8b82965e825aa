/** Text of any kind, and files with pieces torn out, never make a reader throw: boxed in time, seeded. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseFile } from "../../src/document/file.ts";
import { placeholdersIn, substitute } from "../../src/score/placeholders.ts";
import { isScore, readWorkload } from "../../src/score/read.ts";
import { TemplateError } from "../../src/template/errors.ts";
import { parseTemplate } from "../../src/template/parse.ts";
import { referencesOf } from "../../src/template/references.ts";
import { renderTemplate } from "../../src/template/render.ts";

const seed = 20260101;
const boxMs = 20_000;
const valid = new URL("../corpus/score/valid/", import.meta.url);
const corpus = readdirSync(valid).map((name) => readFileSync(new URL(name, valid), "utf8"));

const pieces = [
  "\t",
  "- ",
  ": ",
  "{",
  "}",
  "[",
  "]",
  "&a ",
  "*a",
  "<<: ",
  "|\n",
  "'",
  '"',
  "#",
  "---\n",
  "\u0000",
  "\ud800",
  "!!x ",
  "\r\n",
  "  ",
];
const torn = fc
  .tuple(
    fc.constantFrom(...corpus),
    fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.constantFrom(...pieces, "")), { maxLength: 4 }),
  )
  .map(([text, cuts]) =>
    cuts.reduce((now, [at, length, piece]) => {
      const from = now.length === 0 ? 0 : at % now.length;
      return now.slice(0, from) + piece + now.slice(from + length);
    }, text),
  );

const actions = [
  "{{",
  "}}",
  "{{-",
  "-}}",
  ".parameters.x",
  "$v",
  ":=",
  "if",
  "else",
  "end",
  "range",
  "with",
  "(",
  ")",
  "|",
  '"',
  "`",
  "eq",
  "printf",
  "index",
  "toJson",
  " ",
  "\n",
  "a",
  "1",
];
const template = fc.array(fc.constantFrom(...actions), { maxLength: 40 }).map((it) => it.join(""));

const box = {
  seed,
  numRuns: 1_000_000,
  interruptAfterTimeLimit: boxMs,
  markInterruptAsFailure: false,
};

/** @returns how many cases there was time for */
function fuzz<T>(cases: fc.Arbitrary<T>, read: (it: T) => void): number {
  let count = 0;
  fc.assert(
    fc.property(cases, (it) => {
      count += 1;
      read(it);
    }),
    box,
  );
  process.stdout.write(`${count} cases, seed ${seed}\n`);
  return count;
}

it("YAML and Score: every problem has a place", () => {
  const cases = fc.oneof(torn, fc.string({ unit: "binary", maxLength: 200 }));
  const count = fuzz(cases, (text) => {
    const { documents } = parseFile("x.yaml", text);
    for (const document of documents.filter((it) => isScore(it.value))) {
      const { problems } = readWorkload(document, "default");
      for (const it of problems) expect(it.line).toBeGreaterThan(0);
    }
  });
  expect(count).toBeGreaterThan(1_000);
});

it("templates: rendering gives text, or says what is wrong", () => {
  const count = fuzz(fc.oneof(template, fc.string({ maxLength: 80 })), (text) => {
    const parsed = parseTemplate(text);
    if (!parsed.ok) return;
    referencesOf(parsed.template);
    try {
      renderTemplate(parsed.template, { parameters: { x: "it's" }, steps: {} }, "shell");
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
    }
  });
  expect(count).toBeGreaterThan(1_000);
});

it("placeholders: found and substituted alike", () => {
  const letters = fc.constantFrom("$", "{", "}", ".", "\\", "a", "b", "\n");
  const count = fuzz(fc.string({ unit: letters, maxLength: 60 }), (text) => {
    const { faults } = substitute(text, () => ({ kind: "fault", message: "no" }));
    expect(faults.length).toBe(placeholdersIn(text).length);
  });
  expect(count).toBeGreaterThan(1_000);
});
