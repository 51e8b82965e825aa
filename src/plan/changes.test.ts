import { expect, it, test } from "vitest";
import { covers, diff } from "./changes.ts";

it("names the field, and escapes it as RFC 6901 says", () => {
  expect(diff({ "a/b": { c: 1 }, "~": 1 }, { "a/b": { c: 2, d: [] }, "~": 2 })).toEqual([
    { path: "/a~1b/c", from: 1, to: 2 },
    { path: "/a~1b/d", from: undefined, to: [] },
    { path: "/~0", from: 1, to: 2 },
  ]);
});

it("takes a list as one value, and an inherited name as absent", () => {
  expect(diff([1, 2], [2, 1])).toEqual([{ path: "", from: [1, 2], to: [2, 1] }]);
  expect(diff({}, { constructor: 1 })).toEqual([{ path: "/constructor", from: undefined, to: 1 }]);
});

test.each([
  ["/a", "/a", true],
  ["/a", "/a/b", true],
  ["/a/b", "/a", true],
  ["/a", "/ab", false],
])("%s covers %s: %s", (pointer, path, expected) => expect(covers(pointer, path)).toBe(expected));
