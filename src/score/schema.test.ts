import { readFileSync, readdirSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, it, test } from "vitest";
import { z } from "zod";
import { checkValue } from "../document/check.ts";
import { parseFile } from "../document/file.ts";
import { isList, isRecord, type Json } from "../model/json.ts";
import { readWorkload } from "./read.ts";
import { scoreSchema } from "./schema.ts";

const root = "test/corpus/score";
const official = z.record(z.string(), z.json());
const ajv = new Ajv2020({ strict: false, allErrors: true });
const accepts = ajv.compile(
  official.parse(JSON.parse(readFileSync(`${root}/score-v1b1.json`, "utf8"))),
);

const nowhere = { place: { file: "", line: 1, column: 1 }, pointer: "" };
const ours = (value: Json | undefined) => checkValue(value, scoreSchema, () => nowhere).ok;

const corpus = ["valid", "invalid", "semantic"].flatMap((folder) =>
  readdirSync(`${root}/${folder}`).flatMap((name) => {
    const { documents } = parseFile(name, readFileSync(`${root}/${folder}/${name}`, "utf8"));
    return documents.map(({ value }) => ({ name: `${folder}/${name}`, value }));
  }),
);

test.each(corpus.filter((it) => it.value !== undefined))(
  "agrees with the official schema on $name",
  ({ value }) => expect(ours(value)).toBe(accepts(value)),
);

const seeds = corpus.flatMap(({ name, value }) =>
  name.startsWith("invalid") || value === undefined ? [] : [value],
);
const texts =
  ". a ab A_b a--b a.b 100m 1.5Gi 0600 8 true = HTTP HTTPS started healthy TCP UDP score.dev/v1b1"
    .split(" ")
    .concat("", " ", "x".repeat(63), "x".repeat(64));
const strange: readonly Json[] = [
  ...texts,
  null,
  true,
  0,
  65_536,
  1.5,
  [],
  {},
  ["a"],
  [1],
  { ab: {} },
  { a: "b" },
  { source: "a" },
  { image: "." },
  { port: 1 },
  { target: "/x", content: "" },
  [{ source: "a" }],
  [{ target: "a", content: "" }],
  { exec: { command: [] } },
  { httpGet: { path: "/", port: 80 } },
  Object.fromEntries([["__proto__", "x"]]),
];
const keys =
  "__proto__ constructor toString a ab Ab a=b - x.y/z acme.org/flag resources service target source content readOnly id class type params metadata annotations before files volumes"
    .split(" ")
    .concat("");

/** One random change somewhere in `value`; `next` gives whole numbers below its argument. */
function mutate(value: Json, next: (below: number) => number): Json {
  if (typeof value === "string" && next(2) > 0) return texts[next(texts.length)] ?? "";
  if (typeof value === "number" && next(2) > 0) return next(70_000);
  const isInside = (isRecord(value) || isList(value)) && next(20) > 0;
  if (isList(value) && isInside && value.length > 0) {
    const index = next(value.length);
    if (next(4) === 0) return value.toSpliced(index, 1);
    return value.map((item, at) => (at === index ? mutate(item, next) : item));
  }
  if (isRecord(value) && isInside) {
    const entries = Object.entries(value);
    const index = next(entries.length + 1);
    const added = keys[next(keys.length)] ?? "";
    if (index === entries.length) {
      const extra: [string, Json] = [added, strange[next(strange.length)] ?? null];
      return Object.fromEntries([...entries, extra]);
    }
    const kind = next(8);
    if (kind === 0) return Object.fromEntries(entries.toSpliced(index, 1));
    return Object.fromEntries(
      entries.map(([key, child], at): [string, Json] => {
        if (at !== index) return [key, child];
        return kind === 1 ? [added, child] : [key, mutate(child, next)];
      }),
    );
  }
  return strange[next(strange.length)] ?? null;
}

const mutated = fc
  .tuple(fc.constantFrom(...seeds), fc.noBias(fc.nat()), fc.nat(2))
  .map(([value, start, more]) => {
    let state = start;
    const next = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    return Array.from({ length: more + 1 }).reduce<Json>((it) => mutate(it, next), value);
  });

it("agrees with the official schema on 10,000 mutated documents", () => {
  const seed = 20_260_101;
  let valid = 0;
  let count = 0;
  fc.assert(
    fc.property(mutated, (value) => {
      const expected = accepts(value);
      count += 1;
      if (expected) valid += 1;
      expect(ours(value)).toBe(expected);
    }),
    { numRuns: 10_000, seed },
  );
  expect(valid).toBeGreaterThan(500);
  expect(count - valid).toBeGreaterThan(500);
  process.stdout.write(`${count} mutated documents, ${valid} of them valid, seed ${seed}\n`);
});

it("never throws, and never refuses without a problem, whatever a document holds", () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.jsonValue({ maxDepth: 5 })), (value) => {
      const document = {
        ...nowhere.place,
        index: 0,
        value: z.json().parse(value),
        at: () => nowhere.place,
      };
      for (const mode of ["default", "strict"] as const) {
        const { ok, problems } = readWorkload(document, mode);
        expect(ok).toBe(!problems.some((problem) => problem.severity === "error"));
      }
    }),
    { numRuns: 3000 },
  );
});
