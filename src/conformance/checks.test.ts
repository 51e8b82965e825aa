import { expect, it, test } from "vitest";
import { z } from "zod";
import { runningClock } from "../../test/support/step.ts";
import { defineStep, PermanentError, type StepContext } from "../execute/step-type.ts";
import type { JsonRecord } from "../model/json.ts";
import { workflowOperations, type Workflow, type WorkflowOperation } from "../model/workflow.ts";
import { makeBundle } from "../provider/bundle.ts";
import type { Check } from "./check-list.ts";
import { checkResource } from "./checks.ts";
import { createScratchResource } from "./scratch-resource.ts";

/** What the provider's system holds: things with their sizes, by name. */
type World = Map<string, string>;

type Act = (world: World, context: StepContext) => JsonRecord;

const nameOf = ({ parameters }: StepContext): string => z.string().parse(parameters["unique_name"]);
const sizeOf = ({ parameters }: StepContext): string => z.string().parse(parameters["size"]);

const good: Readonly<Record<WorkflowOperation, Act>> = {
  create(world, context) {
    world.set(nameOf(context), sizeOf(context));
    return { host: "h", size: sizeOf(context) };
  },
  update(world, context) {
    if (!world.has(nameOf(context))) throw new PermanentError("there is no such thing");
    world.set(nameOf(context), sizeOf(context));
    return { size: sizeOf(context) };
  },
  delete(world, context) {
    world.delete(nameOf(context));
    return {};
  },
  observe: (world, context) => ({ exists: String(world.has(nameOf(context))) }),
};

const putOut: Readonly<Record<WorkflowOperation, readonly string[]>> = {
  create: ["host", "size"],
  update: ["size"],
  delete: [],
  observe: ["exists"],
};

interface Options {
  readonly retrySafe?: boolean;
  readonly retries?: number;
  readonly without?: WorkflowOperation;
  /** Observe puts out nothing. */
  readonly silent?: boolean;
  readonly more?: { readonly [output: string]: { template: string; sensitive: boolean } };
}

async function checkActs(
  acts: Partial<Record<WorkflowOperation, Act>>,
  { retrySafe = true, retries = 0, without, silent = false, more = {} }: Options = {},
): Promise<{ checks: readonly Check[]; world: World; performed: number }> {
  const world: World = new Map();
  let performed = 0;
  const executor = defineStep({
    type: "act",
    schema: z.strictObject({ operation: z.enum(workflowOperations) }),
    contexts: {},
    run: async ({ operation }, context) => {
      performed += 1;
      const outputs = (acts[operation] ?? good[operation])(world, context);
      return { outputs, sensitive: [] };
    },
  });
  const parameter = { required: false, description: "", sensitive: false, immutable: false };
  const workflow = (operation: WorkflowOperation): Workflow => ({
    name: operation,
    parameters: ["size", "host", "key"].map((name) => ({ ...parameter, name, type: "string" })),
    steps: ["first", "act"].map((name) => ({
      name,
      type: "act",
      config: { operation: name === "act" ? operation : "observe" },
      timeoutMs: 1_000,
      retries,
      retrySafe,
    })),
    outputs: {
      ...Object.fromEntries(
        (silent && operation === "observe" ? [] : putOut[operation]).map((it) => [
          it,
          { template: `{{ .steps.act.output.${it} }}`, sensitive: false },
        ]),
      ),
      ...(operation === "create" ? more : {}),
    },
  });
  const workflows = Object.fromEntries(
    workflowOperations.filter((it) => it !== without).map((it) => [it, workflow(it)]),
  );
  const head = { provider: "things", version: "1.0.0", source: "test", type: "thing" };
  const bundle = makeBundle({ ...head, stateful: false, workflows });
  const resource = createScratchResource(
    bundle,
    "default",
    { repository: "scratch", environment: "test" },
    {
      executors: new Map([["act", executor]]),
      clock: runningClock,
      random: () => 0.5,
      signal: new AbortController().signal,
    },
  );
  const params = { create: { size: "small" }, update: { size: "large" } };
  const checks = await checkResource(resource, bundle, params);
  return { checks, world, performed };
}

const failures = (checks: readonly Check[]) =>
  checks.flatMap(({ name, state, message }) => (state === "failed" ? [[name, message]] : []));

test("what may be repeated, killed and resumed passes every check, and leaves nothing behind", async () => {
  const { checks, world, performed } = await checkActs({});
  expect(checks.map((it) => [it.name, it.state])).toEqual(
    [
      "observe before create",
      "create",
      "observe after create",
      "create again",
      "update",
      "observe after update",
      "update again",
      "delete",
      "observe after delete",
      "delete again",
      "create, killed and resumed",
      "create, killed and deleted",
      "update, killed and resumed",
      "delete, killed and resumed",
    ].map((name) => [name, "passed"]),
  );
  expect([...world]).toEqual([]);
  expect(performed).toBeGreaterThan(100); // every journal write was a place to be killed at
});

let count = 0;
const seen = new Set<string>();

const bad: readonly [string, Partial<Record<WorkflowOperation, Act>>, readonly string[]][] = [
  [
    "a create that fails when the thing is there",
    {
      create(world, context) {
        if (world.has(nameOf(context))) throw new PermanentError("already there");
        return good.create(world, context);
      },
    },
    ["create again: create failed: step act: already there"],
  ],
  [
    "a create that puts out something else each time",
    { create: (world, context) => ({ ...good.create(world, context), host: `h${(count += 1)}` }) },
    ['create again: create put out other values when it ran again: host (first "h1", then "h2")'],
  ],
  [
    "a create that cannot go on where it was killed",
    {
      create(world, context) {
        if (seen.has(context.run)) throw new PermanentError("locked");
        seen.add(context.run);
        return good.create(world, context);
      },
    },
    [
      "create, killed and resumed: create was killed when its step act had done its work, before that was written down, and then went on: step act: locked",
    ],
  ],
  [
    "a create that fails when the killed one left something",
    {
      create(world, context) {
        const [known, key] = [world.get("run"), context.run];
        if (world.has(nameOf(context)) && known === key) throw new PermanentError("half made");
        world.set("run", key);
        return good.create(world, context);
      },
    },
    [
      "create, killed and resumed: create was killed when its step act had done its work, before that was written down, and then went on: step act: half made",
    ],
  ],
  [
    "a create that puts out something else when it goes on",
    {
      create: (world, context) => ({
        ...good.create(world, context),
        host: `h${context.attempt}`,
      }),
    },
    [
      'create, killed and resumed: create was killed when its step act had begun, and done nothing yet, and then put out other values: host (first "h1", then "h2")',
    ],
  ],
  [
    "a delete that fails when the thing is gone",
    {
      delete(world, context) {
        if (!world.delete(nameOf(context))) throw new PermanentError("not there");
        return {};
      },
    },
    ["delete again: delete failed: step act: not there"],
  ],
  [
    "a delete that needs outputs which a killed create never put out",
    {
      delete(world, context) {
        if (context.parameters["host"] === null) throw new PermanentError("where?");
        return good.delete(world, context);
      },
    },
    [
      "create, killed and deleted: create was killed when its step first had begun, and done nothing yet, and then was deleted: step act: where?",
    ],
  ],
  [
    "a delete that does nothing",
    { delete: () => ({}) },
    ['observe after delete: observe says that it exists (exists: "true")'],
  ],
  [
    "an update that works once",
    {
      update(world, context) {
        if (world.get(nameOf(context)) === sizeOf(context)) throw new PermanentError("no change");
        return good.update(world, context);
      },
    },
    ["update again: update failed: step act: no change"],
  ],
  [
    "an update that puts out something else when it goes on",
    {
      update: (world, context) => ({
        ...good.update(world, context),
        size: `${sizeOf(context)} ${context.attempt}`,
      }),
    },
    [
      'update, killed and resumed: update was killed when its step act had begun, and done nothing yet, and then put out other values: size (first "large 1", then "large 2")',
    ],
  ],
  [
    "an update that cannot go on with a change that it began",
    {
      update(world, context) {
        const begun = `changing in ${context.run}`;
        if (world.has(begun)) throw new PermanentError("half changed");
        if (world.get(nameOf(context)) !== sizeOf(context)) world.set(begun, "");
        return good.update(world, context);
      },
    },
    [
      "update, killed and resumed: update was killed when its step act had done its work, before that was written down, and then went on: step act: half changed",
    ],
  ],
  [
    "an update that loses the thing when it is killed",
    {
      update(world, context) {
        const again = `update ${context.run}`;
        const outputs = good.update(world, context);
        if (world.has(again)) world.delete(nameOf(context));
        world.set(again, "");
        return outputs;
      },
    },
    ['update, killed and resumed: observe says that it does not exist (exists: "false")'],
  ],
  [
    "a delete that leaves the thing when it is killed",
    {
      delete(world, context) {
        const again = `delete ${context.run}`;
        if (world.has(again)) world.set(nameOf(context), "");
        else good.delete(world, context);
        world.set(again, "");
        return {};
      },
    },
    ['delete, killed and resumed: observe says that it exists (exists: "true")'],
  ],
  [
    "an observe that always says yes",
    { observe: () => ({ exists: "true" }) },
    [
      'observe before create: observe says that it exists (exists: "true")',
      'observe after delete: observe says that it exists (exists: "true")',
    ],
  ],
  [
    "an observe that always says no",
    { observe: () => ({ exists: false }) },
    [
      "observe after create: observe says that it does not exist (exists: false)",
      "observe after update: observe says that it does not exist (exists: false)",
    ],
  ],
  [
    "an observe that fails",
    {
      observe() {
        throw new PermanentError("no answer");
      },
    },
    [
      "observe before create: observe failed: step first: no answer",
      "create: create failed: step first: no answer",
    ],
  ],
];

it.each(bad)("tells of %s", async (_, acts, expected) => {
  const { checks } = await checkActs(acts);
  expect(failures(checks).map((it) => it.join(": "))).toEqual(expected);
});

it("shows no value of a secret that changed", async () => {
  let made = 0;
  const { checks } = await checkActs(
    { create: (world, context) => ({ ...good.create(world, context), key: `k-${(made += 1)}` }) },
    { more: { key: { template: "{{ .steps.act.output.key }}", sensitive: true } } },
  );
  expect(failures(checks)).toEqual([
    ["create again", "create put out other values when it ran again: key (secret)"],
  ]);
});

it("tries a step again that failed, and takes its word then", async () => {
  const { checks } = await checkActs(
    {
      create(world, context) {
        if (context.attempt === 1) throw new Error("not yet");
        return good.create(world, context);
      },
    },
    { retries: 5 },
  );
  expect(failures(checks)).toEqual([]);
});

it("deletes what a create that failed left there", async () => {
  const { checks, world } = await checkActs({
    create(into, context) {
      good.create(into, context);
      throw new PermanentError("half made");
    },
  });
  expect(checks.map((it) => it.name)).toEqual(["observe before create", "create"]);
  expect([...world]).toEqual([]);
});

it("law 7: masks a recorded secret in what a later run says", async () => {
  const { checks } = await checkActs(
    {
      create: (world, context) => ({ ...good.create(world, context), key: "s3cr3t-key" }),
      delete(_, { parameters }) {
        throw new PermanentError(`refused ${JSON.stringify(parameters["key"])}`);
      },
    },
    { more: { key: { template: "{{ .steps.act.output.key }}", sensitive: true } } },
  );
  expect(failures(checks)).toEqual([["delete", 'delete failed: step act: refused "***"']]);
});

it("takes a step that stalls after a kill for what its author asked for", async () => {
  const { checks } = await checkActs({}, { retrySafe: false });
  expect(failures(checks)).toEqual([]);
});

it("says why a check was not made", async () => {
  const noObserve = await checkActs({}, { without: "observe" });
  expect(noObserve.checks.filter((it) => it.state === "skipped")).toMatchObject([
    { name: "observe before create", message: "there is no observe workflow" },
    { name: "observe after create" },
    { name: "observe after update" },
    { name: "observe after delete" },
  ]);
  const noUpdate = await checkActs({}, { without: "update" });
  expect(noUpdate.checks.filter((it) => it.state === "skipped").map((it) => it.name)).toEqual([
    "update",
    "update again",
    "observe after update",
    "update, killed and resumed",
  ]);
});

it("asks an observe workflow for the output `exists`", async () => {
  const { checks } = await checkActs({}, { silent: true });
  const message = "observe has no output `exists`, which says whether the resource is there";
  expect(failures(checks)[0]).toEqual(["observe before create", message]);
});
