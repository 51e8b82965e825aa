import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { defaultLimits } from "./bytes.ts";
import { readFully } from "./file.ts";
import { readPlain } from "./plain.ts";

const folders = ["valid", "invalid", "semantic"].map((it) => `test/corpus/score/${it}`);
const corpus = folders.flatMap((folder) =>
  readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8")),
);

function expectAgreement(text: string): boolean {
  const plain = readPlain(text);
  if (plain === undefined) return false;
  expect({ text, trees: [{ ...plain, faults: [] }] }).toEqual({
    text,
    trees: readFully(text, defaultLimits),
  });
  return true;
}

describe("what is read as plain is what the full parser reads", () => {
  it("in the corpus, most of which is plain", () => {
    const read = corpus.filter(expectAgreement);
    expect(read.length / corpus.length).toBeGreaterThan(0.7);
  });

  const piece = fc.constantFrom(
    ..."a b: c: /d: - -- : , [ ] [] {} { } # | > & * ! % @ ` ' \" \"x\" 'y' \\ ? ~ null true True .5 1.0 1. 0x1f 0o7 1e3 007 +1 -1 1_0 .inf <<: --- ... $ ${a.b} = \t é \u2028 \r".split(
      " ",
    ),
    " ",
    "  ",
    "    ",
    "\n",
    "\n  ",
    "\n- ",
    "\n    - ",
    "x: [a, \"b\", 'c', -1, --port=1]\n",
    "y: text with #hash # comment\n",
  );
  const line = fc
    .tuple(
      fc.constantFrom("", "", "  ", "  ", "    ", " "),
      fc.constantFrom("", "a: ", "b: ", "c:", "d:", '"g h": ', "- ", "- e: ", "-", "f : "),
      fc.array(piece, { maxLength: 2 }),
    )
    .map(([indent, start, pieces]) => indent + start + pieces.join(""));
  const text = fc.array(line, { maxLength: 6 }).map((it) => it.join("\n"));
  it("in random pieces of YAML", () => {
    let read = 0;
    fc.assert(
      fc.property(text, (it) => {
        if (expectAgreement(it)) read += 1;
      }),
      { numRuns: 8000 },
    );
    expect(read).toBeGreaterThan(80);
  });

  it("in documents of the corpus with a piece put in, a part taken out or the indentation changed", () => {
    let read = 0;
    const base = fc.constantFrom(...corpus.filter((it) => it.length < 1500));
    fc.assert(
      fc.property(base, fc.nat(), fc.nat(6), piece, (document, start, length, inserted) => {
        const at = start % (document.length + 1);
        const changed = document.slice(0, at) + inserted + document.slice(at + length);
        if (expectAgreement(changed)) read += 1;
      }),
      { numRuns: 2500 },
    );
    expect(read).toBeGreaterThan(400);
  });

  test.each([
    "a: 1\n a: 2",
    "a: x\n  y: z",
    "a:\n  - b\n  c: d",
    "a:\n- b\n- c: 1\n  d: 2\ne: f",
    "- a\n- b: [x, 'y z']\n  c:",
    "a: b: c",
    "a: 'x''y'",
    'a: "x" y',
    "a: [a,, b]",
    "a: [a, b,]",
    "a: 1.0",
    "- \u00a0a",
    "- \u3000a: b",
    "a: \u00a0# b",
    "a: .",
    "a: ...",
    "a: 1.2.3",
    "a: 2024-01-01",
    "a: -",
    "a: --x",
    '"a b": 1\n"1": 2',
    '"__proto__": 1',
    "a: -0",
    "a: 0.10",
    "a: 12345678901234567890",
    "---\na: 1\n---\nb: 2",
    "---\na: 1\n...\n",
    "--- \na: 1\n",
    "a:    # nothing\nb: c # text",
    "a: http://x#y",
    "constructor: 1",
    "__proto__: 1",
    "<<: { a: 1 }",
    "true: 1",
    "a: 1\nb",
    "a: - b",
    "- - a",
    "-",
    "",
  ])("in %j", (it) => {
    expectAgreement(it);
    expect(readFully(it, defaultLimits)).toBeDefined();
  });
});

it("reads an ordinary spec as plain: the fast path is taken", () => {
  const text =
    "apiVersion: score.dev/v1b1\nmetadata:\n  name: shop\nresources:\n  db:\n    type: postgres\n";
  expect(readPlain(text)).toBeDefined();
});
