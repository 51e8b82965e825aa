import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { readFolder } from "../../test/support/provider-files.ts";
import { buildCatalog } from "./catalog.ts";
import { resolve } from "./resolve.ts";

const { provider } = readFolder("providers", "database-team/provider.yaml", "shipped");
const catalog = buildCatalog(provider === undefined ? [] : [provider]).catalog;
const bundleOf = (type: string, resourceClass = "default") => {
  const resolution = resolve(catalog, type, resourceClass);
  if (!resolution.ok) throw new Error(resolution.message);
  return resolution.bundle;
};

const outputs = [
  "connection",
  "connection_string",
  "database",
  "database_name",
  "host",
  "name",
  "password",
  "port",
  "username",
];

describe.each(["postgres", "postgres-mock"])("%s", (type) => {
  const { workflows } = bundleOf(type);

  it("gives what the Score community and upstream call a database's outputs", () => {
    const given = workflows.create?.outputs ?? {};
    expect(Object.keys(given).toSorted()).toEqual(outputs);
    const secret = Object.keys(given).filter((it) => given[it]?.sensitive);
    expect(secret.toSorted()).toEqual(["connection", "connection_string", "password"]);
  });

  it("can be created, updated, deleted and observed", () => {
    expect(Object.keys(workflows).toSorted()).toEqual(["create", "delete", "observe", "update"]);
    expect(Object.keys(workflows.observe?.outputs ?? {})).toEqual(["exists"]);
  });
});

test("the shared database is stateful, the mock is not", () => {
  expect(bundleOf("postgres").stateful).toBe(true);
  expect(bundleOf("postgres-mock").stateful).toBe(false);
});

test("the class shared, the default one and the alias are the same database", () => {
  const shared = bundleOf("postgres", "shared");
  expect(bundleOf("postgres").hash).toBe(shared.hash);
  expect(bundleOf("postgresql", "shared").hash).toBe(shared.hash);
});

test("no name in a statement comes from anything that a spec can give", () => {
  const used = Object.values(bundleOf("postgres").workflows).flatMap((it) =>
    [...JSON.stringify(it).matchAll(/\.parameters\.(\w+)/g)].map(([, name]) => name),
  );
  expect([...new Set(used)].toSorted()).toEqual(["size", "unique_name"]);
});

test("the example's apps ask for types that are served", () => {
  const asked = ["shop", "blog"].map((app): [string, string] => {
    const score: { resources: { db: { type: string; class?: string } } } = parse(
      readFileSync(`gitops-example/apps/${app}/score.yaml`, "utf8"),
    );
    return [score.resources.db.type, score.resources.db.class ?? "default"];
  });
  expect(asked.map((it) => bundleOf(...it).provider)).toEqual(["database-team", "database-team"]);
});
