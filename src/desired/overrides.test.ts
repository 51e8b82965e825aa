import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { canonical, type Json, type JsonRecord } from "../model/json.ts";
import { parseFile } from "../document/file.ts";
import { simpleProvider } from "../../test/support/provider-files.ts";
import { buildCatalog } from "../provider/catalog.ts";
import { merge, mergeDocuments } from "./overrides.ts";
import { createDesirer } from "./resources.ts";
import { createTreeReader, readRepositorySettings, type Tree, type TreeReader } from "./tree.ts";
import { defaultSettings } from "./settings.ts";

type Files = Readonly<Record<string, string>>;

const settings = `apiVersion: innominatus.dev/v1
kind: Repository
specs: ["apps/**/score.yaml", "**/*.score.yaml"]
environments:
  - { name: production, branch: main, overrides: "environments/production/**" }
  - { name: staging, branch: main, overrides: "environments/staging/**" }
  - { name: plain, branch: main }
`;
const spec = `apiVersion: score.dev/v1b1
metadata: { name: shop }
containers:
  web:
    image: shop:1
    args: [serve, --quiet]
resources:
  db:
    type: postgres
    params: { size: small, region: eu }
`;
const path = "apps/shop/score.yaml";

/** A look at `files` by a reader that may have looked at others before. */
function look(files: Files, environment = "production", reader?: TreeReader) {
  const source = { layer: "repository", label: "test" } as const;
  const used = reader ?? createTreeReader(source, "default", environment);
  const all: Files = { ".innominatus.yaml": settings, ...files };
  const entries = new Map(
    Object.entries(all).map(([name, text]) => [name, { oid: text, mode: "100644" }]),
  );
  const bytes = (names: readonly string[]) =>
    new Map(names.map((name) => [name, new TextEncoder().encode(all[name])]));
  const read = readRepositorySettings(entries, bytes([".innominatus.yaml"]), defaultSettings);
  const needed = used.needed(entries, read.settings);
  return { tree: used.read(entries, bytes(needed), read, new Set([path])), needed, reader: used };
}

const paramsOf = (tree: Tree) => tree.workloads[0]?.resources[0]?.params;
const found = (tree: Tree) =>
  tree.problems.map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`);
const over = (text: string, name = "shop.yaml"): Files => ({
  [path]: spec,
  [`environments/production/${name}`]: text,
});

describe("what an override says is merged into the spec", () => {
  test.each([
    ["a scalar is replaced", "params: { size: large }", { size: "large", region: "eu" }],
    ["a key is added", "params: { disk: 5 }", { size: "small", region: "eu", disk: 5 }],
    ["null is written", "params: { size: null }", { size: null, region: "eu" }],
    ["a map over a scalar replaces it", "params: { size: {} }", { size: {}, region: "eu" }],
    ["a scalar over a map replaces it", "params: { size: [] }", { size: [], region: "eu" }],
    ["an empty map changes nothing", "params: {}", { size: "small", region: "eu" }],
  ])("%s", (_, text, params) => {
    const { tree } = look(over(`resources: { db: { ${text} } }`));
    expect(found(tree)).toEqual([]);
    expect(paramsOf(tree)).toEqual(params);
  });

  it("replaces a list as a whole", () => {
    const { tree } = look(over("containers: { web: { args: [debug] } }"));
    expect(tree.workloads[0]?.spec["containers"]).toEqual({
      web: { image: "shop:1", args: ["debug"] },
    });
  });

  it("keeps a key that every object inherits", () => {
    const { tree } = look(over('metadata: { "__proto__": 1, constructor: 2 }'));
    expect(JSON.stringify(tree.workloads[0]?.metadata)).toBe(
      '{"name":"shop","__proto__":1,"constructor":2}',
    );
  });

  it("is read as older specs are, after it was merged", () => {
    const { tree } = look(over("resources: { db: { properties: { size: large } } }"));
    expect(paramsOf(tree)).toEqual({ size: "large", region: "eu" });
    expect(found(tree)).toEqual(["environments/production/shop.yaml:1:20 score/older-field"]);
  });

  it("merges several files in the order of their paths, and their documents from top to bottom", () => {
    const size = (value: number, name = "") =>
      `${name}\nresources: { db: { params: { size: ${value}, "${value}": true } } }\n`;
    const { tree } = look({
      "environments/production/b/shop.yaml": `${size(2)}---\n${size(3)}`,
      "environments/production/a.yaml": size(1, "metadata: { name: shop }"),
      [path]: spec,
    });
    expect(paramsOf(tree)).toEqual({ 1: true, 2: true, 3: true, size: 3, region: "eu" });
  });
});

describe("which workload an override is for", () => {
  const large = "resources: { db: { params: { size: large } } }\n";

  test.each([
    ["anything.yaml", `metadata: { name: shop }\n${large}`],
    ["other.score.yaml", `apiVersion: score.dev/v1b1\nmetadata: { name: shop }\n${large}`],
    ["shop.yaml", large],
    ["shop.yml", large],
    ["shop.score.yaml", large],
    ["apps/shop/score.yaml", large],
    ["deep/er/shop.yaml", large],
  ])("%s is for the shop", (name, text) => {
    const { tree } = look(over(text, name));
    expect(found(tree)).toEqual([]);
    expect(paramsOf(tree)).toEqual({ size: "large", region: "eu" });
    expect(tree.workloads).toHaveLength(1);
    expect([...tree.specFiles]).toEqual([path]);
    // Law 1: a workload's file is its spec's, whatever an override says.
    expect(tree.workloads[0]?.document.file).toBe(path);
  });

  it("stays with the workload that moves to another file", () => {
    const { tree } = look({
      ...over(large),
      [path]: "# empty",
      "moved/shop.score.yaml": spec,
    });
    expect(paramsOf(tree)).toEqual({ size: "large", region: "eu" });
  });

  it("is a warning where there is no such workload", () => {
    const { tree } = look(over("metadata: { name: shopp }", "x.yaml"));
    expect(found(tree)).toEqual([
      "environments/production/x.yaml:1:13 repository/unmatched-override",
    ]);
    expect(tree.unreadable).toEqual([]);
  });

  it("is not told while a spec that may be it cannot be read", () => {
    const { tree } = look({ ...over("resources: {}"), [path]: "a: [" });
    expect(found(tree).filter((it) => it.startsWith("environments"))).toEqual([]);
  });

  it("may be empty", () => {
    expect(found(look(over("# nothing yet\n---\n{}\n")).tree)).toEqual([]);
  });

  it("is never the settings' file, whatever the pattern covers", () => {
    const all = settings.replace("environments/production/**", "**");
    const { tree } = look({ ".innominatus.yaml": all, [path]: spec });
    expect(found(tree)).toEqual([`${path}:2:13 repository/unmatched-override`]);
  });

  it("takes nothing but YAML files", () => {
    const { tree } = look({ ...over("{}"), "environments/production/README.md": "a: [" });
    expect(found(tree)).toEqual([]);
  });
});

describe("law 1: what cannot be read holds the whole environment, and no other", () => {
  test.each([
    ["resources: [", "1:13 yaml/", "no YAML"],
    ["- a", "1:1 repository/override", "no mapping"],
    ["apiVersion: apps/v1\nkind: Deployment", "1:1 repository/override", "somebody else's"],
    ["metadata: { name: 7 }", "1:13 repository/override", "a name that is no text"],
  ])("%j", (text, problem) => {
    const { tree } = look(over(text));
    expect(tree.unreadable).toEqual(["environments/production/shop.yaml"]);
    expect(found(tree).join()).toContain(`environments/production/shop.yaml:${problem}`);
    // It may be for any of them: without it, a spec says something that nobody wants here.
    expect(tree.workloads).toEqual([]);
    expect([...tree.specFiles]).toEqual([path]);
    const elsewhere = look(over(text), "staging").tree;
    expect(elsewhere.unreadable).toEqual([]);
    expect(elsewhere.workloads).toHaveLength(1);
  });

  it("a link instead of a file", () => {
    const reader = createTreeReader({ layer: "repository", label: "" }, "default", "production");
    const entries = new Map([["environments/production/shop.yaml", { oid: "1", mode: "120000" }]]);
    const [given] = [
      readRepositorySettings(
        new Map([[".innominatus.yaml", { oid: "2", mode: "100644" }]]),
        new Map([[".innominatus.yaml", new TextEncoder().encode(settings)]]),
        defaultSettings,
      ),
    ];
    expect(reader.needed(entries, given.settings)).toEqual([]);
    const tree = reader.read(entries, new Map(), given, new Set());
    expect(tree.unreadable).toEqual(["environments/production/shop.yaml"]);
  });

  it("a spec that its override makes invalid", () => {
    const { tree } = look(over("resources: null"));
    expect(tree.workloads).toEqual([]);
    expect(tree.unreadable).toEqual([path]);
  });
});

describe("a problem of a merged spec stands where its part was written", () => {
  const file = "environments/production/shop.yaml";

  test.each([
    ["containers:\n  web:\n    image: 7", [`${file}:3:5 schema/invalid-type`]],
    ["resources:\n  db:\n    typo: 1", [`${file}:3:5 schema/unknown-field`]],
    ["containers:\n  side:\n    args: []", [`${file}:2:3 schema/missing-field`]],
    ["resources:\n  db:\n    type: null", [`${file}:3:5 schema/invalid-type`]],
    ["containers: {}\nresources: []", [`${file}:2:1 schema/invalid-type`]],
  ])("%j", (text, problems) => {
    expect(found(look(over(text)).tree)).toEqual(problems);
  });

  it("in the spec where the spec has it, or misses it", () => {
    const base = spec.replace("image: shop:1", "imago: shop:1");
    const { tree } = look({ ...over("containers: { web: { command: [x] } }"), [path]: base });
    expect(found(tree)).toEqual([
      `${path}:4:3 schema/missing-field`,
      `${path}:5:5 schema/unknown-field`,
    ]);
  });

  it("in the override that replaced a map, though the spec has more of it", () => {
    const base = spec.replace(
      "type: postgres",
      "type: postgres\n    metadata: { annotations: { a.b/c: 1 } }",
    );
    const { tree } = look({ ...over("resources:\n  db:\n    metadata: 7"), [path]: base });
    expect(found(tree)).toEqual([`${file}:3:5 schema/invalid-type`]);
  });

  it("in the last of the files that say it", () => {
    const { tree } = look({
      [path]: spec,
      "environments/production/1.yaml": "metadata: { name: shop }\nresources: 7",
      "environments/production/2.yaml":
        "metadata: { name: shop }\nresources:\n  cache:\n    type: 7",
    });
    expect(found(tree)).toEqual(["environments/production/2.yaml:4:5 schema/invalid-type"]);
  });
});

describe("the place of what is merged", () => {
  const [base, a, b] = [
    "x:\n  y: { p: 1 }\n  list: [{ k: 1 }]\n",
    "x:\n  y: 7\n  list: [{ l: 1 }]\n",
    "x:\n  y: { q: 2 }\n",
  ].flatMap((text, index) => parseFile(`${index}.yaml`, text).documents);
  if (base === undefined || a === undefined || b === undefined) throw new Error("no documents");

  test.each([
    [[], [a, b], "0.yaml:1"],
    [["x"], [a, b], "2.yaml:1"],
    [["x", "y"], [a], "1.yaml:2"],
    [["x", "y", "p"], [a], "1.yaml:2"],
    [["x", "y", "p"], [a, b], "2.yaml:2"],
    [["x", "y", "q"], [a, b], "2.yaml:2"],
    [["x", "y", "p"], [b], "0.yaml:2"],
    [["x", "y", "none"], [b], "0.yaml:2"],
    [["x", "list", 0, "l"], [a, b], "1.yaml:3"],
    [["x", "list", 0, "k"], [b], "0.yaml:3"],
  ])("%j of %#", (at, overrides, expected) => {
    const { file, line } = mergeDocuments(base, overrides).at(at);
    expect(`${file}:${line}`).toBe(expected);
  });
});

test("a conflict that an override makes blocks the workload that it is for", () => {
  const shared = (name: string, params = "") => `apiVersion: score.dev/v1b1
metadata: { name: ${name} }
containers: { web: { image: x } }
resources: { cache: { type: redis, id: shared${params} } }
`;
  const { tree } = look({
    "one.score.yaml": shared("one", ", params: { size: 1 }"),
    "two.score.yaml": shared("two"),
    "environments/production/two.yaml": "resources:\n  cache:\n    params: { size: 2 }",
  });
  const { catalog } = buildCatalog([simpleProvider("team", ["redis"], "repository")]);
  const desirer = createDesirer({ repository: "test", environment: "production" });
  const { blocked, problems } = desirer.desire(tree.workloads, catalog, () => undefined);
  expect(problems.map((it) => `${it.file}:${it.line} ${it.code}`)).toEqual([
    "environments/production/two.yaml:3 score/conflicting-params",
  ]);
  expect(blocked).toHaveLength(1);
  expect(blocked[0]?.message).toBe(problems[0]?.message);
});

describe("what an environment has of its own", () => {
  const files = {
    [path]: spec,
    "environments/production/shop.score.yaml": "resources: { db: { params: { size: large } } }",
    "environments/staging/shop.score.yaml": "resources: { db: { params: { size: medium } } }",
  };

  test.each([
    ["production", "large"],
    ["staging", "medium"],
    ["plain", "small"],
  ])("two environments on one branch differ: %s", (environment, size) => {
    const { tree } = look(files, environment);
    expect(found(tree)).toEqual([]);
    expect(paramsOf(tree)).toEqual({ size, region: "eu" });
    expect(tree.workloads).toHaveLength(1);
  });

  it("reads the override alone when only it changed, and nothing when nothing did", () => {
    const first = look(files);
    const [file] = Object.keys(files).slice(1);
    const changed = { ...files, [file ?? ""]: "resources: { db: { params: { size: huge } } }" };
    const second = look(changed, "production", first.reader);
    expect(second.needed).toEqual([file]);
    expect(paramsOf(second.tree)).toEqual({ size: "huge", region: "eu" });
    const third = look(changed, "production", second.reader);
    expect(third.needed).toEqual([]);
    expect(third.tree.workloads[0]).toBe(second.tree.workloads[0]);
    const last = look({ [path]: spec }, "production", third.reader);
    expect(last.needed).toEqual([]);
    expect(paramsOf(last.tree)).toEqual({ size: "small", region: "eu" });
  });
});

const json = fc.json().map((text) => z.json().parse(JSON.parse(text)));

test("merging nothing, or an empty map into a map, changes nothing", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), (base) => {
      expect(merge(base, {})).toEqual(base);
      expect(merge(base, undefined)).toBe(base);
      expect(merge({}, base)).toEqual(base);
      expect(merge(base, base)).toEqual(base);
    }),
  );
});

/** Maps at the letters, scalars at the digits: no map ever stands where another document has a scalar. */
const flat = fc.dictionary(fc.constantFrom("1", "2"), fc.constantFrom<Json>(1, 2, null, "x"));
const deepen = (inner: fc.Arbitrary<JsonRecord>): fc.Arbitrary<JsonRecord> =>
  fc
    .tuple(fc.dictionary(fc.constantFrom("a", "b", "__proto__"), inner), flat)
    .map(([deep, scalars]) => Object.fromEntries([...entries(deep), ...entries(scalars)]));
const entries = (record: JsonRecord) => Object.entries(record);
const maps = deepen(deepen(deepen(flat)));

test("merging maps is associative", () => {
  fc.assert(
    fc.property(maps, maps, maps, (a, b, c) => {
      expect(canonical(merge(merge(a, b), c))).toEqual(canonical(merge(a, merge(b, c))));
    }),
  );
});
