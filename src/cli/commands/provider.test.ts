import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { z } from "zod";
import { runCli, type Ran } from "../../../test/support/cli.ts";
import { createFolder, type Folder } from "../../../test/support/folder.ts";
import { editorSchemas } from "../json-schemas.ts";

let folder: Folder;
beforeEach(async () => {
  folder = await createFolder();
});
afterEach(() => folder.remove());

const run = (...words: readonly string[]): Promise<Ran> => runCli(words, { cwd: folder.path });
const read = (file: string): string => readFileSync(join(folder.path, file), "utf8");

/** Where its first line leads. */
const schemaOf = (file: string): string => {
  const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(file))?.[1] ?? "";
  return join(dirname(file), named);
};

describe("init", () => {
  it("makes a repository that validates, and says what next", async () => {
    const made = await run("init", "platform");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain("  cd platform\n  git init");
    expect(read("platform/apps/shop/score.yaml")).toContain("score.dev/v1b1");
    expect(await run("validate", "platform")).toMatchObject({ code: 0, stderr: "" });
  });

  it("gives its files schemas that are there", async () => {
    await run("init");
    for (const file of [".innominatus.yaml", "apps/shop/score.yaml"]) {
      expect(dirname(schemaOf(file))).toBe(".innominatus/schemas");
      expect(existsSync(join(folder.path, schemaOf(file)))).toBe(true);
    }
  });

  it("takes a folder of git's own, and no other that has something in it", async () => {
    await folder.write({ "new/.git/HEAD": "ref: refs/heads/main\n", "old/README.md": "" });
    expect((await run("init", "new")).code).toBe(0);
    const refused = await run("init", "old");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("the folder is not empty: it has README.md");
    expect((await run("init", "old/README.md")).code).toBe(2);
    expect(read("old/README.md")).toBe("");
  });
});

test("schemas are written where editors look for them, or where one says", async () => {
  expect((await run("schemas")).stdout).toBe("wrote .innominatus/schemas\n");
  expect((await run("schemas", "here")).stdout).toBe("wrote here\n");
  for (const [name, text] of editorSchemas()) {
    expect(read(`.innominatus/schemas/${name}`)).toBe(text);
    expect(read(`here/${name}`)).toBe(text);
  }
});

describe("provider new", () => {
  it("makes a provider that passes its own test", async () => {
    await run("init");
    const made = await run("provider", "new", "cache-team");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain("  innominatus provider test providers/cache-team\n");
    expect(schemaOf("providers/cache-team/provider.yaml")).toBe(
      ".innominatus/schemas/provider.json",
    );
    expect(await run("validate", ".")).toMatchObject({ code: 0, stderr: "" });

    const tested = await run("provider", "test", "providers/cache-team");
    expect(tested).toMatchObject({ code: 0, stderr: "" });
    expect(tested.stdout).toContain("✓ cache (class default)\n");
    expect(tested.stdout).not.toMatch(/✗|skipped|sample/);
    expect(tested.stdout).toMatch(/cache-team@0\.1\.0: 3 cases; 1 type tried\n$/);
  });

  it("outside of a repository keeps its schemas beside it", async () => {
    await run("provider", "new", "queues", "--dir", "here", "--type", "amqp");
    expect(read("here/provider.yaml")).toContain("- type: amqp\n");
    expect(read("here/workflows/create-amqp.yaml")).toContain("name: create-amqp\n");
    expect(schemaOf("here/workflows/create-amqp.yaml")).toBe(
      "here/.innominatus/schemas/workflow.json",
    );
    expect((await run("provider", "test", "here", "--no-conformance")).code).toBe(0);
  });

  it.each([["Cache"], ["c"], ["../x"], ["cache_team"], ["cache", "--type", "a.b"]])(
    "refuses %s %s %s for a name",
    async (...words) => {
      expect(await run("provider", "new", ...words)).toMatchObject({ code: 2, stdout: "" });
    },
  );

  it("never writes over what is there", async () => {
    await folder.write({ "providers/cache-team/provider.yaml": "mine" });
    expect((await run("provider", "new", "cache-team")).code).toBe(2);
    expect(read("providers/cache-team/provider.yaml")).toBe("mine");
  });
});

const jsonSchema = z.looseObject({
  problems: z.array(z.unknown()),
  cases: z.array(z.looseObject({ name: z.string(), passed: z.boolean() })),
  conformance: z.array(
    z.looseObject({
      type: z.string(),
      state: z.string(),
      checks: z.array(z.object({ name: z.string(), state: z.string(), message: z.string() })),
      leftBehind: z.string().nullable(),
    }),
  ),
});

describe("provider test", () => {
  beforeEach(() => run("provider", "new", "cache-team", "--dir", "."));

  const change = (file: string, from: string, to: string): Promise<void> => {
    expect(read(file)).toContain(from);
    return folder.write({ [file]: read(file).replace(from, to) });
  };

  it("shows a case that fails field by field, with its line, and exits with 1", async () => {
    await change("tests/create.yaml", "size: small\n", "size: large\n");
    const tested = await run("provider", "test", "--no-conformance");
    expect(tested.code).toBe(1);
    expect(tested.stdout).toContain(`✗ a cache is small where nothing is said tests/create.yaml:2
  tests/create.yaml:11:5: error case/difference
    found "small", expected "large"
    11 |     size: large
       |     ^^^^
`);
    expect(tested.stdout).toMatch(/3 cases, 1 failed; 0 types tried\n$/);
  });

  it("shows a check that fails in words, as text and as JSON", async () => {
    await change("workflows/delete-cache.yaml", "rm -f", "rm");
    await change("tests/delete.yaml", "rm -f", "rm");
    const tested = await run("provider", "test", "--only", "cache", "-o", "json");
    expect(tested.code).toBe(1);
    const { cases, conformance } = jsonSchema.parse(JSON.parse(tested.stdout));
    expect(cases.map((it) => it.passed)).toEqual([true, true, true]);
    expect(conformance).toMatchObject([{ type: "cache", state: "failed" }]);
    const failed = conformance[0]?.checks.filter((it) => it.state === "failed");
    expect(failed?.map((it) => it.name)).toEqual(["delete again"]);
    expect(failed?.[0]?.message).toContain("No such file or directory");
  });

  it("stops at mistakes in the files, and shows them", async () => {
    await change("workflows/delete-cache.yaml", "type: policy", "type: polcy");
    const tested = await run("provider", "test");
    expect(tested.code).toBe(1);
    expect(tested.stdout).toContain(
      "workflows/delete-cache.yaml:15:5: error provider/unknown-step-type",
    );
    expect(tested.stdout).toMatch(/cache-team@0\.1\.0: not tested, for its files have mistakes\n$/);
  });

  it.each([
    ["provider", "test", "elsewhere"],
    ["provider", "test", "--only", "redis"],
    ["provider", "test", "--timeout", "soon"],
    ["provider", "test", "--output", "xml"],
    ["provider"],
  ])("exits with 2 where it is used wrongly: %s %s %s %s", async (...words) => {
    expect((await run(...words)).code).toBe(2);
  });
});
