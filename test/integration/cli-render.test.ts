/** `innominatus render` as a provider's author meets it. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { runCli } from "../support/cli.ts";
import { createFolder, type Folder } from "../support/folder.ts";

const home = join(import.meta.dirname, "../..");
const shared = "providers/database-team/workflows/create-postgres-shared.yaml";

const header = (name: string): string => `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
`;
const workflow = `${header("make")}parameters:
  - { name: title, type: string, required: true }
  - { name: count, type: integer, default: 2 }
  - { name: wanted, type: boolean, default: false }
steps:
  - name: say
    type: policy
    config:
      script: |
        set -e
        echo {{ .parameters.title }}
  - name: maybe
    type: http
    when: "{{ .parameters.wanted }}"
    config: { url: "https://example.com/{{ .parameters.title }}" }
  - name: apply
    type: ansible
    namespace: "{{ .parameters.namespace }}"
    config:
      labels: ["{{ .parameters.title }}", { count: "{{ .parameters.count }}" }]
outputs:
  said: "{{ .steps.say.output.line }}"
  count: { value: "{{ .parameters.count }}" }
  at: "{{ if .steps.maybe }}{{ .steps.maybe.output.status }}{{ else }}nowhere{{ end }}"
`;

let folder: Folder;
beforeAll(async () => {
  folder = await createFolder({
    "make.yaml": workflow,
    "fine.yaml": "title: shop\nnamespace: shop-default\n",
    "all.json": '{ "title": "shop", "namespace": "n", "count": "3", "wanted": true }',
    "hostile.yaml": "title: 'shop; rm -rf /'\nnamespace: n\n",
    "results.yaml": "say: { line: hello }\n",
    "both.yaml": "say: { line: hello }\nmaybe: { status: 200 }\n",
  });
});
afterAll(() => folder.remove());

const shape = z.strictObject({
  workflow: z.string().nullable(),
  steps: z.array(
    z.strictObject({ name: z.string(), type: z.string(), config: z.record(z.string(), z.json()) }),
  ),
  outputs: z.record(z.string(), z.json()),
  problems: z.array(
    z.looseObject({ file: z.string(), line: z.number(), column: z.number(), code: z.string() }),
  ),
});

async function render(...words: readonly string[]) {
  const ran = await runCli(["render", "-o", "json", ...words], { cwd: folder.path });
  return { code: ran.code, stderr: ran.stderr, ...shape.parse(JSON.parse(ran.stdout)) };
}
const told = (problems: z.infer<typeof shape>["problems"]): string[] =>
  problems
    .filter((it) => it["severity"] === "error")
    .map((it) => `${it.file}:${it.line}:${it.column} ${it.code}`);

describe("with all inputs", () => {
  it("shows every step's config rendered, also of types that this build does not perform", async () => {
    const ran = await render("make.yaml", "--params", "fine.yaml", "--results", "results.yaml");
    expect(ran).toMatchObject({
      code: 0,
      stderr: "",
      workflow: "make",
      steps: [
        { name: "say", type: "policy", config: { script: "set -e\necho shop\n" } },
        {
          name: "apply",
          type: "ansible",
          config: { namespace: "shop-default", labels: ["shop", { count: 2 }] },
        },
      ],
      outputs: { said: "hello", count: 2, at: "nowhere" },
    });
    expect(told(ran.problems)).toEqual([]);
  });

  it("takes inputs of their type, asks `when`, and gives later templates what a step gave", async () => {
    const { steps, outputs } = await render(
      "make.yaml",
      "--params=all.json",
      "--results=both.yaml",
    );
    expect(steps.map((it) => it.name)).toEqual(["say", "maybe", "apply"]);
    expect(outputs).toEqual({ said: "hello", count: 3, at: "200" });
  });

  it("renders what we ship", async () => {
    const files = { "p.yaml": "unique_name: shop_db_1\nsize: large\n", "r.yaml": "" };
    await folder.write({
      ...files,
      "r.yaml": "password: { value: secret }\ndatabase: { host: db, port: 5432 }\n",
    });
    const path = join(home, shared);
    const { code, steps, outputs } = await render(path, "--params=p.yaml", "--results=r.yaml");
    expect(code).toBe(0);
    expect(JSON.stringify(steps)).toContain("connection limit 100");
    expect(outputs["connection_string"]).toBe("postgresql://shop_db_1:secret@db:5432/shop_db_1");
  });

  it("reads well as text, with the problems apart from it", async () => {
    const words = ["render", "make.yaml", "--params", "fine.yaml"];
    const { code, stdout, stderr } = await runCli(words, { cwd: folder.path });
    expect(code).toBe(1);
    await expect(stdout).toMatchFileSnapshot("testdata/rendered.txt");
    expect(stderr).toContain("make.yaml:25:13: error template/missing-result\n");
    expect(stderr).toContain('hint: add "line" to "say" in the file given with --results\n');
  });
});

describe("a mistake is a problem in its place", () => {
  it("for each result and input that is missing", async () => {
    const { code, problems, outputs, steps } = await render("make.yaml");
    expect(code).toBe(1);
    expect(told(problems)).toEqual([
      "make.yaml:5:13 provider/parameter",
      "make.yaml:21:20 template/missing-parameter",
      "make.yaml:25:13 template/missing-result",
    ]);
    expect(outputs).toEqual({ count: 2, at: "nowhere" });
    expect(steps[1]?.config["namespace"]).toBe("{{ .parameters.namespace }}");
  });

  it("at the reference that has no value, among others that have one", async () => {
    const said = '"{{ .parameters.app_name }}-{{ .parameters.namespace }}"';
    await folder.write({
      "two.yaml": `${header("two")}steps:\n  - { name: it, type: dummy, config: { said: ${said} } }\n`,
      "app.yaml": "app_name: shop\n",
    });
    const { problems } = await render("two.yaml", "--params=app.yaml");
    expect(told(problems)).toEqual(["two.yaml:5:77 template/missing-parameter"]);
  });

  it("for a value that would change a script's meaning", async () => {
    const { problems, steps } = await render(
      "make.yaml",
      "--params=hostile.yaml",
      "--results=both.yaml",
    );
    expect(told(problems)).toEqual(["make.yaml:14:17 template/unsafe-value"]);
    expect(steps[0]?.config["script"]).toContain("echo {{ .parameters.title }}");
  });

  it("for an input of the wrong type, in the file that gives it", async () => {
    await folder.write({ "wrong.yaml": "title: shop\nnamespace: n\ncount: many\n" });
    const { problems } = await render("make.yaml", "--params=wrong.yaml", "--results=both.yaml");
    expect(told(problems)).toEqual(["wrong.yaml:3:8 provider/parameter"]);
  });

  it("for a rendered config that its step type does not take", async () => {
    const config = '{ lenght: "{{ .parameters.app_name }}" }';
    await folder.write({
      "bad.yaml": `${header("bad")}steps:\n  - { name: it, type: secret, config: ${config} }\n`,
      "app.yaml": "app_name: shop\n",
    });
    const { problems } = await render("bad.yaml", "--params=app.yaml");
    expect(told(problems)).toEqual(["bad.yaml:5:41 schema/unknown-field"]);
    expect(told((await render("bad.yaml")).problems)).toEqual([
      "bad.yaml:5:53 template/missing-parameter",
    ]);
  });

  it("for the outcome of a step that is left out, and for a condition that cannot be told", async () => {
    const steps = `steps:
  - { name: one, type: policy, config: { script: "true" }, when: "{{ .parameters.app_name.x }}" }
  - { name: two, type: policy, config: { script: "true" }, when: "false" }
outputs: { two: "{{ .steps.two.output.a }}" }
`;
    await folder.write({ "when.yaml": header("when") + steps, "app.yaml": "app_name: shop\n" });
    const rendered = await render("when.yaml", "--params=app.yaml");
    expect(told(rendered.problems)).toEqual([
      "when.yaml:5:90 template/render",
      "when.yaml:7:21 template/missing-result",
    ]);
    expect(rendered.steps.map((it) => it.name)).toEqual(["one"]);
  });

  it("in the workflow itself: then nothing is rendered", async () => {
    await folder.write({ "slip.yaml": workflow.replace(".title }}\n", ".titel }}\n") });
    const { code, steps, problems, workflow: name } = await render("slip.yaml");
    expect({ code, steps, name }).toEqual({ code: 1, steps: [], name: "make" });
    expect(told(problems)).toEqual(["slip.yaml:14:17 template/undeclared-parameter"]);
  });

  const inputs: [string, string, RegExp][] = [
    ["no YAML", "a: [\n", /^input\.yaml:\d+:\d+ yaml\//],
    ["a list", "- a\n", /^input\.yaml:1:1 schema\/invalid-type$/],
    [
      "a step's result that is no mapping",
      "say: hello\n",
      /^input\.yaml:1:1 schema\/invalid-type$/,
    ],
  ];
  it.each(inputs)("for a file of results with %s", async (_, text, expected) => {
    await folder.write({ "input.yaml": text });
    const ran = await render("make.yaml", "--params=fine.yaml", "--results=input.yaml");
    expect(ran.code).toBe(1);
    expect(told(ran.problems).find((it) => it.startsWith("input.yaml:"))).toMatch(expected);
  });

  it("as a warning for results of a step that is not there", async () => {
    await folder.write({ "stray.yaml": "say: { line: a }\nsya: { line: b }\n" });
    const { code, problems } = await render(
      "make.yaml",
      "--params=fine.yaml",
      "--results=stray.yaml",
    );
    expect(code).toBe(0);
    expect(problems).toContainEqual(
      expect.objectContaining({
        code: "template/unknown-step",
        line: 2,
        hint: "did you mean `say`?",
      }),
    );
  });
});

it("takes files without anything in them for no inputs", async () => {
  await folder.write({
    "empty.yaml": "# nothing\n",
    "still.yaml": `${header("still")}steps:\n  - { name: it, type: wait, config: { duration: 1s } }\n`,
  });
  const { code, steps } = await render("still.yaml", "--params=empty.yaml", "--results=empty.yaml");
  expect({ code, count: steps.length }).toEqual({ code: 0, count: 1 });
});

it.each([["nowhere.yaml"], ["make.yaml", "--params", "nowhere.yaml"], ["."]])(
  "a file that is not there is a wrong usage: %s %s %s",
  async (...words) => {
    const ran = await runCli(["render", ...words], { cwd: folder.path });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^error: .+\n {2}where: (nowhere\.yaml|\.)\n {2}next: .+\n$/);
  },
);
