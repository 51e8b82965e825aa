import { expect, it } from "vitest";
import { together } from "./together.ts";

/** A question that is answered by hand. */
function byHand() {
  const asked: { readonly keys: readonly string[]; answer(value: string): void; fail(): void }[] =
    [];
  const ask = (keys: readonly string[]): Promise<ReadonlyMap<string, string>> =>
    new Promise((resolve, reject) => {
      asked.push({
        keys,
        answer: (value) => resolve(new Map(keys.map((it) => [it, `${value}-${it}`]))),
        fail: () => reject(new Error("away")),
      });
    });
  return { asked, one: together(ask) };
}
const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

it("asks together what comes at once, each key once", async () => {
  const { asked, one } = byHand();
  const answers = Promise.all([one("a"), one("b"), one("a")]);
  await turns();
  expect(asked.map((it) => it.keys)).toEqual([["a", "b"]]);
  asked[0]?.answer("x");
  expect(await answers).toEqual(["x-a", "x-b", "x-a"]);
});

it("answers nobody from a question that was asked before: what was revoked since is revoked", async () => {
  const { asked, one } = byHand();
  const early = one("a");
  await turns();
  const late = one("a");
  await turns();
  expect(asked).toHaveLength(1);
  asked[0]?.answer("valid");
  expect(await early).toBe("valid-a");
  await turns();
  asked[1]?.answer("revoked");
  expect(await late).toBe("revoked-a");
});

it("tells a failure to those who asked, and goes on", async () => {
  const { asked, one } = byHand();
  const failing = one("a").catch((error: unknown) => error);
  await turns();
  const next = one("b");
  asked[0]?.fail();
  expect(await failing).toEqual(new Error("away"));
  await turns();
  asked[1]?.answer("x");
  expect(await next).toBe("x-b");
});

it("bounds a question", async () => {
  const { asked, one } = byHand();
  const answers = Promise.all(Array.from({ length: 250 }, (_, index) => one(`k${index}`)));
  for (const size of [100, 100, 50]) {
    await turns();
    expect(asked.at(-1)?.keys).toHaveLength(size);
    asked.at(-1)?.answer("x");
  }
  expect(await answers).toHaveLength(250);
});
