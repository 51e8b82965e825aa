import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { readFolder } from "../../test/support/provider-files.ts";
import type { WorkflowOperation } from "../model/workflow.ts";
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
  expect(new Set(used)).toEqual(new Set(["size", "unique_name"]));
});

/** What the script of a mock's only `policy` step says. */
function perform(
  operation: WorkflowOperation,
  parameters: Readonly<Record<string, string>>,
  during: string = operation,
): unknown {
  const step = bundleOf("postgres-mock").workflows[operation]?.steps.find(
    (it) => it.type === "policy",
  );
  const env = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [`PARAM_${name}`, value]),
  );
  const { stdout, status } = spawnSync("bash", ["-c", z.string().parse(step?.config["script"])], {
    env: { PATH: process.env["PATH"], INNOMINATUS_OPERATION: during, ...env },
    encoding: "utf8",
  });
  expect(status).toBe(0);
  return stdout === "" ? undefined : JSON.parse(stdout);
}

test("the mock's scripts need nothing but their parameters", () => {
  const parameters = { UNIQUE_NAME: "shop_db", SIZE: "small" };
  const address = { host: "postgres.mock.local", port: 5432 };
  expect(perform("create", parameters)).toEqual({ ...address, name: "shop_db" });
  expect(perform("update", parameters)).toEqual(address);
  expect(perform("delete", parameters)).toBeUndefined();
});

test.each([
  [{}, "create", "false"],
  [{ DATABASE_NAME: "shop_db" }, "update", "true"],
  [{ DATABASE_NAME: "shop_db" }, "delete", "false"],
])("the mock is observed by what was recorded: %j, in a %s", (recorded, during, exists) => {
  expect(perform("observe", recorded, during)).toEqual({ exists });
});

const scoreSchema = z.record(z.string(), z.json());
const exampleSchema = z.object({
  resources: z.object({ db: z.object({ type: z.string(), class: z.string().default("default") }) }),
});

test.each(["shop", "blog"])(
  "the example's %s is valid Score, and its database is served",
  (app) => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      scoreSchema.parse(JSON.parse(readFileSync("test/corpus/score/score-v1b1.json", "utf8"))),
    );
    const score: unknown = parse(readFileSync(`gitops-example/apps/${app}/score.yaml`, "utf8"));
    validate(score);
    expect(validate.errors).toBeNull();
    const { type, class: resourceClass } = exampleSchema.parse(score).resources.db;
    expect(bundleOf(type, resourceClass).provider).toBe("database-team");
  },
);
