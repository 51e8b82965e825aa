import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { policyWorkflow, readFiles, readFolder } from "../../test/support/provider-files.ts";
import { isProvider } from "./manifest.ts";
import { isWorkflow } from "./workflow.ts";

const manifest = (capabilities: string, rest = ""): string => `apiVersion: v1
kind: Provider
metadata: { name: team, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities:
${capabilities}
${rest}workflows:
  - { name: make, file: ./make.yaml }
  - { name: other, file: ./make.yaml, tags: [fast] }
  - { name: bad, file: ./bad.yaml }
  - { name: gone, file: ./gone.yaml }
`;
const good =
  "    - { type: good, operations: { create: { workflow: make }, delete: { workflow: make } } }";
const files = (capabilities: string, rest = "") => ({
  "team/provider.yaml": manifest(capabilities, rest),
  "team/make.yaml": policyWorkflow(),
  "team/bad.yaml": policyWorkflow("{{ .parameters.undeclared }}"),
});
const standing = ["template/undeclared-parameter", "provider/missing-file"];
const codes = (problems: readonly { code: string }[]) =>
  problems.map((it) => it.code).filter((it) => !standing.includes(it));

test("a bad workflow takes along only the capabilities that use it", () => {
  const { provider, problems } = readFiles(
    files(`${good}
    - { type: broken, operations: { create: { workflow: make }, delete: { workflow: bad } } }
    - { type: lost, operations: { create: { workflow: gone }, delete: { workflow: make } } }`),
  );
  expect(provider?.capabilities.map((it) => it.type)).toEqual(["good"]);
  expect(provider?.broken.map((it) => it.type)).toEqual(["broken", "lost"]);
  expect(problems).toMatchObject([
    { file: "team/bad.yaml", line: 7, code: "template/undeclared-parameter", severity: "error" },
    { file: "team/provider.yaml", line: 13, column: 19, code: "provider/missing-file" },
  ]);
});

type Row = [string, string, string, "error" | "warning", string];
const op = "create: { workflow: make }, delete: { workflow: make }";
const table: Row[] = [
  [
    "an unknown workflow",
    "{ type: x, operations: { create: { workflow: mak }, delete: { workflow: make } } }",
    "provider/unknown-workflow",
    "error",
    "/operations/create/workflow",
  ],
  [
    "an unknown default",
    `{ type: x, operations: { create: { workflows: [{ name: make }], default: nope }, delete: { workflow: make } } }`,
    "provider/unknown-workflow",
    "error",
    "/operations/create/default",
  ],
  [
    "an unknown tagged workflow",
    `{ type: x, operations: { create: { workflows: [{ name: nope }] }, delete: { workflow: make } } }`,
    "provider/unknown-workflow",
    "error",
    "/operations/create/workflows/0/name",
  ],
  [
    "an operation without a workflow",
    "{ type: x, operations: { create: {}, delete: { workflow: make } } }",
    "provider/no-workflow",
    "error",
    "/operations/create",
  ],
  [
    "no create",
    "{ type: x, operations: { delete: { workflow: make } } }",
    "provider/no-create",
    "error",
    "/type",
  ],
  [
    "no delete",
    "{ type: x, operations: { create: { workflow: make } } }",
    "provider/no-delete",
    "warning",
    "/type",
  ],
  [
    "a type twice",
    `{ type: x, operations: { ${op} } }\n    - { type: x, operations: { ${op} } }`,
    "provider/duplicate-type",
    "error",
    "/type",
  ],
  [
    "an alias with operations",
    `{ type: x, aliasFor: y, operations: { ${op} } }`,
    "provider/ignored-field",
    "warning",
    "/operations",
  ],
  [
    "upstream's read",
    `{ type: x, operations: { ${op}, read: { workflow: make } } }`,
    "provider/ignored-field",
    "warning",
    "/operations/read",
  ],
  [
    "an unknown key",
    `{ type: x, statful: true, operations: { ${op} } }`,
    "schema/unknown-field",
    "warning",
    "/statful",
  ],
  [
    "an unknown operation",
    `{ type: x, operations: { ${op}, destroy: {} } }`,
    "schema/unknown-field",
    "warning",
    "/operations/destroy",
  ],
  [
    "a wrong type",
    "{ type: x, operations: { create: make } }",
    "schema/invalid-type",
    "error",
    "/operations/create",
  ],
];

describe("what is wrong with a capability is said at its place", () => {
  test.each(table)("%s", (_, capability, code, severity, pointer) => {
    const { problems } = readFiles(files(`    - ${capability}`));
    const found = problems.filter((problem) => codes([problem]).length > 0);
    expect(found).toMatchObject([{ code, severity }]);
    expect(found[0]?.pointer).toContain(pointer);
    expect(found[0]?.line).toBeGreaterThanOrEqual(6);
    expect(found[0]?.hint ?? found[0]?.message).not.toBe("");
  });
});

const wholes: [string, (text: string) => string, string, number][] = [
  [
    "an unsupported apiVersion",
    (it) => it.replace("apiVersion: v1", "apiVersion: v2"),
    "schema/invalid-value",
    1,
  ],
  ["no version", (it) => it.replace(", version: 1.0.0", ""), "schema/missing-field", 3],
  [
    "a format of the future",
    (it) => it.replace("capabilities:", "compatibility: { minCoreVersion: 2.0.0 }\ncapabilities:"),
    "provider/incompatible",
    4,
  ],
  [
    "a format of the past",
    (it) => it.replace("capabilities:", "compatibility: { maxCoreVersion: 0.9.9 }\ncapabilities:"),
    "provider/incompatible",
    4,
  ],
  [
    "a version that is none",
    (it) => it.replace("capabilities:", "compatibility: { minCoreVersion: new }\ncapabilities:"),
    "provider/version",
    4,
  ],
  [
    "a name twice",
    (it) => it.replace("name: other", "name: make"),
    "provider/duplicate-workflow",
    9,
  ],
  [
    "a file outside",
    (it) => it.replace("./make.yaml", "../../make.yaml"),
    "provider/file-outside",
    8,
  ],
  ["an absolute file", (it) => it.replace("./make.yaml", "/make.yaml"), "provider/file-outside", 8],
];

test.each(wholes)("%s", (_, change, code, line) => {
  const all = files(good);
  const text = change(all["team/provider.yaml"]);
  const { problems } = readFiles({ ...all, "team/provider.yaml": text });
  const found = problems.filter((it) => it.code === code && it.file === "team/provider.yaml");
  expect(found.map((it) => it.line)).toEqual([line]);
});

test.each([
  ["no version", (it: string) => it.replace(", version: 1.0.0", "")],
  ["a format of the future", (it: string) => it.replace("apiVersion: v1", "apiVersion: v2")],
  [
    "a capability that is none",
    (it: string) => it.replace("workflows:\n", "    - 5\nworkflows:\n"),
  ],
])("a manifest with %s still claims its types, and serves none", (_, change) => {
  const all = files(good);
  const { provider } = readFiles({
    ...all,
    "team/provider.yaml": change(all["team/provider.yaml"]),
  });
  expect(provider).toMatchObject({ name: "team", capabilities: [] });
  expect(provider?.broken.map((it) => it.type)).toEqual(["good"]);
});

test("a type that is claimed twice is served by the first claim", () => {
  const twice = `${good}\n    - { type: good, operations: { create: { workflow: other }, delete: { workflow: make } } }`;
  const { provider } = readFiles(files(twice));
  expect(provider?.capabilities.map((it) => it.operations.create?.default)).toEqual(["make"]);
});

test("a file that two workflows use is reported once", () => {
  const all = files(good);
  const text = all["team/provider.yaml"].replace("./gone.yaml", "./bad.yaml");
  const { problems } = readFiles({ ...all, "team/provider.yaml": text });
  expect(problems.map((it) => it.file)).toEqual(["team/bad.yaml"]);
});

test("a manifest that claims nothing is no provider", () => {
  const { provider, problems } = readFiles({
    "team/provider.yaml": "kind: Provider\ncapabilities: 5\n",
  });
  expect(provider).toBeUndefined();
  expect(problems.length).toBeGreaterThan(0);
});

test("a format of this major fits, whatever the rest of the version", () => {
  const compatibility = "compatibility: { minCoreVersion: 1.9.0, maxCoreVersion: 2.0.0 }\n";
  expect(codes(readFiles(files(good, compatibility)).problems)).toEqual([]);
});

test("a workflow's tags in `workflows` stand in where the operation names none", () => {
  const capability =
    "    - { type: x, operations: { create: { workflows: [{ name: make, tags: [a] }, { name: other }] }, delete: { workflow: make } } }";
  const { provider } = readFiles(files(capability));
  expect(provider?.capabilities[0]?.operations.create).toEqual({
    default: "make",
    tagged: [
      { name: "make", tags: ["a"] },
      { name: "other", tags: ["fast"] },
    ],
  });
});

describe("upstream's forms", () => {
  const folder = "test/corpus/providers";

  it("reads every key of the format without an error", () => {
    const { provider, problems } = readFolder(folder, "every-key/provider.yaml");
    expect(problems.filter((it) => it.severity === "error")).toEqual([]);
    expect(problems.filter((it) => it.code === "schema/unknown-field")).toEqual([]);
    expect(provider?.workflows.size).toBe(6);
    expect(provider?.capabilities).toMatchObject([
      { type: "bucket", stateful: true },
      { type: "bucket-alias", aliasFor: "bucket" },
    ]);
    const { create } = provider?.capabilities[0]?.operations ?? {};
    expect(create).toEqual({
      default: "create-bucket",
      tagged: [
        { name: "create-bucket", tags: ["default"] },
        { name: "create-bucket-fast", tags: ["fast", "ssd"] },
      ],
    });
  });

  it("reads a plain list of types as create by the first provisioner workflow", () => {
    const { provider, problems } = readFolder(folder, "legacy/provider.yaml");
    expect(problems.map((it) => it.code)).toEqual(["provider/no-delete", "provider/no-delete"]);
    expect(provider?.capabilities.map((it) => [it.type, it.operations])).toEqual([
      ["legacy-db", { create: { default: "make", tagged: [] } }],
      ["legacy-cache", { create: { default: "make", tagged: [] } }],
    ]);
  });

  it("reads a Platform, whose provisioners name no workflow", () => {
    const { provider, problems } = readFolder(folder, "platform/platform.yaml");
    expect(provider).toMatchObject({ name: "old-platform", capabilities: [] });
    expect(problems.map((it) => [it.code, it.severity])).toEqual([
      ["provider/ignored-field", "warning"],
    ]);
  });
});

test.each([
  ["providers", "database-team/provider.yaml", "shipped"],
  ["gitops-example", "providers/platform-team/provider.yaml", "repository"],
] as const)("what we ship in %s has no problem", (folder, file, layer) => {
  const { provider, problems } = readFolder(folder, file, layer);
  expect(problems).toEqual([]);
  expect(provider?.capabilities.length).toBeGreaterThan(0);
});

test("others' documents of the same kinds are not ours", () => {
  expect(isProvider({ apiVersion: "v1", kind: "Provider" })).toBe(true);
  expect(isProvider({ kind: "Platform" })).toBe(true);
  expect(isProvider({ apiVersion: "pkg.crossplane.io/v1", kind: "Provider" })).toBe(false);
  expect(isProvider(["Provider"])).toBe(false);
  expect(isWorkflow({ apiVersion: "innominatus.io/v1alpha1", kind: "Workflow" })).toBe(true);
  expect(isWorkflow({ apiVersion: "argoproj.io/v1alpha1", kind: "Workflow" })).toBe(false);
  expect(isWorkflow(null)).toBe(false);
});

test("no file makes the reader throw, and every problem has a place in a file", () => {
  const folder = "test/corpus/providers/every-key";
  const names = [
    "provider.yaml",
    ...readdirSync(`${folder}/workflows`).map((it) => `workflows/${it}`),
  ];
  const all = Object.fromEntries(names.map((it) => [it, readFileSync(`${folder}/${it}`, "utf8")]));
  const piece = fc.constantFrom(
    "",
    "{{",
    "}}",
    "[",
    "null",
    ": ",
    "- ",
    "*a",
    "&a ",
    '"',
    "1",
    "  ",
    "\n",
    "{{ .steps.x }}",
  );
  const mutation = fc.record({
    file: fc.constantFrom(...names),
    at: fc.nat(),
    length: fc.nat(40),
    piece,
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const mutated = { ...all };
      for (const { file, at, length, piece: text } of mutations) {
        const before = mutated[file] ?? "";
        const start = at % (before.length + 1);
        mutated[file] = before.slice(0, start) + text + before.slice(start + length);
      }
      const { problems } = readFiles(mutated, "provider.yaml");
      expect(problems.every((it) => it.line >= 1 && it.column >= 1 && it.code !== "")).toBe(true);
    }),
    { numRuns: 150 },
  );
});
