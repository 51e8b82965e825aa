import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import type { Json } from "../model/json.ts";
import { flow, sorted } from "./flow-yaml.ts";

const words = [
  ["true", "No", "on", "y", "null", "~", "", "5f0c1abd", "1e5", "12345678", "0x1f", "1_000"],
  ["2026-11-21", "2026-11-21T10:00:00.000Z", "12:30:45", "-", "- a", "a: b", "a #b", "&a", "*a"],
  ["!x", "%a", "@a", "`a", "'", '"', "{", "[a]", "a,b", "\u0085\u2028\ufeff", "a\nb", "=", "<<"],
].flat();
const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...words));
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.constantFrom(null, true, false, 0.5),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
}));

describe("flow", () => {
  it("is read back as what it was written from, by YAML 1.1 and 1.2, on one line", () => {
    fc.assert(
      fc.property(value, (it) => {
        const yaml = flow(it);
        expect(yaml).not.toContain("\n");
        expect(parse(`x: ${yaml}`)).toEqual({ x: it });
        expect(parse(`x: ${yaml}`, { version: "1.1" })).toEqual({ x: it });
      }),
    );
  });

  it("quotes only what needs it", () => {
    expect(flow({ uid: "postgres.default#shop.db", port: 5432, ref: "secret://a/b" })).toBe(
      '{ uid: postgres.default#shop.db, port: 5432, ref: "secret://a/b" }',
    );
  });
});

test("sorted orders keys at every depth, and no list", () => {
  expect(JSON.stringify(sorted({ b: [2, { d: 1, c: 1 }], a: null }))).toBe(
    '{"a":null,"b":[2,{"c":1,"d":1}]}',
  );
});
