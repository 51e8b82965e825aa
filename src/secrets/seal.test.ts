import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StallingError } from "../model/errors.ts";
import { createSealer } from "./seal.ts";

const [old, current] = [randomBytes(32), randomBytes(32)];
const sealer = createSealer([current]);

const reasonOf = (open: () => unknown): string => {
  try {
    open();
  } catch (error) {
    if (error instanceof StallingError) return error.reason;
    throw error;
  }
  return "none";
};

describe("a sealer", () => {
  it("opens what it sealed, at the same place only", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.string(), (value, a, b) => {
        const sealed = sealer.seal(value, a);
        expect(sealer.open(sealed, a)).toBe(value);
        const elsewhere = reasonOf(() => sealer.open(sealed, b));
        expect(elsewhere).toBe(a === b ? "none" : "SecretUnreadable");
      }),
    );
  });

  it("seals the same value differently each time", () => {
    expect(sealer.seal("value", "place")).not.toEqual(sealer.seal("value", "place"));
  });

  it("opens nothing of which any byte was changed", () => {
    const sealed = sealer.seal("value", "place");
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed, (byte, n) => (n === at ? byte ^ 1 : byte));
      expect(reasonOf(() => sealer.open(changed, "place"))).not.toBe("none");
      const cut = sealed.slice(0, at);
      expect(reasonOf(() => sealer.open(cut, "place"))).toBe("SecretUnreadable");
    }
  });

  it("opens with any of its keys, and seals with the first", () => {
    const before = createSealer([old]).seal("value", "place");
    const rotating = createSealer([current, old]);
    expect(rotating.open(before, "place")).toBe("value");
    expect(rotating.isCurrent(before)).toBe(false);
    const after = rotating.seal("value", "place");
    expect(rotating.isCurrent(after)).toBe(true);
    expect(sealer.open(after, "place")).toBe("value");
  });

  it("says which key is missing, and what to do, without the key", () => {
    const sealed = createSealer([old]).seal("value", "place");
    expect(reasonOf(() => sealer.open(sealed, "place"))).toBe("EncryptionKeyMissing");
    expect(() => sealer.open(sealed, "place")).toThrow(/sealed with key [0-9a-f]{16},/);
    expect(Buffer.from(sealed).includes(old.subarray(0, 8))).toBe(false);
  });

  it("takes no key of another length, and needs one", () => {
    expect(() => createSealer([])).toThrow(RangeError);
    expect(() => createSealer([current, randomBytes(16)])).toThrow(RangeError);
  });
});
