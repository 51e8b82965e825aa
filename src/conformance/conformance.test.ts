import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFolder, type Folder } from "../../test/support/folder.ts";
import { runningClock } from "../../test/support/step.ts";
import type { Connections } from "../execute/sql-session.ts";
import { tryProvider, type Trial } from "./conformance.ts";
import { manifestIn, readProviderFolder } from "./provider-folder.ts";

let folder: Folder;
beforeEach(async () => {
  folder = await createFolder();
});
afterEach(() => folder.remove());

interface Scripts {
  readonly create: string;
  readonly update?: string;
  readonly delete: string;
  readonly observe: string;
}

/** A thing is a file, named after the resource. */
const good = {
  create: `mkdir -p "$PARAM_ROOT"; echo "$PARAM_SIZE" >"$PARAM_ROOT/$PARAM_UNIQUE_NAME"; echo '{"host":"h"}'`,
  update: `test -e "$PARAM_ROOT/$PARAM_UNIQUE_NAME" && echo "$PARAM_SIZE" >"$PARAM_ROOT/$PARAM_UNIQUE_NAME"`,
  delete: `rm -f "$PARAM_ROOT/$PARAM_UNIQUE_NAME"`,
  observe: `if [ -e "$PARAM_ROOT/$PARAM_UNIQUE_NAME" ]; then e=true; else e=false; fi; echo "{\\"exists\\":\\"$e\\"}"`,
} satisfies Scripts;

const parameters = `parameters:
  - { name: root, type: string, required: true }
  - { name: size, type: string, enum: [small, large], default: small }
`;

function filesOf(scripts: Scripts, more: Readonly<Record<string, string>> = {}) {
  const operations = Object.keys(scripts);
  const outputs: Readonly<Record<string, string>> = {
    create: `outputs:\n  host: "{{ .steps.act.output.host }}"\n`,
    observe: `outputs:\n  exists: "{{ .steps.act.output.exists }}"\n`,
  };
  const workflows = Object.entries(scripts).map(([name, script]): [string, string] => [
    `workflows/${name}.yaml`,
    `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
${parameters}steps:
  - name: act
    type: policy
    retries: 0
    config:
      script: ${JSON.stringify(`set -e\n${script}\n`)}
${outputs[name] ?? ""}`,
  ]);
  return {
    "provider.yaml": `apiVersion: v1
kind: Provider
metadata: { name: things, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities:
    - type: thing
      operations: { ${operations.map((it) => `${it}: { workflow: ${it} }`).join(", ")} }
workflows:
${operations.map((it) => `  - { name: ${it}, file: ./workflows/${it}.yaml }`).join("\n")}
`,
    "tests/conformance.yaml": `resources:\n  - { type: thing, parameters: { root: ${join(folder.path, "things")} } }\n`,
    ...Object.fromEntries(workflows),
    ...more,
  };
}

async function tryFiles(
  files: Readonly<Record<string, string>>,
  connections: Connections = {},
  timeoutMs = 60_000,
): Promise<readonly Trial[]> {
  await folder.write(files);
  const { provider, problems, conformance } = readProviderFolder(
    folder.path,
    manifestIn(folder.path) ?? "",
  );
  expect(problems).toEqual([]);
  if (provider === undefined) throw new Error("no provider");
  const trials: Trial[] = [];
  const options = {
    settings: conformance,
    connections,
    only: undefined,
    path: process.env["PATH"] ?? "",
    clock: runningClock,
    random: () => 0.5,
    signal: new AbortController().signal,
    timeoutMs,
  };
  for await (const trial of tryProvider(provider, options)) trials.push(trial);
  return trials;
}

const failures = (trials: readonly Trial[]) =>
  trials.flatMap((it) =>
    it.checks.flatMap(({ name, state, message }) => (state === "failed" ? [[name, message]] : [])),
  );

test("a provider that may be repeated, killed and resumed passes, and leaves nothing behind", async () => {
  const [trial] = await tryFiles(filesOf(good));
  expect(trial).toMatchObject({ type: "thing", classes: ["default"], state: "passed" });
  expect(trial?.checks.map((it) => it.state)).toEqual(Array.from({ length: 14 }, () => "passed"));
  expect(readdirSync(join(folder.path, "things"))).toEqual([]);
});

test("what is not idempotent is told, and what may be left behind", async () => {
  const create = `test ! -e "$PARAM_ROOT/$PARAM_UNIQUE_NAME"; ${good.create}`;
  const [trial] = await tryFiles(filesOf({ ...good, create }));
  expect(failures(trial === undefined ? [] : [trial])).toEqual([
    ["create again", expect.stringMatching(/^create failed: step act: the script ended with exit/)],
  ]);
  expect(trial?.uniqueName).toMatch(/^conformance_main_conformance_[0-9a-f]{10}$/);
});

test("a create that never works ends the trial, and says what its script said", async () => {
  const trials = await tryFiles(filesOf({ ...good, create: "echo no server >&2; exit 3" }));
  expect(failures(trials)).toEqual([["create", expect.stringContaining("no server")]]);
});

test("a run that does not come to an end is given up", async () => {
  const trials = await tryFiles(filesOf({ ...good, create: "sleep 60" }), {}, 300);
  expect(trials).toMatchObject([{ state: "failed", reason: "it took longer than 300 ms" }]);
});

/** Performs nothing, at once. */
const idle = "{ name: act, type: wait, config: { duration: 0s } }";

const idleFiles = (create: string, outputs = "{}", classes = "workflow: create") => ({
  "provider.yaml": `apiVersion: v1
kind: Provider
metadata: { name: things, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities:
    - type: thing
      operations: { create: { ${classes} }, delete: { workflow: delete } }
workflows:
  - { name: create, file: ./create.yaml }
  - { name: fast, file: ./fast.yaml }
  - { name: delete, file: ./delete.yaml }
`,
  "create.yaml": idleWorkflow("create", create, outputs),
  "fast.yaml": idleWorkflow("fast", `${create}, ${idle.replace("act", "more")}`, outputs),
  "delete.yaml": idleWorkflow("delete", idle, "{}"),
});

const idleWorkflow = (name: string, steps: string, outputs: string): string =>
  `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
steps: [${steps}]
outputs: ${outputs}
`;

test("a secret that is rotated with every run is no change of the provider's", async () => {
  const rotated = "{ name: password, type: secret, config: { rotate: true } }";
  const outputs = `{ password: "{{ .steps.password.output.value }}" }`;
  const trials = await tryFiles(idleFiles(rotated, outputs));
  expect(trials.map((it) => it.state)).toEqual(["passed"]);
});

const skipping: readonly [
  string,
  (files: Readonly<Record<string, string>>) => Record<string, string>,
  RegExp,
][] = [
  [
    "without a connection that it needs",
    (it) => withStep(it, `{ name: ask, type: sql, config: { connection: orders-db } }`),
    /needs the connection "orders-db": set INNOMINATUS_CONNECTION_ORDERS_DB/,
  ],
  [
    "where it would send requests that nobody allowed",
    (it) => withStep(it, `{ name: ask, type: http, config: { url: "https://example.com" } }`),
    /its step ask sends requests: allow them with `network: true`/,
  ],
  [
    "that this build cannot perform",
    (it) => withStep(it, `{ name: ask, type: terraform, config: {} }`),
    /needs a step of type "terraform"/,
  ],
  [
    "for a reason of its own",
    (it) => ({
      ...it,
      "tests/conformance.yaml": "resources: [{ type: thing, skip: it costs money }]\n",
    }),
    /^it costs money$/,
  ],
];

const withStep = (files: Readonly<Record<string, string>>, step: string) => ({
  ...files,
  "workflows/create.yaml": (files["workflows/create.yaml"] ?? "").replace(
    "steps:\n",
    `steps:\n  - ${step}\n`,
  ),
});

test.each(skipping)("a type is skipped, with the reason, %s", async (_, change, reason) => {
  await folder.write(change(filesOf(good)));
  const { provider, conformance } = readProviderFolder(folder.path, "provider.yaml");
  if (provider === undefined) throw new Error("no provider");
  const options = {
    settings: conformance,
    connections: {},
    only: undefined,
    path: process.env["PATH"] ?? "",
    clock: runningClock,
    random: () => 0.5,
    signal: new AbortController().signal,
    timeoutMs: 60_000,
  };
  for await (const trial of tryProvider(provider, options)) {
    expect(trial).toMatchObject({ state: "skipped", checks: [] });
    expect(trial.reason).toMatch(reason);
  }
});

test("every choice of workflows is tried once, with all the classes that lead to it", async () => {
  const classes =
    "default: create, workflows: [{ name: create, tags: [plain] }, { name: fast, tags: [ssd] }]";
  const trials = await tryFiles(idleFiles(idle, "{}", classes));
  expect(trials.map((it) => [it.classes, it.state])).toEqual([
    [["default", "plain"], "passed"],
    [["ssd"], "passed"],
  ]);
});
