import fc from "fast-check";
import { expect, test } from "vitest";
import { isScalar, parseDocument, stringify } from "yaml";
import { placeInScalar } from "./scalar-place.ts";

/** The place of `mark` in the value of `key`, found in the text that spells it. */
function placeOf(text: string, mark: string) {
  const node = parseDocument(text).getIn(["key"], true);
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) throw new Error(text);
  const before = text.slice(0, node.range[0]).split("\n");
  const start = { file: "f", line: before.length, column: (before.at(-1) ?? "").length + 1 };
  return placeInScalar(text, start, node.value, node.value.indexOf(mark));
}

const expectAtMark = (text: string, mark = "@") => {
  const { line, column } = placeOf(text, mark);
  expect(
    text
      .split("\n")
      [line - 1]?.slice(column - 1)
      .startsWith(mark),
  ).toBe(true);
};

test.each([
  ["plain", "key: ab @ c"],
  ["plain over lines", "key: ab\n  cd\n\n  e @ c"],
  ["single quotes", "key: 'it''s a @ c'"],
  ["double quotes", 'key: "a\\n\\t\\"\\u00e9\\x41\\\\ b @ c"'],
  ["double quotes over lines", 'key: "a\\\n   b\n   c @ d"'],
  ["literal", "key: |\n  a\n\n    b @ c\n"],
  ["literal, kept and indented", "a: 1\nkey: |2-  # | a comment\n    b\n  c @ d\n"],
  ["folded", "key: >-\n  a\n  b\n\n   c\n  d @ e\n"],
  ["after an anchor", "key: &anchor a @ b"],
  ["white space within", "key: |\n  a   b\t @ c\n"],
  ["beyond the basic plane", 'key: "😀 \\U0001F600 @ c"'],
  ["CRLF", "a: 1\r\nkey: |\r\n  a\r\n  b @ c\r\n"],
])("%s", (_, text) => expectAtMark(text));

test("a character is found whatever its scalar's style", () => {
  const word = fc.constantFrom("a", " ", "\n", "'", '"', "\\", "é", ":", "#", "x y", "\t", "- ");
  const text = fc.array(word).map((it) => it.join(""));
  const style = fc.constantFrom(
    ...(["PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE", "BLOCK_LITERAL", "BLOCK_FOLDED"] as const),
  );
  fc.assert(
    fc.property(text, text, style, (left, right, defaultStringType) => {
      expectAtMark(stringify({ key: `${left}@${right}` }, { defaultStringType }));
    }),
  );
});

test("text that spells another value is shown from where it begins", () => {
  const start = { file: "f", line: 2, column: 6 };
  expect(placeInScalar("a: x\nkey: *x", start, "a longer @", 9)).toEqual(start);
});
