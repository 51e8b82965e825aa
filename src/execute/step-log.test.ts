import { expect, test } from "vitest";
import { createMasker } from "../secrets/mask.ts";
import { openStepLog } from "./step-log.ts";

const noBreak = () => undefined;

test("what is said while a write is under way goes into the next one", async () => {
  const writes: string[] = [];
  const log = openStepLog(async (text) => void writes.push(text), createMasker(), noBreak);
  for (const text of ["a\n", "b\n", "c\n"]) log.write(text);
  await log.end();
  expect(writes).toEqual(["a\n", "b\nc\n"]);
});

test("writes are bounded, and so is all of them, which the log says", async () => {
  const writes: string[] = [];
  const limits = { total: 25, perWrite: 10 };
  const log = openStepLog(async (text) => void writes.push(text), createMasker(), noBreak, limits);
  for (let line = 0; line < 9; line++) log.write(`line ${line}\n`);
  await log.end();
  expect(writes.join("")).toBe(
    "line 0\nline 1\nline 2\nline\n… output cut: more than 25 characters\n",
  );
  expect(writes.every((it) => it.length <= 10)).toBe(true);
});

test("law 7: secrets are masked", async () => {
  const writes: string[] = [];
  const masker = createMasker();
  masker.add("s3cr3t-pa55word");
  const log = openStepLog(async (text) => void writes.push(text), masker, noBreak);
  log.write("it is s3cr3t-pa55word\n");
  await log.end();
  expect(writes).toEqual(["it is ***\n"]);
});

test("a write that fails is told once and at once, and thrown at the end", async () => {
  const error = new Error("lease lost");
  const told: unknown[] = [];
  const log = openStepLog(
    () => Promise.reject(error),
    createMasker(),
    (it) => told.push(it),
  );
  log.write("a\n");
  log.write("b\n");
  await expect(log.end()).rejects.toBe(error);
  log.write("c\n");
  expect(told).toEqual([error]);
});
