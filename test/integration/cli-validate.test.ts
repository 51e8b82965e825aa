/** `innominatus validate` as a user meets it: files, folders and repositories, in every output. */
import { chmodSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, test } from "vitest";
import { z } from "zod";
import { runCli, type Ran } from "../support/cli.ts";
import { createFolder, type Folder } from "../support/folder.ts";

const home = join(import.meta.dirname, "../..");
const corpus = join(home, "test/corpus/score");

const folders: Folder[] = [];
afterEach(async () => {
  for (const it of folders.splice(0)) await it.remove();
});
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await createFolder(files);
  folders.push(folder);
  return folder.path;
}

const shape = z.strictObject({
  documents: z.array(
    z.strictObject({
      file: z.string(),
      index: z.number(),
      kind: z.enum(["Score", "Provider", "Workflow", "Repository"]).nullable(),
      name: z.string().nullable(),
    }),
  ),
  problems: z.array(
    z.strictObject({
      file: z.string(),
      line: z.number(),
      column: z.number(),
      pointer: z.string(),
      code: z.string().regex(/^(yaml|schema|score|provider|template|repository)\//),
      severity: z.enum(["error", "warning"]),
      message: z.string(),
      hint: z.string().nullable(),
    }),
  ),
});
type Report = z.infer<typeof shape>;

async function reportOf(cwd: string, ...words: readonly string[]): Promise<Report> {
  const { stdout } = await runCli(["validate", "-o", "json", ...words], { cwd });
  return shape.parse(JSON.parse(stdout));
}
const codesIn = ({ problems }: Report): string[] =>
  problems.map((it) => `${it.file}:${it.line} ${it.code}`);

const spec = (name: string, resources = ""): string =>
  `apiVersion: score.dev/v1b1
metadata: { name: ${name} }
containers: { main: { image: nginx } }
${resources}`;
const manifest = `apiVersion: v1
kind: Provider
metadata: { name: team, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities:
    - type: thing
      operations: { create: { workflow: make }, delete: { workflow: make } }
workflows:
  - { name: make, file: ./workflows/make.yaml }
`;
const workflow = `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: make }
parameters:
  - { name: size, type: string, enum: [small, large], default: small }
steps:
  - { name: it, type: policy, config: { script: "echo {{ .parameters.size }}" } }
`;
const settings = "apiVersion: innominatus.dev/v1\nkind: Repository\n";

describe("the corpus of Score", () => {
  it("has valid files without an error", async () => {
    const { code, stdout } = await runCli(["validate", "valid"], { cwd: corpus });
    expect(code).toBe(0);
    expect(stdout).not.toContain(": error ");
  });

  const index = readFileSync(join(corpus, "INDEX.tsv"), "utf8").split("\n").slice(1);
  const pointers = new Map(
    index.map((line): [string, string] => {
      const fields = line.split("\t");
      return [fields[0] ?? "", (fields[7] ?? "none").replace("(root)", "")];
    }),
  );
  /** At the pointer, or at the missing or unknown field right under it. */
  const isAt = (pointer: string, expected: string): boolean =>
    pointer === expected || pointer.replace(/\/[^/]*$/, "") === expected;

  it.each(["invalid", "semantic"])("has an error in place for every file of %s", async (folder) => {
    const report = await reportOf(corpus, "--strict", folder);
    // score-go's two checks disagree on this one; what substitution supports is fine.
    const files = readdirSync(join(corpus, folder)).filter(
      (it) => it !== "14-escaped-dot-key.yaml",
    );
    for (const name of files) {
      const file = `${folder}/${name}`;
      const errors = report.problems.filter((it) => it.file === file && it.severity === "error");
      const found = errors.filter(
        (it) => it.code.startsWith("yaml/") || isAt(it.pointer, pointers.get(file) ?? "none"),
      );
      expect({ file, found: found.length > 0 }).toEqual({ file, found: true });
      expect(report.documents.some((it) => it.file === file)).toBe(true);
    }
  });

  it("finds in older files' habits warnings, unless it is strict", async () => {
    const file = "invalid/73-resource-properties-instead-of-params.yaml";
    expect(await runCli(["validate", file], { cwd: corpus })).toMatchObject({ code: 0 });
    expect(await runCli(["validate", "--strict", file], { cwd: corpus })).toMatchObject({
      code: 1,
    });
  });
});

describe("loose files", () => {
  it("are listed document by document, also those that are none of ours", async () => {
    const cwd = await folderOf({
      "a/score.yaml": `${spec("shop")}---\n${spec("cart")}---\nkind: Deployment\nmetadata: { name: x }\n`,
      "b.yml": settings,
      "p/provider.yaml": manifest,
      "p/workflows/make.yaml": workflow,
      "broken.yaml": "a: [\n",
      "no.txt": "a: [\n",
    });
    const report = await reportOf(cwd);
    expect(report.documents).toEqual([
      { file: "a/score.yaml", index: 0, kind: "Score", name: "shop" },
      { file: "a/score.yaml", index: 1, kind: "Score", name: "cart" },
      { file: "a/score.yaml", index: 2, kind: null, name: null },
      { file: "b.yml", index: 0, kind: "Repository", name: null },
      { file: "broken.yaml", index: 0, kind: null, name: null },
      { file: "p/provider.yaml", index: 0, kind: "Provider", name: "team" },
      { file: "p/workflows/make.yaml", index: 0, kind: "Workflow", name: "make" },
    ]);
    expect(new Set(report.problems.map((it) => it.file))).toEqual(new Set(["broken.yaml"]));
  });

  it("are each checked for themselves: a name may be there twice, but not in one file", async () => {
    const cwd = await folderOf({ "a.yaml": spec("shop"), "b.yaml": spec("shop") });
    expect(codesIn(await reportOf(cwd))).toEqual([]);
    const twice = await folderOf({ "a.yaml": `${spec("shop")}---\n${spec("shop")}` });
    expect(codesIn(await reportOf(twice))).toEqual(["a.yaml:6 score/duplicate-workload"]);
  });

  it("need no provider for the types they ask for", async () => {
    const cwd = await folderOf({
      "a.yaml": spec("shop", "resources: { one: { type: unheard-of } }\n"),
    });
    expect(await runCli(["validate"], { cwd })).toMatchObject({ code: 0 });
  });

  it("are manifests with the workflows beside them, each mistake told once", async () => {
    const slip = workflow.replace(".parameters.size", ".parameters.sice");
    const files = { "p/provider.yaml": manifest, "p/workflows/make.yaml": slip };
    const cwd = await folderOf(files);
    const expected = ["p/workflows/make.yaml:7 template/undeclared-parameter"];
    expect(codesIn(await reportOf(cwd))).toEqual(expected);
    expect(codesIn(await reportOf(cwd, "p/provider.yaml"))).toEqual(expected);
    expect(codesIn(await reportOf(cwd, "p/workflows/make.yaml"))).toEqual(expected);
    expect(codesIn(await reportOf(cwd, "p", "p/provider.yaml", "./p"))).toEqual(expected);
  });

  it("are named as they were typed, from wherever that was", async () => {
    const cwd = await folderOf({ "a/provider.yaml": manifest, "b/x.yaml": "" });
    const missing = "provider.yaml:9 provider/missing-file";
    expect(codesIn(await reportOf(cwd, "a"))).toContain(`a/${missing}`);
    expect(codesIn(await reportOf(join(cwd, "a")))).toContain(missing);
    expect(codesIn(await reportOf(join(cwd, "b"), "../a"))).toContain(`../a/${missing}`);
    expect(codesIn(await reportOf(join(cwd, "b"), join(cwd, "a")))).toContain(
      `${cwd}/a/${missing}`,
    );
    expect(codesIn(await reportOf(cwd, join(cwd, "a")))).toContain(`a/${missing}`);
  });

  it("are not looked for in hidden folders, in node_modules, and behind links to folders", async () => {
    const bad = "a: [\n";
    const cwd = await folderOf({
      ".git/x.yaml": bad,
      ".venv/x.yaml": bad,
      "node_modules/p/x.yaml": bad,
      "ok.yaml": spec("shop"),
    });
    symlinkSync(cwd, join(cwd, "again"));
    symlinkSync(join(cwd, "nowhere"), join(cwd, "gone.yaml"));
    const { stdout, code } = await runCli(["validate"], { cwd });
    expect({ stdout, code }).toEqual({ stdout: "1 file, 1 document: fine\n", code: 0 });
  });

  it.skipIf(process.getuid?.() === 0)("that may not be read are a problem", async () => {
    const cwd = await folderOf({ "a.yaml": spec("shop") });
    chmodSync(join(cwd, "a.yaml"), 0o000);
    expect(codesIn(await reportOf(cwd))).toEqual(["a.yaml:1 yaml/unreadable"]);
  });

  it("are listed also where nothing in them can be told apart", async () => {
    const cwd = await folderOf({ "long.yaml": "- a\n".repeat(150_000) });
    const report = await reportOf(cwd);
    expect(report.documents).toEqual([{ file: "long.yaml", index: 0, kind: null, name: null }]);
    expect(report.problems.map((it) => it.code)).toEqual(["yaml/too-large"]);
  });

  it("are settings by their name, whatever they call themselves", async () => {
    const cwd = await folderOf({ ".innominatus.yaml": "specs: [a.yaml]\n" });
    const report = await reportOf(cwd, ".innominatus.yaml");
    expect(report.documents).toMatchObject([{ kind: "Repository" }]);
    expect(new Set(report.problems.map((it) => it.code))).toEqual(
      new Set(["schema/missing-field"]),
    );
  });

  it("that are too large are a problem, and not read", async () => {
    const cwd = await folderOf({ "a.yaml": `# ${"x".repeat(1_100_000)}\n${spec("shop")}` });
    expect(codesIn(await reportOf(cwd))).toEqual(["a.yaml:1 yaml/too-large"]);
  });
});

describe("a repository", () => {
  const files = {
    ".innominatus.yaml": settings,
    "apps/shop/score.yaml": spec("shop", "resources: { one: { type: thing } }\n"),
    "providers/team/provider.yaml": manifest,
    "providers/team/workflows/make.yaml": workflow,
  };
  const withFiles = async (more: Readonly<Record<string, string>>) =>
    codesIn(await reportOf(await folderOf({ ...files, ...more })));

  it("is fine where its providers and the shipped ones serve what its specs ask for", async () => {
    const cart = spec(
      "cart",
      "resources: { db: { type: postgres-mock, params: { size: large } } }\n",
    );
    expect(await withFiles({ "apps/cart/score.yaml": cart })).toEqual([]);
    const example = await runCli(["validate", "gitops-example"], { cwd: home });
    expect(example).toEqual({ code: 0, stdout: "6 files, 6 documents: fine\n", stderr: "" });
  });

  type Row = [string, Record<string, string>, string[]];
  const rows: Row[] = [
    [
      "a type that nobody serves",
      { "apps/cart/score.yaml": spec("cart", "resources:\n  db:\n    type: postgress\n") },
      ["apps/cart/score.yaml:6 provider/unknown-type"],
    ],
    [
      "a param that does not fit, at the spec's line",
      {
        "apps/cart/score.yaml": spec(
          "cart",
          "resources:\n  one:\n    type: thing\n    params:\n      size: huge\n",
        ),
      },
      ["apps/cart/score.yaml:8 provider/parameter"],
    ],
    [
      "two workloads of one name",
      { "apps/zebra/score.yaml": spec("shop") },
      ["apps/zebra/score.yaml:2 score/duplicate-workload"],
    ],
    [
      "two providers of one type",
      {
        "providers/zoo/provider.yaml": manifest.replace("name: team", "name: zoo"),
        "providers/zoo/workflows/make.yaml": workflow,
        "apps/shop/score.yaml": spec("shop"),
      },
      ["providers/zoo/provider.yaml:6 provider/type-conflict"],
    ],
    [
      "settings with a slip",
      { ".innominatus.yaml": `${settings}deletionn: {}\n` },
      [".innominatus.yaml:3 schema/unknown-field"],
    ],
    [
      "a spec that no setting selects, for itself",
      { "docs/sample.yaml": "apiVersion: score.dev/v1b1\nmetadata: { name: sample }\n" },
      ["docs/sample.yaml:1 schema/missing-field"],
    ],
  ];
  it.each(rows)("tells of %s", async (_, more, expected) => {
    expect(await withFiles(more)).toEqual(expected);
  });

  it("does not blame specs for a manifest that cannot be read", async () => {
    const told = await withFiles({ "providers/team/provider.yaml": "a: [\n" });
    expect(told.every((it) => it.startsWith("providers/team/provider.yaml"))).toBe(true);
    expect(told.length).toBeGreaterThan(0);
  });

  it("may hold YAML of others that is none, like a chart's templates, but no broken spec", async () => {
    const template = "{{- if .Values.on }}\nkind: Service\n{{- end }}\n";
    expect(await withFiles({ "chart/templates/service.yaml": template })).toEqual([]);
    const broken = await withFiles({ "other/broken.yaml": "apiVersion: score.dev/v1b1\na: [\n" });
    expect(broken.length).toBeGreaterThan(0);
    const cwd = await folderOf({ ...files, "chart/templates/service.yaml": template });
    for (const given of [[], ["."]]) {
      expect(codesIn(await reportOf(cwd, ...given, "chart/templates/service.yaml"))).not.toEqual(
        [],
      );
    }
  });

  it("is a work tree of git without settings, too, and one inside of a folder", async () => {
    const { ".innominatus.yaml": _, ...rest } = files;
    const cart = spec("cart", "resources: { db: { type: nobodys } }\n");
    const inside = Object.entries({ ...rest, "apps/cart/score.yaml": cart, ".git/HEAD": "" });
    const cwd = await folderOf(
      Object.fromEntries(inside.map(([name, text]) => [`repo/${name}`, text])),
    );
    expect(codesIn(await reportOf(cwd))).toEqual([
      "repo/apps/cart/score.yaml:4 provider/unknown-type",
    ]);
  });

  it("is none without anything that the controller would read, though git keeps it", async () => {
    const cwd = await folderOf({ ".git/HEAD": "", "broken.yaml": "a: [\n" });
    expect(codesIn(await reportOf(cwd))).not.toEqual([]);
  });

  it("tells of a link where git would have one", async () => {
    const cwd = await folderOf(files);
    symlinkSync(join(cwd, "apps/shop/score.yaml"), join(cwd, "apps/linked.score.yaml"));
    expect(codesIn(await reportOf(cwd))).toEqual([
      "apps/linked.score.yaml:1 repository/not-a-file",
    ]);
  });

  it("is checked as each of its environments will have it, overrides and all", async () => {
    const environments = `${settings}environments:
  - { name: staging, branch: staging }
  - { name: production, branch: main, overrides: "production/**" }
`;
    const override = (params: string): string => `resources: { one: { params: { ${params} } } }\n`;
    const given = { ".innominatus.yaml": environments };
    const large = override("size: large");
    expect(await withFiles({ ...given, "production/shop.yaml": large })).toEqual([]);
    const huge = await withFiles({ ...given, "production/shop.yaml": override("size: huge") });
    expect(huge.map((it) => it.split(" ")[1])).toEqual(["provider/parameter"]);
    // A part of a spec is no broken spec.
    const whole = `apiVersion: score.dev/v1b1\n${large}`;
    expect(await withFiles({ ...given, "production/shop.yaml": whole })).toEqual([]);
    const bad = spec("cart", "resources: { two: { type: nobodys } }\n");
    expect(await withFiles({ ...given, "apps/cart/score.yaml": bad })).toEqual([
      "apps/cart/score.yaml:4 provider/unknown-type",
    ]);
  });

  it("is checked with the providers that the controller's settings name", async () => {
    const cwd = await folderOf({
      ".innominatus.yaml": settings,
      "apps/shop/score.yaml": files["apps/shop/score.yaml"],
      "innominatus.yaml": "providers: [{ name: ours, type: filesystem, path: ./platform }]\n",
      "platform/team/provider.yaml": manifest,
      "platform/team/workflows/make.yaml": workflow,
      // What is wrong between those is no mistake of the repository.
      "platform/zoo/provider.yaml": manifest.replace("type: thing", "type: other"),
      "platform/zoo/workflows/make.yaml": workflow,
    });
    expect(codesIn(await reportOf(cwd))).toEqual([]);
  });
});

describe("the outputs", () => {
  const broken = {
    "a.yaml": "apiVersion: score.dev/v1b1\nmetadata:\n  name: Shop\ncontainers: {}\n",
  };
  const run = async (output: string): Promise<Ran> =>
    runCli(["validate", "-o", output], { cwd: await folderOf(broken) });

  test("text shows the line and a caret, and a sum", async () => {
    const { code, stdout, stderr } = await run("text");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain("a.yaml:3:3: error schema/");
    expect(stdout).toContain("  3 |   name: Shop\n    |   ^^^^");
    expect(stdout.endsWith("2 errors in 1 file\n")).toBe(true);
  });

  test("sarif and annotations name file, line and code", async () => {
    const sarif = z.object({ runs: z.array(z.object({ results: z.array(z.unknown()) })) });
    const { code, stdout } = await run("sarif");
    expect(code).toBe(1);
    expect(sarif.parse(JSON.parse(stdout)).runs[0]?.results).toHaveLength(2);
    expect((await run("github")).stdout).toMatch(/^::error file=a\.yaml,line=3,col=3,title=schema/);
  });

  test("nothing to check is said", async () => {
    const cwd = await folderOf({ "a.txt": "" });
    const { code, stdout } = await runCli(["validate"], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "no YAML files: nothing was checked\n" });
  });

  test("a path that is not there is a wrong usage, whatever else is there", async () => {
    const cwd = await folderOf(broken);
    const { code, stdout, stderr } = await runCli(["validate", ".", "nowhere"], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: .+\n {2}where: nowhere\n {2}next: .+\n$/);
  });

  test("a signal ends it", async () => {
    const stop = AbortSignal.abort(new Error("stopped by SIGINT"));
    const { code, stderr } = await runCli(["validate"], { cwd: await folderOf(broken), stop });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "error: stopped by SIGINT\n" });
  });
});
