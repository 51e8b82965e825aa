import { describe, expect, it, test } from "vitest";
import {
  readFolder,
  readFiles,
  simpleProvider,
  policyWorkflow,
} from "../../test/support/provider-files.ts";
import { buildCatalog } from "./catalog.ts";
import type { Provider } from "./provider.ts";
import { resolve } from "./resolve.ts";

const catalogOf = (...providers: Provider[]) => buildCatalog(providers).catalog;
const everyKey = () => {
  const { provider } = readFolder("test/corpus/providers", "every-key/provider.yaml");
  if (provider === undefined) throw new Error("the corpus has no provider");
  return provider;
};

/** Capabilities by hand: what the manifest says, with one workflow for all operations. */
const provider = (
  name: string,
  layer: "shipped" | "configured" | "repository",
  capabilities: string,
): Provider => {
  const manifest = `apiVersion: v1
kind: Provider
metadata: { name: ${name}, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities: ${capabilities}
workflows: [{ name: a, file: a.yaml }, { name: b, file: a.yaml }, { name: bad, file: bad.yaml }, { name: k8s, file: k8s.yaml }]
`;
  const files = {
    "p/provider.yaml": manifest,
    "p/a.yaml": policyWorkflow(),
    "p/bad.yaml": "kind: Workflow",
    "p/k8s.yaml": policyWorkflow().replace("policy", "ansible"),
  };
  const result = readFiles(files, "p/provider.yaml", layer).provider;
  if (result === undefined) throw new Error(manifest);
  return result;
};

describe("the workflow of an operation", () => {
  const tagged = provider(
    "team",
    "shipped",
    `[{ type: db, operations: {
        create: { workflows: [{ name: a, tags: [x] }, { name: b, tags: [y, z] }], default: a },
        update: { workflows: [{ name: b }, { name: a, tags: [z] }] },
        delete: { workflow: a } } }]`,
  );
  it.each([
    ["x", "a", "b", "a"],
    ["y", "b", "b", "a"],
    ["z", "b", "a", "a"],
    ["default", "a", "b", "a"],
    ["other", "a", "b", "a"],
  ])("of class %s", (resourceClass, create, update, remove) => {
    const resolution = resolve(catalogOf(tagged), "db", resourceClass);
    expect(resolution).toMatchObject({
      ok: true,
      bundle: {
        workflows: { create: { name: create }, update: { name: update }, delete: { name: remove } },
      },
    });
  });

  it("law 12: is explained", () => {
    const explained = (resourceClass: string) => {
      const resolution = resolve(catalogOf(tagged), "db", resourceClass);
      return resolution.ok ? resolution.explanation : [];
    };
    expect(explained("z")).toEqual([
      "db: served by team@1.0.0 (shipped: test, p/provider.yaml)",
      'create: workflow b, which has the tag "z"',
      'update: workflow a, which has the tag "z"',
      "delete: workflow a, the default",
      "observe: there is no workflow",
    ]);
    expect(explained("other")[1]).toBe('create: workflow a, the default: none has the tag "other"');
  });
});

test("a higher layer takes a type over, and is said to", () => {
  const layered = [
    simpleProvider("shop", ["db"], "repository"),
    simpleProvider("base", ["db", "cache"], "shipped"),
    simpleProvider("extra", ["db"], "configured"),
  ];
  const { catalog, problems } = buildCatalog(layered);
  expect(problems).toEqual([]);
  const resolution = resolve(catalog, "db", "default");
  expect(resolution).toMatchObject({
    ok: true,
    bundle: { provider: "shop", source: "repository: test" },
  });
  expect(resolution.ok && resolution.explanation[0]).toMatch(/takes it over from extra@1.0.0/);
  expect(resolve(catalog, "cache", "default")).toMatchObject({
    ok: true,
    bundle: { provider: "base" },
  });
});

test("two claims in one layer are a mistake that names both, and serve nobody", () => {
  const { catalog, problems } = buildCatalog([
    simpleProvider("one", ["db", "one"], "repository"),
    simpleProvider("two", ["db"], "repository"),
    simpleProvider("base", ["db"], "shipped"),
  ]);
  expect(problems).toMatchObject([
    { code: "provider/type-conflict", file: "two/provider.yaml", line: 6 },
  ]);
  expect(problems[0]?.message).toMatch(/one@1.0.0.*two@1.0.0/);
  expect(resolve(catalog, "db", "default")).toMatchObject({
    ok: false,
    code: "provider/type-conflict",
  });
  expect(resolve(catalog, "one", "default").ok).toBe(true);
});

test("two providers of one name in one layer are a mistake", () => {
  const twice = [simpleProvider("one", ["a"], "shipped"), simpleProvider("one", ["b"], "shipped")];
  expect(buildCatalog(twice).problems.map((it) => it.code)).toEqual(["provider/duplicate-name"]);
  const layered = [
    simpleProvider("one", ["a"], "shipped"),
    simpleProvider("one", ["a"], "repository"),
  ];
  expect(buildCatalog(layered).problems).toEqual([]);
});

describe("an alias", () => {
  it("leads to the type it names, across providers", () => {
    const alias = provider(
      "aliases",
      "repository",
      "[{ type: sql, aliasFor: database }, { type: database, aliasFor: db }]",
    );
    const catalog = catalogOf(alias, simpleProvider("base", ["db"], "shipped"));
    const resolution = resolve(catalog, "sql", "default");
    expect(resolution).toMatchObject({ ok: true, bundle: { type: "db", provider: "base" } });
    expect(resolution.ok && resolution.explanation).toContain("sql is an alias for database");
  });

  it.each([
    [
      "a circle",
      "[{ type: a, aliasFor: b }, { type: b, aliasFor: a }]",
      ["provider/alias-cycle", "provider/alias-cycle"],
      "provider/alias-cycle",
    ],
    ["itself", "[{ type: a, aliasFor: a }]", ["provider/alias-cycle"], "provider/alias-cycle"],
    [
      "towards a circle",
      "[{ type: a, aliasFor: b }, { type: b, aliasFor: b }]",
      ["provider/alias-cycle"],
      "provider/alias-cycle",
    ],
    [
      "for nothing",
      "[{ type: a, aliasFor: nope }]",
      ["provider/unknown-alias"],
      "provider/unknown-type",
    ],
  ])("%s is a mistake", (_, capabilities, codes, code) => {
    const { catalog, problems } = buildCatalog([provider("p", "shipped", capabilities)]);
    expect(problems.map((it) => it.code)).toEqual(codes);
    expect(resolve(catalog, "a", "default")).toMatchObject({ ok: false, code });
  });
});

test("a type whose workflow has mistakes is not handed to a lower layer", () => {
  const broken = provider(
    "shop",
    "repository",
    "[{ type: db, operations: { create: { workflow: bad }, delete: { workflow: a } } }]",
  );
  const catalog = catalogOf(broken, simpleProvider("base", ["db"], "shipped"));
  const resolution = resolve(catalog, "db", "default");
  expect(resolution).toMatchObject({ ok: false, code: "provider/broken-capability" });
  expect(!resolution.ok && resolution.message).toMatch(/workflow "bad" has mistakes/);
});

test("nor is one whose manifest has mistakes", () => {
  const manifest =
    "kind: Provider\nmetadata: { name: shop }\ncapabilities: { resourceTypes: [db] }\n";
  const { provider: shop } = readFiles({ "p/provider.yaml": manifest }, "p/provider.yaml");
  const base = simpleProvider("base", ["db"], "shipped");
  const catalog = catalogOf(base, ...(shop === undefined ? [] : [shop]));
  expect(resolve(catalog, "db", "default")).toMatchObject({
    ok: false,
    code: "provider/broken-capability",
  });
});

test("a workflow with a step that this build does not perform is refused, naming it", () => {
  const future = provider(
    "k",
    "shipped",
    "[{ type: db, operations: { create: { workflow: a }, delete: { workflow: k8s } } }]",
  );
  const resolution = resolve(catalogOf(future), "db", "default");
  expect(resolution).toMatchObject({ ok: false, code: "provider/unsupported-step" });
  expect(!resolution.ok && resolution.message).toMatch(/delete.*"ansible"/);
});

test("an unknown type lists the known ones, or the one that was meant", () => {
  const catalog = catalogOf(simpleProvider("base", ["postgres", "redis"], "shipped"));
  expect(resolve(catalog, "postgers", "default")).toMatchObject({
    ok: false,
    code: "provider/unknown-type",
    hint: "did you mean `postgres`?",
  });
  expect(resolve(catalog, "kafka", "default")).toMatchObject({
    hint: "use one of: postgres, redis",
  });
  expect(resolve(catalogOf(), "kafka", "default")).toMatchObject({
    hint: "there are no providers",
  });
});

test("the same question has the same answer, made once", () => {
  const catalog = catalogOf(everyKey(), simpleProvider("base", ["db"], "shipped"));
  expect(resolve(catalog, "db", "x")).toBe(resolve(catalog, "db", "x"));
  expect(resolve(catalog, "db", "x")).not.toBe(resolve(catalog, "db", "y"));
});

test("the order in which providers are given changes nothing", () => {
  const providers = [
    simpleProvider("one", ["db"], "repository"),
    simpleProvider("two", ["db", "x"], "repository"),
    simpleProvider("base", ["db", "x"], "shipped"),
  ];
  const forwards = buildCatalog(providers);
  const backwards = buildCatalog(providers.toReversed());
  expect(backwards.problems).toEqual(forwards.problems);
  for (const type of ["db", "x"]) {
    expect(resolve(backwards.catalog, type, "default")).toEqual(
      resolve(forwards.catalog, type, "default"),
    );
  }
});

test("where the environment has a cluster, the workflow that needs one is the default; a tag comes first", () => {
  const some = provider(
    "k",
    "shipped",
    `[{ type: db, operations: {
      create: { default: a, inCluster: b, workflows: [{ name: a, tags: [plain] }] },
      delete: { workflow: a } } }]`,
  );
  const within = buildCatalog([some], { inCluster: true }).catalog;
  const chosen = (catalog: typeof within, resourceClass: string) => {
    const resolution = resolve(catalog, "db", resourceClass);
    return resolution.ok
      ? [resolution.bundle.workflows.create?.name, resolution.explanation[1]]
      : [resolution.message];
  };
  const word = "create: workflow b, the default where the environment has a cluster";
  expect(chosen(within, "default")).toEqual(["b", word]);
  expect(chosen(within, "plain")[0]).toBe("a");
  expect(chosen(catalogOf(some), "default")[0]).toBe("a");
});
