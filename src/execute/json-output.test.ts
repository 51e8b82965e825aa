import fc from "fast-check";
import { expect, test } from "vitest";
import { lastJsonObject } from "./json-output.ts";

const table: [string, string, unknown][] = [
  ["on the last line", 'creating…\n{"host":"db"}\n', { host: "db" }],
  ["before other words", '{"host":"db"}\nall done\n', { host: "db" }],
  ["the last of two", '{"a":1}\n{"b":2}', { b: 2 }],
  ["nested", '{"a":{"b":[{"c":1}]}}', { a: { b: [{ c: 1 }] } }],
  ["pretty-printed", '{\n  "a": {\n    "b": 1\n  }\n}\n', { a: { b: 1 } }],
  ["with brackets and quotes in strings", '{"a":"}{\\"]\\\\"}', { a: '}{"]\\' }],
  ["with Windows line ends", '{"a":1}\r\n', { a: 1 }],
  ["followed by a list", '{"a":1}\n[{"b":2}]\n', { a: 1 }],
  ["followed by a list of objects on lines", '{"a":1}\n[\n  {\n    "b": 2\n  }\n]\n', { a: 1 }],
  ["followed by broken JSON", '{"a":1}\n{"b":\n}\n', { a: 1 }],
  ["in the middle of a line", 'got {"a":1} back\n', undefined],
  ["only other values", '[1]\n"{}"\n12\n', undefined],
  ["nothing", "", undefined],
];

test.each(table)("%s", (_, text, expected) => expect(lastJsonObject(text)).toEqual(expected));

test("whatever object is printed last is found, however it is printed and whatever comes before", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false }));
  const noise = fc.array(fc.constantFrom("{", "}", "[", "]", '"', "\\", "\n", "x", " "));
  fc.assert(
    fc.property(noise, object, fc.constantFrom(0, 2), (before, value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      expect(JSON.stringify(lastJsonObject(`${before.join("")}\n${text}\n`))).toBe(
        JSON.stringify(JSON.parse(text)),
      );
    }),
  );
});

test.each(["{\n", "}\n", '{"a":\n', "[{\n}]\n", '"}\n', "]\n["])(
  "output made to cost time costs little: %j",
  (unit) => expect(lastJsonObject(unit.repeat(1_000_000 / unit.length))).toBeUndefined(),
  2_000,
);
