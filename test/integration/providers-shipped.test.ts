/** Every provider we ship, through runs as the worker performs them, with real executors. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { createDesirer } from "../../src/desired/resources.ts";
import { parseSpecFile, readSpecFile } from "../../src/desired/spec-file.ts";
import type { Journal, JournalEntry } from "../../src/execute/journal.ts";
import { createExecutors } from "../../src/execute/registry.ts";
import type { StepExecutor } from "../../src/execute/step-type.ts";
import { performRun } from "../../src/execute/steps.ts";
import type { JsonRecord } from "../../src/model/json.ts";
import { isError } from "../../src/model/problem.ts";
import type { Bundle, WorkflowOperation } from "../../src/model/workflow.ts";
import { buildCatalog } from "../../src/provider/catalog.ts";
import { engineInputs } from "../../src/provider/engine-inputs.ts";
import { bindParameters } from "../../src/provider/parameters.ts";
import { resolve } from "../../src/provider/resolve.ts";
import { createMasker } from "../../src/secrets/mask.ts";
import { readFolder } from "../support/provider-files.ts";
import { runningClock } from "../support/step.ts";

const folders = (await readdir("providers")).toSorted();
const shipped = folders.map((it) => readFolder("providers", `${it}/provider.yaml`, "shipped"));
const providers = shipped.flatMap((it) => it.provider ?? []);
const { catalog, problems: conflicts } = buildCatalog(providers);

const bundleOf = (type: string, resourceClass = "default"): Bundle => {
  const resolution = resolve(catalog, type, resourceClass);
  if (!resolution.ok) throw new Error(resolution.message);
  return resolution.bundle;
};

const described = z.object({
  capabilities: z.object({
    resourceTypeCapabilities: z.array(
      z.object({ description: z.string().optional(), aliasFor: z.string().optional() }),
    ),
  }),
});

describe("what we ship", () => {
  test.each(folders.map((folder, index) => ({ folder, read: shipped[index] })))(
    "$folder loads without a problem, and leaves no file unused",
    async ({ folder, read }) => {
      expect(read?.problems).toEqual([]);
      const manifest = await readFile(join("providers", folder, "provider.yaml"), "utf8");
      const files = await readdir(join("providers", folder, "workflows"));
      expect(files.filter((it) => !manifest.includes(`/${it}`))).toEqual([]);
      expect([...(read?.provider?.workflows.keys() ?? [])].toSorted()).toEqual(
        files.map((it) => basename(it, ".yaml")).toSorted(),
      );
      expect(await readFile(join("providers", folder, "README.md"), "utf8")).toContain(folder);
    },
  );

  it("claims no type twice", () => expect(conflicts).toEqual([]));

  it.each(folders.filter((it) => it !== "database-team"))(
    "says of every type of %s what it gives, or what it stands for",
    async (folder) => {
      const text = await readFile(join("providers", folder, "provider.yaml"), "utf8");
      const { capabilities } = described.parse(parse(text));
      const silent = capabilities.resourceTypeCapabilities.filter(
        (it) => it.description === undefined && it.aliasFor === undefined,
      );
      expect(silent).toEqual([]);
    },
  );
});

/** The Score community's provisioners' outputs by type; a route has none there. */
const score: Readonly<Record<string, readonly string[]>> = {
  amqp: ["host", "port", "vhost", "username", "password"],
  dns: ["host", "url"],
  environment: [],
  postgres: ["host", "port", "name", "database", "username", "password"],
  redis: ["host", "port", "username", "password"],
  route: [],
  s3: [
    "bucket",
    "endpoint",
    "region",
    "access_key_id",
    "secret_key",
    "aws_access_key_id",
    "aws_secret_key",
  ],
  service: ["name"],
  volume: ["type", "source"],
};

test.each(Object.entries(score))("%s has the outputs that Score's tools give", (type, names) => {
  const given = Object.keys(bundleOf(type).workflows.create?.outputs ?? {});
  expect(given).toEqual(expect.arrayContaining([...names]));
});

interface Case {
  readonly type: string;
  readonly params: JsonRecord;
  /** What is changed later, in place. */
  readonly changed: JsonRecord;
  readonly outputs: JsonRecord;
  /** Outputs that are secret: what they look like. */
  readonly secrets: Readonly<Record<string, RegExp>>;
  /** What the change makes of them. */
  readonly after: JsonRecord;
}

/** In outputs as they are compared: the digest at the end of a unique name is left out. */
const unique = "shop_it_test_…";
const named = "shop-it-test-…";
const withoutDigest = (record: JsonRecord): JsonRecord => {
  const text = JSON.stringify(record).replaceAll(/(?<=shop.it.test.)[0-9a-f]{10}/g, "…");
  return jsonRecord.parse(JSON.parse(text));
};
const jsonRecord = z.record(z.string(), z.json());
const user = "shop_it_test_[0-9a-f]{10}";
const alphanumeric = (length: number) => `[A-Za-z0-9]{${length}}`;
const whole = (pattern: string) => new RegExp(`^${pattern}$`);
const broker = `amqp://${user}:${alphanumeric(32)}@amqp\\.mock\\.local:5672/${user}`;
const cache = `redis://default:${alphanumeric(32)}@redis\\.mock\\.local:6379/0`;
const keyId = "MOCK[A-Z2-7]{16}";

const cases: readonly Case[] = [
  {
    type: "redis",
    params: {},
    changed: { size: "large" },
    outputs: {
      name: unique,
      host: "redis.mock.local",
      port: 6379,
      username: "default",
    },
    secrets: {
      password: whole(alphanumeric(32)),
      connection: whole(cache),
      connection_string: whole(cache),
    },
    after: {},
  },
  {
    type: "amqp",
    params: { size: "medium" },
    changed: {},
    outputs: {
      name: unique,
      host: "amqp.mock.local",
      port: 5672,
      vhost: unique,
      username: unique,
    },
    secrets: {
      password: whole(alphanumeric(32)),
      connection: whole(broker),
      connection_string: whole(broker),
    },
    after: {},
  },
  {
    type: "s3",
    params: { region: "us-west-2" },
    changed: { region: "us-west-2" },
    outputs: {
      name: named,
      bucket: named,
      bucket_name: named,
      endpoint: "http://s3.mock.local",
      region: "us-west-2",
    },
    secrets: {
      access_key: whole(keyId),
      access_key_id: whole(keyId),
      aws_access_key_id: whole(keyId),
      secret_key: whole(alphanumeric(40)),
      aws_secret_key: whole(alphanumeric(40)),
    },
    after: {},
  },
  {
    type: "volume",
    params: {},
    changed: { size: "20Gi" },
    outputs: { name: named, source: named, type: "volume", size: "1Gi" },
    secrets: {},
    after: { size: "20Gi" },
  },
  {
    type: "password",
    params: { length: 20, alphabet: "hex" },
    changed: { length: 20, alphabet: "hex" },
    outputs: {},
    secrets: { password: /^[0-9a-f]{20}$/ },
    after: {},
  },
  {
    type: "access-key",
    params: {},
    changed: {},
    outputs: { access_key_id: unique },
    secrets: { secret_key: whole(alphanumeric(40)) },
    after: {},
  },
  {
    type: "dns",
    params: {},
    changed: { domain: "example.com" },
    outputs: {
      name: `${named}.mock.local`,
      host: `${named}.mock.local`,
      url: `http://${named}.mock.local`,
    },
    secrets: {},
    after: {
      name: `${named}.example.com`,
      host: `${named}.example.com`,
      url: `http://${named}.example.com`,
    },
  },
  {
    type: "route",
    params: { host: "shop.example.com", port: 8080 },
    changed: { host: "shop.example.com", port: "http", path: "/a'b$(c)`d`\"e" },
    outputs: {
      name: unique,
      host: "shop.example.com",
      path: "/",
      url: "http://shop.example.com/",
    },
    secrets: {},
    after: { path: "/a'b$(c)`d`\"e", url: "http://shop.example.com/a'b$(c)`d`\"e" },
  },
  {
    type: "environment",
    params: { values: { LEVEL: "info", limits: { cpu: 2 } } },
    changed: {},
    outputs: { name: "test", LEVEL: "info", limits: { cpu: 2 } },
    secrets: {},
    after: { name: "test" },
  },
  {
    type: "service",
    params: {},
    changed: { workload: "backend", port: 8181 },
    outputs: { name: "it", host: "it", port: "80", url: "http://it:80" },
    secrets: {},
    after: { name: "backend", host: "backend", port: "8181", url: "http://backend:8181" },
  },
  {
    type: "postgres-mock",
    params: {},
    changed: { size: "large" },
    outputs: {
      host: "postgres.mock.local",
      port: 5432,
      database_name: unique,
      database: unique,
      name: unique,
      username: unique,
    },
    secrets: {
      password: whole(alphanumeric(32)),
      connection: /^postgresql:/,
      connection_string: /^postgresql:/,
    },
    after: {},
  },
];

test("every type that needs no server of its own has a case", () => {
  const types = providers.flatMap((it) => it.capabilities.map(({ type }) => type));
  const served = new Set(types.map((it) => bundleOf(it).hash));
  served.delete(bundleOf("postgres").hash);
  expect(new Set(cases.map(({ type }) => bundleOf(type).hash))).toEqual(served);
});

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "innominatus-providers-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** One resource from its creation to its end, with the memory that the store has of it. */
function resourceOf(type: string) {
  const remembered = new Map<string, string>();
  const executors: ReadonlyMap<string, StepExecutor> = createExecutors({
    clock: runningClock,
    random: () => 0.5,
    scratch,
    path: "/usr/bin:/bin",
    randomBytes: (size) => randomBytes(size),
    secretMemory: {
      get: async (key) => remembered.get(key),
      put: async (key, value) => void remembered.set(key, remembered.get(key) ?? value),
    },
    connections: {},
    fetch,
  });
  const bundle = bundleOf(type);
  const scope = { repository: "origin", environment: "test" };
  const identity = {
    uid: `${type}.default#shop.it`,
    workload: "shop",
    identity: "shop",
    name: "it",
    type,
    class: "default",
  } as const;
  let runs = 0;
  let recorded: JsonRecord = {};

  /** @param during the run that it is part of: a deletion is proven by observing */
  const perform = async (
    operation: WorkflowOperation,
    params: JsonRecord = {},
    during: "create" | "update" | "delete" = operation === "observe" ? "update" : operation,
  ) => {
    const workflow = bundle.workflows[operation];
    if (workflow === undefined) throw new Error(`${type} has no ${operation} workflow`);
    const engine = engineInputs({ ...identity, ...scope });
    const bound = bindParameters(workflow, { engine, params, outputs: recorded });
    expect(bound.faults).toEqual([]);
    const masker = createMasker();
    const result = await performRun(
      {
        scope,
        run: `run-${(runs += 1)}`,
        uid: identity.uid,
        provider: bundle.provider,
        operation: during,
        steps: workflow.steps,
        outputs: workflow.outputs,
        parameters: bound.values,
        environment: {
          APP_NAME: "shop",
          RESOURCE_NAME: "it",
          RESOURCE_TYPE: type,
          INNOMINATUS_OPERATION: during,
        },
        masker,
        now: "2026-01-01T00:00:00Z",
      },
      executors,
      journalInMemory(),
      { clock: runningClock, random: () => 0.5 },
      new AbortController().signal,
    );
    if (operation === "create") recorded = result.outputs;
    if (operation === "update") recorded = { ...recorded, ...result.outputs };
    return result;
  };
  return { perform, bundle, recorded: () => recorded };
}

function journalInMemory(): Journal {
  const entries = new Map<string, JournalEntry>();
  const nothing = async (): Promise<void> => undefined;
  return {
    read: async () => entries,
    start: nothing,
    wait: nothing,
    end: nothing,
    skip: nothing,
    fail: async (step, error) => {
      throw new Error(`${step}: ${error}`);
    },
    note: nothing,
    log: nothing,
  };
}

describe.each(cases)("$type", ({ type, params, changed, outputs, secrets, after }) => {
  it("is created, created again, observed, changed, deleted, and deleted again", async () => {
    const { perform, bundle, recorded } = resourceOf(type);
    const observable = bundle.workflows.observe !== undefined;
    const exists = async (during: "update" | "delete") =>
      observable ? (await perform("observe", {}, during)).outputs["exists"] : undefined;
    const [there, absent] = observable ? ["true", "false"] : [];

    const created = await perform("create", params);
    const shown = Object.entries(created.outputs).filter(([it]) => !created.sensitive.includes(it));
    expect(withoutDigest(Object.fromEntries(shown))).toEqual(outputs);
    expect(created.sensitive).toEqual(Object.keys(secrets).toSorted());
    for (const [name, pattern] of Object.entries(secrets)) {
      expect(created.outputs[name]).toMatch(pattern);
    }
    expect(await perform("create", params)).toEqual(created);
    expect(await exists("update")).toBe(there);

    await perform("update", changed);
    expect(withoutDigest(recorded())).toEqual({ ...withoutDigest(created.outputs), ...after });

    // As the worker does: what is recorded stays until the deletion is proven.
    await perform("delete", changed);
    expect(await exists("delete")).toBe(absent);
    await perform("delete", changed);
    expect(await exists("delete")).toBe(absent);
  });
});

test.each(cases.filter((it) => Object.keys(it.secrets).length > 0))(
  "no two resources of type $type have a secret in common",
  async ({ type, params, secrets }) => {
    const [one, another] = [resourceOf(type), resourceOf(type)];
    const [a, b] = [await one.perform("create", params), await another.perform("create", params)];
    for (const name of Object.keys(secrets)) expect(a.outputs[name]).not.toEqual(b.outputs[name]);
  },
);

test.each(cases.filter((it) => bundleOf(it.type).workflows.observe !== undefined))(
  "a $type that was never made is observed as absent",
  async ({ type }) => {
    expect((await resourceOf(type).perform("observe")).outputs).toEqual({ exists: "false" });
  },
);

test.each([
  ["s3", ["region"]],
  ["password", ["length", "alphabet", "generation"]],
  ["access-key", ["generation"]],
  ["redis", []],
])("%s is made anew for a change of %j", (type, names) => {
  const immutable = bundleOf(type).workflows.create?.parameters.filter((it) => it.immutable);
  expect(immutable?.map((it) => it.name)).toEqual(names);
});

test("what data or users depend on waits before it is deleted", () => {
  const types = [...new Set(providers.flatMap((it) => it.capabilities.map(({ type }) => type)))];
  expect(types.filter((it) => bundleOf(it).stateful).toSorted()).toEqual([
    "access-key",
    "password",
    "postgres",
    "postgresql",
    "volume",
  ]);
});

test.each([
  ["password", { length: 7 }],
  ["password", { length: 129 }],
  ["password", { alphabet: "emoji" }],
  ["route", { host: "a b", port: 80 }],
  ["route", { host: "a" }],
  ["route", { host: "a", port: 80, path: "/a?b" }],
  ["volume", { size: "much" }],
  ["dns", { domain: "a..b" }],
  ["service", { port: 0 }],
  ["environment", { values: [] }],
])("%s refuses %j before anything runs", (type, params) => {
  const { create } = bundleOf(type).workflows;
  if (create === undefined) throw new Error(type);
  const engine = { resource_name: "it" };
  expect(bindParameters(create, { engine, params, outputs: {} }).faults).toHaveLength(1);
});

const corpus = "test/corpus/score/valid";
const served = new Set(Object.keys(score));
const specs = await Promise.all(
  (await readdir(corpus))
    .filter((it) => it.endsWith(".yaml"))
    .map(async (file) => {
      const value = await readFile(join(corpus, file), "utf8");
      return {
        file,
        ...readSpecFile(parseSpecFile(file, { ok: true, value, problems: [] }), "default"),
      };
    }),
);
const resolvable = specs.filter(({ workloads }) => {
  const asked = workloads.flatMap((it) => it.resources);
  return asked.length > 0 && asked.every((it) => served.has(it.type));
});

test("the corpus asks for every type", () => {
  const asked = resolvable.flatMap((it) => it.workloads.flatMap(({ resources }) => resources));
  expect(new Set(asked.map((it) => it.type))).toEqual(served);
  expect(resolvable.length).toBeGreaterThan(25);
});

test.each(resolvable)("$file of the corpus is served", ({ workloads }) => {
  const desirer = createDesirer({ repository: "origin", environment: "test" });
  const state = desirer.desire(workloads, catalog, () => undefined);
  expect(state.problems.filter(isError)).toEqual([]);
  expect(state.blocked).toEqual([]);
  const asked = workloads.flatMap((it) => it.resources);
  expect(state.desired).toHaveLength(asked.length);
});
