import { afterEach, expect, it } from "vitest";
import { createOrigin, type Origin } from "./repository.ts";

const made: Origin[] = [];

async function create(...args: Parameters<typeof createOrigin>): Promise<Origin> {
  const origin = await createOrigin(...args);
  made.push(origin);
  return origin;
}

afterEach(async () => {
  await Promise.all(made.splice(0).map((it) => it.close()));
});

it("makes the same commits every time", async () => {
  const [a, b] = [await create({ x: "1" }), await create({ x: "1" })];
  expect(await a.commit({ y: "2" })).toBe(await b.commit({ y: "2" }));
});

it("commits additions, changes and removals, and reverts them", async () => {
  const origin = await create({ "a b": "1", "new\nline": "ü", gone: "x" });
  const changed = await origin.commit({ "a b": "2", gone: null, added: "" }, "Change it");
  expect(await origin.listFiles()).toEqual(["a b", "added", "new\nline"]);
  await origin.revert(changed);
  expect(await origin.listFiles()).toEqual(["a b", "gone", "new\nline"]);
  expect(await origin.readFile("main", "a b")).toBe("1");
  expect((await origin.log())[0]?.message).toBe(
    `Revert "Change it"\n\nThis reverts commit ${changed}.`,
  );
});

it("hands a function every file, and takes what it returns for all of them", async () => {
  const origin = await create({ "a b": "1\n", "new\nline": "ü", empty: "" });
  await origin.commit((files) => {
    expect(files).toEqual({ "a b": "1\n", "new\nline": "ü", empty: "" });
    return { only: files["a b"] ?? "" };
  });
  expect(await origin.listFiles()).toEqual(["only"]);
  await origin.move("only", "moved/here");
  expect(await origin.readFile("main", "moved/here")).toBe("1\n");
  await origin.remove(["moved/here"]);
  expect(await origin.listFiles()).toEqual([]);
});

it("rewrites history, and starts branches from the default one", async () => {
  const origin = await create({ a: "1" });
  const old = await origin.tip();
  await origin.branch("topic");
  await origin.commit({ b: "2" }, "On topic", { branch: "topic" });
  const rewritten = await origin.rewrite({ c: "3" });
  expect((await origin.log()).map((it) => it.commit)).toEqual([rewritten]);
  expect((await origin.log("topic")).map((it) => it.parents)).toEqual([[old], []]);
  await origin.deleteBranch("topic");
  expect(await origin.tip("topic")).toBeUndefined();
});
