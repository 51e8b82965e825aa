/** What every command has in common: help, usage errors, formats, streams and colours (DESIGN.md §10). */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildProgram, type BuiltProgram } from "../support/built.ts";
import { runCli, type Ran } from "../support/cli.ts";
import { createTestFolder } from "../support/database.ts";
import { createFolder, type Folder } from "../support/folder.ts";
import { createOrigin, type Origin } from "../support/repository.ts";

const home = join(import.meta.dirname, "../..");
const escape = String.fromCodePoint(27);

let folder: Folder;
beforeAll(async () => {
  folder = await createFolder({
    "bad.yaml": "apiVersion: score.dev/v1b1\n",
    "fine.yaml": "a: 1\n",
  });
});
afterAll(() => folder.remove());

const run = (words: readonly string[], more: Parameters<typeof runCli>[1] = {}): Promise<Ran> =>
  runCli(words, { cwd: folder.path, ...more });

/** As the program itself lists them, so that a new one is held to the same. */
const { stdout: overview } = await runCli(["--help"]);
const commands = [...overview.slice(overview.indexOf("Commands:")).matchAll(/^ {2}([a-z-]+)/gm)]
  .map(([, name = ""]) => name)
  .filter((it) => it !== "help");

describe("help", () => {
  it("lists every command, and nothing wider than the terminal", async () => {
    const { code, stdout, stderr } = await run(["--help"], { columns: 72 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const it of ["serve", "validate", "render", "plan", "sync", "status", "why", "approve"]) {
      expect(stdout).toMatch(new RegExp(`^  ${it} `, "m"));
    }
    expect(Math.max(...stdout.split("\n").map((it) => it.length))).toBeLessThanOrEqual(72);
  });

  it.each(commands)("of %s says what it does and describes every option", async (name) => {
    const { code, stdout, stderr } = await run([name, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [usage = "", blank, what = ""] = stdout.split("\n");
    expect(usage).toMatch(new RegExp(`^Usage: innominatus ${name}`));
    expect(blank).toBe("");
    expect(what).toMatch(/^[a-z].{10,}[^.]$/);
    // An option too long for its column has its description on the next line.
    for (const option of stdout.match(/^ {2}-.*\n.*/gm) ?? []) {
      expect(option).toMatch(/\S {2,}\S|\n {20,}\S/);
    }
  });

  it("is the version's too", async () => {
    const { code, stdout } = await run(["--version"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("a wrong usage", () => {
  const rows: [string, string[], RegExp][] = [
    ["a command", ["validat"], /unknown command 'validat'\n\(Did you mean validate\?\)/],
    [
      "a command with options",
      ["statsu", "--all"],
      /unknown command 'statsu'\n\(Did you mean status/,
    ],
    ["a command like none", ["xyzzy"], /unknown command 'xyzzy'\n/],
    [
      "an option",
      ["resources", "--tpye", "x"],
      /unknown option '--tpye'\n\(Did you mean --type\?\)/,
    ],
    [
      "an option of the default",
      ["--prot", "1"],
      /unknown option '--prot'\n\(Did you mean --port\?\)/,
    ],
    ["a choice", ["status", "-o", "xml"], /argument 'xml' is invalid.*table, json, yaml/],
    ["a missing argument", ["logs"], /missing required argument 'run'/],
    ["an argument too many", ["status", "all"], /too many arguments/],
    ["a missing value", ["validate", "--config"], /argument missing/],
  ];
  it.each(rows)("of %s exits with 2, and says on stderr what is there", async (_, words, said) => {
    const { code, stdout, stderr } = await run(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/run with --help to see what there is\n$/);
  });
});

it("says of a failure what, where and what next, on stderr alone", async () => {
  const settings = { INNOMINATUS_DATA_DIR: join(folder.path, "data") };
  const rows = [["plan"], ["sync", "--timeout", "soon"], ["serve"], ["runs", "--limit", "0"]];
  for (const words of rows) {
    const { code, stdout, stderr } = await run(words, { env: settings });
    expect({ words, code, stdout }).toEqual({ words, code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .+\n {2}where: .+\n {2}next: .+\n$/);
  }
});

describe("colours", () => {
  const rows: [string, boolean, { columns?: number; env?: Record<string, string> }][] = [
    ["are there on a terminal", true, { columns: 80 }],
    ["are not elsewhere", false, {}],
    ["are not with NO_COLOR", false, { columns: 80, env: { NO_COLOR: "1" } }],
    ["are not in CI", false, { columns: 80, env: { CI: "true" } }],
    ["are there where they are forced", true, { env: { FORCE_COLOR: "1" } }],
  ];
  it.each(rows)("%s", async (_, expected, options) => {
    const { stdout } = await run(["validate", "bad.yaml"], options);
    expect(stdout.includes(escape)).toBe(expected);
  });

  it("are never in what machines read", async () => {
    for (const output of ["json", "sarif", "github"]) {
      const { stdout } = await run(["validate", "bad.yaml", "-o", output], { columns: 80 });
      expect([output, stdout.includes(escape)]).toEqual([output, false]);
    }
  });

  it("are on stderr where that is a terminal", async () => {
    expect((await run(["validate", "nowhere"], { columns: 80 })).stderr).toContain(escape);
    expect((await run(["validate", "nowhere"])).stderr).not.toContain(escape);
  });
});

describe("with a record", () => {
  let origin: Origin;
  let removeDatabase = async (): Promise<void> => undefined;
  let env: Record<string, string> = {};
  beforeAll(async () => {
    const score = `apiVersion: score.dev/v1b1
metadata: { name: shop }
containers: { main: { image: nginx } }
resources: { db: { type: postgres-mock } }
`;
    origin = await createOrigin({ "apps/shop/score.yaml": score });
    const { directory, remove } = await createTestFolder();
    removeDatabase = remove;
    await folder.write({ "data/.keep": "" });
    await rename(directory, join(folder.path, "data/database"));
    env = { INNOMINATUS_DATA_DIR: join(folder.path, "data") };
  });
  afterAll(async () => {
    await origin.close();
    await removeDatabase();
  });

  it("every listing is a table, JSON and YAML of the same", async () => {
    const synced = await run(["sync", "--repo", origin.url], { env });
    expect(synced).toMatchObject({ code: 0, stderr: "" });
    for (const name of ["status", "resources", "runs", "events"]) {
      const json = await run([name, "-o", "json"], { env });
      const yaml = await run([name, "-o", "yaml"], { env });
      const table = await run([name], { env });
      expect([json.code, yaml.code, table.code]).toEqual([0, 0, 0]);
      const rows: unknown = JSON.parse(json.stdout);
      expect(parse(yaml.stdout)).toEqual(rows);
      expect(Array.isArray(rows) && rows.length).toBeGreaterThan(0);
      expect(table.stdout).toMatch(/^[A-Z]/);
    }
  });

  const named = (name: string, url: string): Promise<void> =>
    folder.write({ "named.yaml": `repositories: [{ name: ${name}, url: "${url}" }]\n` });

  it("a repository's name is refused for another URL, and fine for another spelling", async () => {
    const other = await createOrigin({ "README.md": "" });
    try {
      await named("shop", origin.url);
      const sync = ["sync", "--config", "named.yaml"];
      expect(await run(sync, { env })).toMatchObject({ code: 0 });
      await named("shop", `file://${origin.url}/`);
      expect(await run(sync, { env })).toMatchObject({ code: 0 });
      await named("shop", other.url);
      const refused = await run(sync, { env });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`the name "shop" is recorded for ${origin.url}`);
      expect(refused.stderr).toMatch(/next: give this repository another name/);
    } finally {
      await other.close();
    }
  });

  it("two origins of one basename are two repositories", async () => {
    const other = await createOrigin({ "README.md": "" });
    try {
      expect(await run(["sync", "--repo", other.url], { env })).toMatchObject({ code: 0 });
      const { stdout } = await run(["resources", "--repo", origin.url, "-o", "json"], { env });
      expect(JSON.parse(stdout)).toMatchObject([{ phase: "active" }]);
    } finally {
      await other.close();
    }
  });
});

describe("the built program", () => {
  let program: BuiltProgram;
  beforeAll(async () => {
    program = await buildProgram();
  });
  afterAll(() => program.remove());
  const built = (words: readonly string[]): Promise<Ran> => program.run(words, folder.path);

  it("has its exit codes and its streams", async () => {
    expect(await built(["validate", "fine.yaml"])).toEqual({
      code: 0,
      stdout: "1 file, 1 document: fine\n",
      stderr: "",
    });
    expect(await built(["validate", "bad.yaml", "-o", "json"])).toMatchObject({
      code: 1,
      stderr: "",
    });
    const usage = await built(["validate", "nowhere"]);
    expect(usage).toMatchObject({ code: 2, stdout: "" });
    expect(usage.stderr).toContain("where: nowhere");
  });

  it("checks what we ship and what users copy", async () => {
    const { code, stdout } = await built(["validate", join(home, "gitops-example")]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "6 files, 6 documents: fine\n" });
  });
});
