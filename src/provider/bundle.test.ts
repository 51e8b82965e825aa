import fc from "fast-check";
import { expect, test } from "vitest";
import type { Bundle, Workflow } from "../model/workflow.ts";
import { bundleHash, makeBundle } from "./bundle.ts";

const workflow: Workflow = {
  name: "make",
  parameters: [
    {
      name: "a",
      type: "string",
      required: true,
      default: { b: 1, c: 2 },
      description: "A",
      sensitive: false,
      immutable: false,
    },
  ],
  steps: [
    {
      name: "do",
      type: "policy",
      config: { script: "x", b: [1] },
      when: "true",
      timeoutMs: 1,
      retries: 1,
      retrySafe: true,
    },
  ],
  outputs: { host: { template: "h", sensitive: false } },
  target: "t",
};
const bundle: Omit<Bundle, "hash"> = {
  provider: "team",
  version: "1.0.0",
  source: "here",
  type: "db",
  stateful: false,
  workflows: { create: workflow, delete: workflow },
};

/** Each differs from the bundle in one thing that a run can notice. */
const [parameter] = workflow.parameters;
const [step] = workflow.steps;
const changed = (change: Partial<Workflow>) => ({
  ...bundle,
  workflows: { create: { ...workflow, ...change }, delete: workflow },
});
const noticed: [string, Omit<Bundle, "hash">][] = [
  ["provider", { ...bundle, provider: "x" }],
  ["version", { ...bundle, version: "x" }],
  ["type", { ...bundle, type: "x" }],
  ["stateful", { ...bundle, stateful: true }],
  ["an operation less", { ...bundle, workflows: { create: workflow } }],
  ["another operation", { ...bundle, workflows: { create: workflow, observe: workflow } }],
  ["a workflow's name", changed({ name: "x" })],
  ["a target", changed({ target: "x" })],
  ["an output", changed({ outputs: { host: { template: "h", sensitive: true } } })],
  ["a parameter", changed({ parameters: parameter ? [{ ...parameter, immutable: true }] : [] })],
  [
    "a step's config",
    changed({ steps: step ? [{ ...step, config: { script: "y", b: [1] } }] : [] }),
  ],
  ["a step's timeout", changed({ steps: step ? [{ ...step, timeoutMs: 2 }] : [] })],
];

test.each(noticed)("the hash tells a change of %s", (_, other) => {
  expect(bundleHash(other)).not.toBe(bundleHash(bundle));
});

test("the hash knows neither descriptions nor where the files came from", () => {
  const described = changed({
    parameters: parameter ? [{ ...parameter, description: "other" }] : [],
  });
  expect(bundleHash({ ...described, source: "elsewhere" })).toBe(bundleHash(bundle));
  expect(makeBundle(bundle)).toEqual({ ...bundle, hash: bundleHash(bundle) });
});

test("the hash does not depend on the order of keys", () => {
  const shuffle = (value: unknown, seed: number): unknown => {
    if (Array.isArray(value)) return value.map((it) => shuffle(it, seed));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, it]) => [key, shuffle(it, seed)] as const);
    const turn = entries.length === 0 ? 0 : seed % entries.length;
    return Object.fromEntries([...entries.slice(turn), ...entries.slice(0, turn)].toReversed());
  };
  fc.assert(
    fc.property(fc.nat(1000), (seed) => {
      const shuffled: unknown = shuffle(bundle, seed);
      expect(bundleHash({ ...bundle, ...(typeof shuffled === "object" ? shuffled : {}) })).toBe(
        bundleHash(bundle),
      );
    }),
  );
});
