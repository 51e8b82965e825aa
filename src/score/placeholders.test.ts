import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { isRecord, type Json, type JsonRecord } from "../model/json.ts";
import { lookupIn, lookupInMetadata } from "./lookup.ts";
import { placeholdersIn, substitute, substitutePartly } from "./placeholders.ts";

const record = z.record(z.string(), z.json());
const corpus = z
  .object({
    contexts: z.record(
      z.string(),
      z.object({ metadata: record, resources: z.record(z.string(), record) }),
    ),
    cases: z.array(
      z.object({
        id: z.string(),
        context: z.string(),
        input: z.json(),
        output: z.json().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync("test/corpus/score/placeholders.json", "utf8")));

const known = (context: string) => {
  const { metadata = {}, resources = {} } = corpus.contexts[context] ?? {};
  return { metadata, outputs: (name: string) => ownOf(resources, name) };
};
const ownOf = (from: JsonRecord, name: string): JsonRecord | undefined => {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  return isRecord(value) ? value : undefined;
};

describe("substitute", () => {
  const fine = corpus.cases.filter((it) => it.error === undefined);
  test.each(fine)("$id: $input", ({ context, input, output }) => {
    expect(substitute(input, lookupIn(known(context)))).toEqual({ value: output, faults: [] });
  });

  const faulty = corpus.cases.filter((it) => it.error !== undefined);
  test.each(faulty)("$id: $input", ({ context, input, error = "" }) => {
    const { value, faults } = substitute(input, lookupIn(known(context)));
    const references = [...error.matchAll(/invalid ref '([^']*)'/g)].map((it) => it[1] ?? "");
    const keys = [...error.matchAll(/(?:key|resource) '([^']*)'/g)].map((it) => it[1] ?? "");
    const told = faults.map((it) => it.message).join("\n");
    expect(value).toEqual(input);
    expect(faults.map((it) => it.reference)).toEqual(references);
    expect([...references, ...keys].filter((it) => !told.includes(it))).toEqual([]);
  });

  test.each<[string, Json, string]>([
    ["sorted keys", { b: 1, a: [true, null] }, '{"a":[true,null],"b":1}'],
    ["HTML", { a: "<&>\u2028" }, '{"a":"\\u003c\\u0026\\u003e\\u2028"}'],
    ["large numbers", [1e21, 1e-7, 0.1], "[1e+21,1e-7,0.1]"],
    ["code point order", { "\u{1f600}": 1, "\uffff": 2 }, '{"\uffff":2,"\u{1f600}":1}'],
  ])("writes %s as Go does", (_, value, text) => {
    const lookup = lookupIn({ metadata: { value }, outputs: () => undefined });
    expect(substitute("${metadata.value}", lookup).value).toBe(text);
  });

  it("finds nothing that is merely inherited", () => {
    const lookup = lookupIn({ metadata: {}, outputs: (name) => ownOf({}, name) });
    const texts = ["${metadata.constructor}", "${metadata.__proto__}", "${resources.toString.x}"];
    expect(substitute(texts, lookup).faults.map((it) => it.pointer)).toEqual(["/0", "/1", "/2"]);
  });
});

it("takes time in proportion to the text", () => {
  const text = "${".repeat(400_000);
  expect(placeholdersIn(text)).toEqual([]);
  expect(placeholdersIn(`${text}}`)).toHaveLength(1);
});

it("reads a text as score-go's regular expression does", () => {
  const piece = fc.constantFrom("$", "{", "}", "a", "\n", ".", "\\");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = pieces.join("");
      const matches = [...text.matchAll(/\$(?:(\$?)\{([^}]*)\}|\$)/g)];
      const references = matches.filter((it) => it[2] !== undefined && it[1] === "");
      expect(placeholdersIn(text).map((it) => [it.offset, it.reference])).toEqual(
        references.map((it) => [it.index, it[2]]),
      );
      const { value } = substitute(text, () => ({ kind: "value", value: "X" }));
      const expected = text.replace(/\$(?:(\$?)\{([^}]*)\}|\$)/g, (raw, dollar, reference) =>
        reference === undefined || dollar === "$" ? raw.slice(1) : "X",
      );
      expect(value).toBe(expected);
    }),
    { numRuns: 5000 },
  );
});

test("placeholdersIn says where each one stands, and sees what substitute sees", () => {
  const value = { a: ["x ${metadata.a\\.b} $${no}", { "b/c": "${resources.db.host}" }], "${k}": 1 };
  expect(placeholdersIn(value)).toMatchObject([
    { reference: "metadata.a\\.b", path: ["metadata", "a.b"], pointer: "/a/0", offset: 2 },
    { reference: "resources.db.host", path: ["resources", "db", "host"], pointer: "/a/1/b~1c" },
  ]);
});

describe("substitutePartly", () => {
  const piece = fc.constantFrom(
    "$",
    "$$",
    "{",
    "}",
    "a",
    "${metadata.a}",
    "${metadata.b}",
    "${resources.db.x}",
    "$${x}",
    "${",
    "\\.",
    "",
  );
  const text = fc.array(piece, { maxLength: 8 }).map((it) => it.join(""));
  const inserted = fc.array(fc.constantFrom("$", "{", "}", "v", "${metadata.b}"), { maxLength: 4 });

  it("loses nothing: the later pass gives what one pass would have", () => {
    let kept = 0;
    fc.assert(
      fc.property(text, inserted, inserted, (value, a, x) => {
        const metadata = { a: a.join(""), b: "B" };
        const all = { metadata, outputs: () => ({ x: x.join("") }) };
        const first = substitutePartly(value, lookupInMetadata(metadata));
        const whole = substitute(value, lookupIn(all));
        if (first.faults.length > 0) return;
        kept += 1;
        const later = lookupIn({ ...all, metadata: {} });
        expect(substitute(first.value, later)).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
    expect(kept).toBeGreaterThan(500);
  });

  it("is done after once", () => {
    fc.assert(
      fc.property(text, (value) => {
        const lookup = lookupInMetadata({ a: "p$", b: "B" });
        const once = substitutePartly(value, lookup);
        fc.pre(once.faults.length === 0);
        expect(substitutePartly(once.value, lookup)).toEqual(once);
      }),
    );
  });

  it("refuses what no text can say", () => {
    const lookup = lookupInMetadata({ a: "p$" });
    const { faults } = substitutePartly("${metadata.a}{ ${resources.db.x} }", lookup);
    expect(faults).toHaveLength(1);
  });
});
