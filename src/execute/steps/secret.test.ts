import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { performOnce } from "../../../test/support/step.ts";
import type { JsonRecord } from "../../model/json.ts";
import type { StepContext } from "../step-type.ts";
import { createSecret, memoryPrefix, pick } from "./secret.ts";

function memory() {
  const kept = new Map<string, string>();
  const secretMemory = {
    get: async (key: string) => kept.get(key),
    put: async (key: string, value: string) => void (kept.has(key) || kept.set(key, value)),
  };
  const executor = createSecret({ randomBytes, secretMemory });
  const make = async (config: JsonRecord = {}, more: Partial<StepContext> = {}) =>
    (await performOnce(executor, config, more)).outputs["value"];
  return { kept, secretMemory, executor, make };
}

describe("a secret", () => {
  it("is made once, and then remembered over restarts and runs of the same resource", async () => {
    const { make } = memory();
    const value = await make();
    expect(value).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(await make({}, { attempt: 2 })).toBe(value);
    expect(await make({}, { run: "run-2" })).toBe(value);
  });

  it("is secret", async () => {
    const { executor } = memory();
    expect((await performOnce(executor, {})).sensitive).toEqual(["value"]);
  });

  const others: [string, Partial<StepContext>][] = [
    ["step", { name: "other" }],
    ["resource", { uid: "mock.default#shop.other" }],
    ["environment", { scope: { repository: "origin", environment: "staging" } }],
    ["repository", { scope: { repository: "other", environment: "default" } }],
  ];
  test.each(others)("is another one for another %s", async (_, more) => {
    const { make } = memory();
    expect(await make({}, more)).not.toBe(await make());
  });

  it("with `rotate` is another one for each run, and the same within one", async () => {
    const { make } = memory();
    const value = await make({ rotate: true });
    expect(await make({ rotate: true }, { attempt: 2 })).toBe(value);
    expect(await make({ rotate: true }, { run: "run-2" })).not.toBe(value);
  });

  it("is remembered before it is used, and the first that was remembered is used", async () => {
    const { secretMemory, executor } = memory();
    await secretMemory.put(
      `${memoryPrefix({ repository: "origin", environment: "default" }, "mock.default#shop.db")}other`,
      "x",
    );
    let looks = 0;
    const racing = createSecret({
      randomBytes,
      secretMemory: {
        put: async () => undefined,
        get: async () => (looks++ === 0 ? undefined : "theirs"),
      },
    });
    expect((await performOnce(racing, {})).outputs).toEqual({ value: "theirs" });
    expect(executor.type).toBe("secret");

    const forgetful = {
      put: () => Promise.reject(new Error("store is down")),
      get: async () => undefined,
    };
    const failing = createSecret({ randomBytes, secretMemory: forgetful });
    await expect(performOnce(failing, {})).rejects.toThrow("store is down");
  });

  it("has all its keys under the resource's prefix, so that they can be forgotten with it", async () => {
    const { kept, make } = memory();
    await make();
    await make({ rotate: true });
    const prefix = memoryPrefix(
      { repository: "origin", environment: "default" },
      "mock.default#shop.db",
    );
    expect([...kept.keys()].every((it) => it.startsWith(prefix))).toBe(true);
    expect(kept.size).toBe(2);
  });

  const forms: [JsonRecord, RegExp][] = [
    [{ length: 12, alphabet: "hex" }, /^[0-9a-f]{12}$/],
    [{ length: "64", alphabet: "base64url" }, /^[\w-]{64}$/],
    [{ charset: "!?" }, /^[!?]{32}$/],
    [{ prefix: "sk_", length: 8 }, /^sk_[A-Za-z0-9]{8}$/],
  ];
  test.each(forms)("is made as asked: %j", async (config, form) => {
    expect(await memory().make(config)).toMatch(form);
  });

  const wrong: JsonRecord[] = [
    { length: 4 },
    { charset: "aab" },
    { charset: "a" },
    { alphabet: "x" },
    { size: 3 },
  ];
  test.each(wrong)("is not made as %j", async (config) => {
    expect(() => memory().executor.bind("only", config)).toThrow(
      expect.objectContaining({ reason: "ConfigurationError" }),
    );
  });
});

test("every character is equally likely, whatever the size of the alphabet", () => {
  const every = Uint8Array.from({ length: 256 }, (_, index) => index);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 95 }), (size) => {
      const alphabet = Array.from({ length: size }, (_, index) =>
        String.fromCharCode(32 + index),
      ).join("");
      const fair = 256 - (256 % size);
      const text = pick(alphabet, fair, () => every);
      const counts = alphabet.split("").map((it) => text.split(it).length - 1);
      expect(counts).toEqual(counts.map(() => fair / size));
    }),
  );
});
