import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { decodeText, defaultLimits } from "./bytes.ts";
import { parseFile } from "./file.ts";

const parse = (text: string) => parseFile("a.yaml", text);
const codesOf = (text: string) => parse(text).problems.map((it) => it.code);

describe("parseFile", () => {
  it("reads every document of a file, each with its own places", () => {
    const { documents, problems } = parse("a: 1\n---\nb:\n  - c: 2\n---\n");
    expect(problems).toEqual([]);
    expect(documents.map((it) => it.value)).toEqual([{ a: 1 }, { b: [{ c: 2 }] }, undefined]);
    expect(documents[1]?.at(["b", 0, "c"])).toEqual({ file: "a.yaml", line: 4, column: 5 });
    expect(documents[1]?.at(["b", 0, "c"], "value")).toMatchObject({ line: 4, column: 8 });
  });

  it("lets a broken document hide no other", () => {
    const { documents, problems } = parse("a: {\n---\nb: 2\n");
    expect(problems.map((it) => it.code.split("/")[0])).toContain("yaml");
    expect(documents.at(-1)?.value).toEqual({ b: 2 });
  });

  it("gives the nearest parent's place for what is missing", () => {
    const [document] = parse("a:\n  b: 1\n").documents;
    expect(document?.at(["a", "x", "y"])).toMatchObject({ line: 1, column: 1 });
    expect(document?.at(["a", "b", "y"])).toMatchObject({ line: 2, column: 3 });
    expect(document?.at(["x"])).toMatchObject({ line: 1, column: 1 });
  });

  it("follows anchors and merge keys, to where the text stands", () => {
    const text =
      "base: &b { x: 1, y: [2] }\nother: &o\n  y: 3\nuse:\n  <<: [*b, *o]\n  x: 4\nagain: *b\n";
    const [document] = parse(text).documents;
    expect(document?.value).toMatchObject({ use: { x: 4, y: [2] }, again: { x: 1, y: [2] } });
    expect(document?.at(["use", "y", 0])).toMatchObject({ line: 1 });
    expect(document?.at(["use", "x"])).toMatchObject({ line: 6 });
    expect(document?.at(["again"])).toMatchObject({ line: 7 });
  });

  it('keeps a quoted "<<" and a key like __proto__ as they are', () => {
    const { value } = parse('"<<": 1\n__proto__: { a: 1 }\n').documents[0] ?? {};
    expect(JSON.stringify(value)).toBe('{"<<":1,"__proto__":{"a":1}}');
  });

  test.each([
    ["a: 1\na: 2\n", ["yaml/duplicate-key"]],
    ["a: *b\n", ["yaml/alias"]],
    ["a: &a [*a]\n", ["yaml/alias"]],
    ["a:\n\tb: 1\n", ["yaml/tab-as-indent"]],
    ["a: .inf\n", ["yaml/number"]],
    ["a: 12345678901234567890\n", ["yaml/inexact-number"]],
    ["{ a: 1 }: 2\n", ["yaml/key"]],
    ["a: {{ .x }}\n", ["yaml/key"]],
    ["<<: 3\n", ["yaml/merge-key"]],
    ["a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> topic\n", ["yaml/merge-conflict"]],
    ["", ["yaml/empty"]],
    ["# nothing\n", ["yaml/empty"]],
    ["---\n---\n", ["yaml/empty"]],
    ["text\n", ["yaml/scalar"]],
    ["42\n", ["yaml/scalar"]],
    ["- a\n", []],
  ])("%j: %j", (text, codes) => expect(codesOf(text)).toEqual(codes));

  it("names line and column of the second of two equal keys", () => {
    const [problem] = parse("a:\n  b: 1\n  b: 2\n").problems;
    expect(problem).toMatchObject({ line: 3, column: 3, severity: "error" });
    expect(problem?.hint).toBeDefined();
  });

  it("says nothing at length about an alias bomb", () => {
    const levels = Array.from({ length: 30 }, (_, n) => {
      const list = Array.from({ length: 9 }, () => `*a${n}`).join(", ");
      return `a${n + 1}: &a${n + 1} [${list}]`;
    });
    expect(codesOf(`a0: &a0 x\n${levels.join("\n")}\n`)).toEqual(["yaml/aliases"]);
  });

  it("bounds what a few aliases of something large come to", () => {
    const large = `a: &a [${"1,".repeat(30_000)}1]\n`;
    expect(codesOf(`${large}b: [*a, *a, *a, *a]\n`)).toEqual(["yaml/too-large"]);
  });

  test.each([
    ["lists", "[".repeat(100_000)],
    ["mappings", "{a: ".repeat(100_000)],
    ["closed lists", `a: ${"[".repeat(65)}${"]".repeat(65)}`],
    ["block lists", `a:\n${"- ".repeat(100)}b\n`],
    ["block mappings", Array.from({ length: 100 }, (_, n) => `${" ".repeat(n)}a:`).join("\n")],
  ])("refuses deep %s", (_, text) => {
    const { documents, problems } = parse(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(documents.every((it) => it.value === undefined)).toBe(true);
  });

  it("counts the depth of what an alias brings", () => {
    const deep = `a: &a ${"[".repeat(40)}${"]".repeat(40)}\n`;
    expect(codesOf(`${deep}b: ${"[".repeat(23)}*a${"]".repeat(23)}\n`)).toEqual([]);
    expect(codesOf(`${deep}b: ${"[".repeat(24)}*a${"]".repeat(24)}\n`)).toEqual(["yaml/too-deep"]);
  });

  it("stops telling after a thousand problems", () => {
    expect(codesOf("a: 1\n".repeat(1500))).toHaveLength(1000);
  });

  it("accepts what is as deep as allowed", () => {
    expect(codesOf(`a: ${"[".repeat(62)}${"]".repeat(62)}`)).toEqual([]);
  });

  it("refuses a large file, and reads 15,000 keys in one mapping", () => {
    const keys = Array.from({ length: 15_000 }, (_, n) => `k${n}: ${n}`).join("\n");
    expect(codesOf(keys)).toEqual([]);
    expect(codesOf(`a: ${"x".repeat(defaultLimits.size)}`)).toEqual(["yaml/too-large"]);
  });

  test.each(["]", "[", "!a ", "a\n---\n", "a: 1\n"])("refuses a megabyte of %j", (it) => {
    expect(codesOf(it.repeat(260_000))).toEqual(["yaml/too-large"]);
  });

  const piece = fc.constantFrom(
    ..."a : - [ ] { } # | > & * ! % @ ` ' \" \\ ? ~ &a *a << --- ... !!set !!binary !x \t \r \u0000 \ufeff \u{1f600} .nan 1e999".split(
      " ",
    ),
    "\n",
    "  ",
  );
  it("never throws, and gives no value without saying why", () => {
    const text = fc.oneof(
      fc.array(piece).map((it) => it.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (it) => {
        const { documents, problems } = parse(it);
        for (const document of documents) document.at(["a", 0]);
        const isEmpty = documents.every((document) => document.value === undefined);
        expect(isEmpty && problems.length === 0).toBe(false);
      }),
      { numRuns: 1500 },
    );
  });
});

describe("decodeText", () => {
  const bytes = (...parts: (string | number)[]) =>
    Uint8Array.from(parts.flatMap((it) => (typeof it === "number" ? [it] : [...Buffer.from(it)])));

  it("takes UTF-8 with and without a byte order mark", () => {
    expect(decodeText("a", bytes("é\uFFFD"))).toMatchObject({ ok: true, value: "é\uFFFD" });
    expect(decodeText("a", bytes(0xef, 0xbb, 0xbf, "a: 1"))).toMatchObject({ value: "a: 1" });
  });

  test.each([
    ["UTF-16", bytes(0xff, 0xfe, "a", 0), "yaml/encoding", 1, 1],
    ["Latin-1", bytes("a: 1\nb: caf", 0xe9), "yaml/encoding", 2, 7],
    ["a NUL", bytes("a\n", 0), "yaml/encoding", 2, 1],
    ["too much", new Uint8Array(defaultLimits.size + 1), "yaml/too-large", 1, 1],
  ])("refuses %s", (_, it, code, line, column) => {
    expect(decodeText("a", it)).toMatchObject({ ok: false, problems: [{ code, line, column }] });
  });
});
