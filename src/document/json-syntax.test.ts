import fc from "fast-check";
import { expect, it } from "vitest";
import "../../test/support/seed.ts";
import { faultInJson } from "./json-syntax.ts";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

it.each([
  ["", 0, "a value"],
  ["{", 1, "a key in double quotes"],
  ['{"a" 1}', 5, '":"'],
  ['{"a":}', 5, "a value"],
  ['{"a":1,}', 7, "a key in double quotes"],
  ["{'a':1}", 1, "a key in double quotes"],
  ["[1,]", 3, "a value"],
  ["[1 2]", 3, '"," or "]"'],
  ['{"a":1]', 6, '"," or "}"'],
  ['{\n  "a": tru\n}', 9, "a value"],
  ["1 2", 2, "the end"],
  ["01", 1, "the end"],
  ['["a\nb"]', 1, "a string that ends on its line"],
])("in %j it is at %i", (text, offset, expected) => {
  expect(faultInJson(text)).toEqual({ offset, expected });
});

it("is none in what is JSON, and one in everything else, as the parser has it", () => {
  const written = fc.json();
  const cut = fc
    .tuple(written, fc.nat(), fc.constantFrom("", "}", "]", ",", '"', "0", "\\", " "))
    .map(([text, at, put]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + 1);
    });
  fc.assert(
    fc.property(fc.oneof(written, cut, fc.string()), (text) => {
      expect(faultInJson(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 2_000 },
  );
});

it("takes a text that is nested deep", () => {
  expect(faultInJson("[".repeat(50_000))).toMatchObject({ offset: 50_000 });
  expect(faultInJson("[".repeat(50_000) + "]".repeat(50_000))).toBeUndefined();
});
