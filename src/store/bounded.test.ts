import { expect, it } from "vitest";
import { bounded } from "./bounded.ts";
import type { Database } from "./database.ts";

/** Answers by hand; a statement that is `bad` fails. */
function byHand() {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const db: Database = {
    kind: "embedded",
    async query(sql) {
      asked.push(sql);
      await new Promise<void>((resolve) => answers.push(resolve));
      if (sql === "bad") throw new Error("bad");
      return { rows: [sql] };
    },
    transaction: (work) => work(db),
    listen: () => Promise.reject(new Error("unused")),
    close: () => Promise.resolve(),
  };
  return { db, asked, answer: () => answers.shift()?.() };
}
const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

it("lets so many through at once, the others in the order they came", async () => {
  const { db, asked, answer } = byHand();
  const few = bounded(db, 2);
  const all = Promise.all(["a", "b", "c"].map((it) => few.query(it)));
  const last = few.transaction((tx) => tx.query("d"));
  await turns();
  expect(asked).toEqual(["a", "b"]);
  answer();
  await turns();
  expect(asked).toEqual(["a", "b", "c"]);
  for (let left = 0; left < 3; left++) {
    answer();
    await turns();
  }
  expect(await all).toHaveLength(3);
  expect(await last).toEqual({ rows: ["d"] });
});

it("gives the place back after an error", async () => {
  const { db, answer } = byHand();
  const one = bounded(db, 1);
  const bad = one.query("bad").catch((error: unknown) => error);
  const good = one.query("good");
  await turns();
  answer();
  await turns();
  answer();
  expect(await bad).toEqual(new Error("bad"));
  expect(await good).toEqual({ rows: ["good"] });
});
