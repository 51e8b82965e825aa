import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, "exit-code-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Exit code of a test run as `npm test` makes it, of one file. */
async function run(text: string): Promise<number | string | null | undefined> {
  const file = join(folder, "one.test.ts");
  await writeFile(file, text);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [vitest, "run", file], { cwd: root }, () =>
      resolve(child.exitCode),
    );
  });
}

it("is 0 for a test run that passed, and not 0 for one that failed", async () => {
  expect(await run(`import { it } from "vitest"; it("passes", () => {});`)).toBe(0);
  expect(
    await run(`import { it } from "vitest"; it("fails", () => { throw new Error("no"); });`),
  ).toBe(1);
});
