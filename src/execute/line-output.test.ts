import fc from "fast-check";
import { expect, test } from "vitest";
import { lineOutput, tail } from "./line-output.ts";

test("lines come out whole, however they came in", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "bc", "\n", "d\ne", "")), (chunks) => {
      const lines = lineOutput();
      const out = chunks.map((it) => lines.write(it));
      const text = chunks.join("");
      expect(out.every((it) => it === "" || it.endsWith("\n"))).toBe(true);
      const whole = text === "" || text.endsWith("\n") ? text : `${text}\n`;
      expect(out.join("") + lines.end()).toBe(whole);
    }),
  );
});

test("a long line is cut, and the next one is not", () => {
  const lines = lineOutput();
  for (let part = 0; part < 100; part++) lines.write("x".repeat(1_000));
  expect(lines.write("\nnext\n")).toBe(`${"x".repeat(8_192)} … line cut\nnext\n`);
});

test("the tail is the end of what was added", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 20 }), (chunks, atMost) => {
      const last = tail(atMost);
      for (const chunk of chunks) last.add(chunk);
      expect(last.text()).toBe(chunks.join("").slice(-atMost));
    }),
  );
});
