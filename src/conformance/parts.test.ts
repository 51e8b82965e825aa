/** The small parts that a trial is made of. */
import { expect, it, test } from "vitest";
import { runningClock } from "../../test/support/step.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Bundle, Parameter, Workflow, WorkflowStep } from "../model/workflow.ts";
import { makeBundle } from "../provider/bundle.ts";
import { killPoints } from "./kill-points.ts";
import { createKillableJournal, KilledError } from "./killable-journal.ts";
import { missingFor } from "./needs.ts";
import { sampleParameters } from "./sample-parameters.ts";

const step = (type: string, config: JsonRecord): WorkflowStep => ({
  name: "ask",
  type,
  config,
  timeoutMs: 1_000,
  retries: 0,
  retrySafe: true,
});

const parameter = (name: string, more: Partial<Parameter> = {}): Parameter => ({
  name,
  type: "string",
  required: false,
  description: "",
  sensitive: false,
  immutable: false,
  ...more,
});

const workflow = (more: Partial<Workflow>): Workflow => ({
  name: "it",
  parameters: [],
  steps: [],
  outputs: {},
  ...more,
});

const bundle = (workflows: Bundle["workflows"]): Bundle =>
  makeBundle({
    provider: "things",
    version: "1.0.0",
    source: "test",
    type: "thing",
    stateful: false,
    workflows,
  });

const needs: readonly [string, JsonRecord, RegExp | undefined][] = [
  ["sql", { connection: "orders" }, /needs the connection "orders"/],
  ["sql", { connection: "known" }, undefined],
  ["sql", { connection: "{{ .parameters.which }}" }, undefined],
  ["wait", { sql: { connection: "orders" } }, /needs the connection "orders"/],
  ["wait", { http: { url: "https://example.com" } }, /sends requests/],
  ["wait", { tcp: { host: "example.com", port: 1 } }, /sends requests/],
  ["wait", { duration: "1s" }, undefined],
  ["http", {}, /sends requests/],
  ["policy", { connection: "orders" }, undefined],
];

it.each(needs)("a %s step with %j says what it lacks", (type, config, expected) => {
  const asked = bundle({ delete: workflow({ steps: [step(type, config)] }) });
  const reason = missingFor(asked, { connections: ["known"], network: false });
  expect(reason ?? "").toMatch(expected ?? /^$/);
  const everything = { connections: ["known", "orders"], network: true };
  expect(missingFor(asked, everything)).toBeUndefined();
});

it.each(["kubernetes", "tekton"])("a %s step needs a cluster, and is not tried out", (type) => {
  const asked = bundle({ create: workflow({ steps: [step(type, {})] }) });
  const reason = missingFor(asked, { connections: [], network: true });
  expect(reason).toBe("its step ask acts in a cluster, and there is none here");
});

const sizes = { enum: ["small", "large"], default: "small" };

test.each<
  [string, readonly Parameter[], JsonRecord, JsonRecord | undefined, JsonRecord, JsonRecord]
>([
  ["nothing is asked", [parameter("a")], {}, undefined, {}, {}],
  [
    "one is required",
    [parameter("a", { required: true }), parameter("b", { required: true, type: "integer" })],
    {},
    undefined,
    { a: "conformance", b: 1 },
    { a: "conformance", b: 1 },
  ],
  [
    "the engine gives it, or the declaration does",
    [parameter("app_name", { required: true }), parameter("a", { required: true, default: "x" })],
    {},
    undefined,
    {},
    {},
  ],
  ["one may change", [parameter("size", sizes)], {}, undefined, {}, { size: "large" }],
  [
    "one may change, and is given",
    [parameter("size", sizes)],
    { size: "large" },
    undefined,
    { size: "large" },
    { size: "small" },
  ],
  [
    "it cannot change in place",
    [parameter("size", { ...sizes, immutable: true })],
    {},
    undefined,
    {},
    {},
  ],
  [
    "the change is given",
    [parameter("size", sizes), parameter("a")],
    { a: "x" },
    { a: "y" },
    { a: "x" },
    { a: "y" },
  ],
])("parameters where %s", (_, parameters, given, update, create, updated) => {
  const both = workflow({ parameters });
  expect(sampleParameters(bundle({ create: both, update: both }), given, update)).toEqual({
    create,
    update: updated,
  });
});

test("a run is killed before each write, after each beginning, and after its last write", () => {
  const points = killPoints([
    { kind: "start", step: "a" },
    { kind: "end", step: "a" },
    { kind: "skip", step: "b" },
  ]);
  expect(points).toEqual([
    { write: 1, when: "before" },
    { write: 1, when: "after" },
    { write: 2, when: "before" },
    { write: 3, when: "before" },
    { write: 3, when: "after" },
  ]);
});

const place = { name: "a", index: 0, type: "policy", readOnly: false };

test("a journal that is killed before a write has not written, and after it has", async () => {
  for (const [when, state] of [
    ["before", undefined],
    ["after", "started"],
  ] as const) {
    const journal = createKillableJournal(runningClock);
    journal.killAt({ write: 1, when });
    await expect(journal.start(place)).rejects.toThrow(KilledError);
    expect((await journal.read()).get("a")?.state).toBe(state);
  }
});

test("a journal counts attempts, and no looks of a step that waits", async () => {
  const journal = createKillableJournal(runningClock);
  await journal.start(place);
  await journal.wait("a", 1);
  await journal.start(place);
  expect((await journal.read()).get("a")).toMatchObject({ state: "started", attempts: 1 });
  await journal.fail("a", "no", 1);
  await journal.start(place);
  expect((await journal.read()).get("a")).toMatchObject({ state: "started", attempts: 2 });
  expect(journal.writes.map((it) => it.kind)).toEqual(["start", "wait", "start", "fail", "start"]);
});
