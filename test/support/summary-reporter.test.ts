import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, "summary-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A test run of its own, as `npm test` makes one. */
async function run(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const config = join(folder, "vitest.config.mjs");
  await writeFile(
    config,
    `import { summaryReporter } from "../summary-reporter.ts";
     export default { test: { reporters: ["default", summaryReporter((line) => process.stdout.write(line))] } };`,
  );
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return new Promise((resolve) => {
    const argv = [vitest, "run", "--root", folder, "--config", config];
    execFile(process.execPath, argv, (_, stdout) => resolve(stdout));
  });
}

it("counts tests, and files that do not load, in the last line", async () => {
  const output = await run({
    "a.test.js": `import { it, expect } from "vitest";
      it("passes", () => {}); it("fails", () => expect(1).toBe(2)); it.skip("skips", () => {});`,
    "b.test.js": `throw new Error("does not load");`,
    "c.test.js": `import { it, beforeAll } from "vitest";
      beforeAll(() => { throw new Error("hook") }); it("never runs", () => {});`,
  });
  expect(output.trimEnd().split("\n").at(-1)).toBe("1 passed, 3 failed, 2 skipped");
});
