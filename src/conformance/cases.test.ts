import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { createFolder, type Folder } from "../../test/support/folder.ts";
import { runningClock } from "../../test/support/step.ts";
import { canonical } from "../model/json.ts";
import { z } from "zod";
import { runCase, type CaseResult } from "./cases.ts";
import { withScratch } from "./conformance.ts";
import { differences } from "./difference.ts";
import { readProviderFolder } from "./provider-folder.ts";

let folder: Folder;
beforeEach(async () => {
  folder = await createFolder(files);
});
afterEach(() => folder.remove());

const files = {
  "provider.yaml": `apiVersion: v1
kind: Provider
metadata: { name: buckets, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities:
    - { type: bucket, operations: { create: { workflow: make }, delete: { workflow: make } } }
workflows:
  - { name: make, file: ./make.yaml }
`,
  "make.yaml": `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: make }
parameters:
  - { name: size, type: string, enum: [small, large], default: small }
  - { name: public, type: boolean, default: false }
  - { name: region, type: string }
steps:
  - name: say
    type: policy
    config:
      script: |
        echo {{ .parameters.unique_name }}
        echo {{ .parameters.size }}
  - name: open
    type: http
    when: "{{ .parameters.public }}"
    config: { url: "https://example.com/{{ .parameters.bucket_name }}", expect: 201 }
outputs:
  name: "{{ .steps.say.output.name }}"
  of: "{{ .parameters.app_name }} {{ .parameters.resource_type }}"
`,
};

const run = async (text: string): Promise<readonly CaseResult[]> => {
  await folder.write({ "tests/one.yaml": text });
  const { provider, cases, problems } = readProviderFolder(folder.path, "provider.yaml");
  expect(problems).toEqual([]);
  if (provider === undefined) throw new Error("no provider");
  const path = process.env["PATH"] ?? "";
  return withScratch(path, runningClock, {}, async (executors) =>
    cases.map((it) => runCase(it, provider, executors)),
  );
};

const told = (results: readonly CaseResult[]) =>
  results.flatMap((it) =>
    it.problems.map(({ line, pointer, message }) => `${line} ${pointer} ${message}`),
  );

test("a case that expects what comes out passes, with the engine's usual inputs", async () => {
  const results = await run(`workflow: make
results: { say: { name: shop_db_test } }
expect:
  steps:
    - name: say
      type: policy
      config: { script: "echo shop_db_test\\necho small\\n" }
  outputs: { name: shop_db_test, of: shop bucket }
---
name: a public one
workflow: make
parameters: { public: true, app_name: blog, bucket_name: blog-files }
results: { say: { name: x }, open: { status: 201 } }
expect:
  steps:
    - { name: say }
    - { name: open, config: { url: https://example.com/blog-files } }
  outputs: { name: x, of: blog bucket }
`);
  expect(told(results)).toEqual([]);
  expect(results.map((it) => [it.name, it.place.line])).toEqual([
    ["make", 1],
    ["a public one", 10],
  ]);
});

const cases: readonly [string, string, readonly string[]][] = [
  [
    "an output that differs, is missing or is too much",
    `results: { say: { name: a } }
expect:
  outputs: { name: b, host: h }`,
    [
      '4 /expect/outputs/name found "a", expected "b"',
      '4 /expect/outputs/host found nothing, expected "h"',
      '4 /expect/outputs found `of`, which is not expected: "shop bucket"',
    ],
  ],
  [
    "the line of a script that differs",
    `results: { say: { name: a } }
expect:
  steps:
    - name: say
      config:
        script: |
          echo shop_db_test
          echo large
`,
    [
      '7 /expect/steps/0/config/script line 2 of the text: found "echo small", expected "echo large"',
    ],
  ],
  [
    "steps that run, or do not",
    `parameters: { public: true }
results: { say: { name: a } }
expect:
  steps:
    - { name: say, type: sql }
    - { name: close }`,
    [
      "5 /expect/steps the steps say, open run, expected say, close",
      '6 /expect/steps/0/type found "policy", expected "sql"',
    ],
  ],
  [
    "a parameter that does not fit",
    `parameters: { size: huge }
results: { say: { name: a } }
expect: {}`,
    [
      '4 /expect found a problem that is not expected: the parameter "size": the value is not among those allowed',
    ],
  ],
  [
    "a problem that is missing",
    `results: { say: { name: a } }
expect: { problems: [too large] }`,
    ['3 /expect/problems/0 no problem says "too large"'],
  ],
  [
    "results of a step that there is not",
    `results: { say: { name: a }, tell: {} }
expect: {}`,
    ['2 /results/tell the workflow has no step "tell"'],
  ],
];

describe("a difference is told at the line that expects something else", () => {
  it.each(cases)("%s", async (_, text, expected) => {
    expect(told(await run(`workflow: make\n${text}\n`))).toEqual(expected);
  });

  it("a workflow that the manifest does not have", async () => {
    const [result] = await run("workflow: maek\nexpect: {}\n");
    expect(result?.problems).toMatchObject([
      { line: 1, code: "case/difference", hint: "did you mean `make`?" },
    ]);
  });

  it("a result that a template needs and nobody gave", async () => {
    expect(told(await run("workflow: make\nexpect: {}\n"))).toEqual([
      expect.stringMatching(/^2 \/expect found a problem that is not expected: output name: /),
    ]);
  });

  it("a config that its step type refuses, where that is expected", async () => {
    const make = files["make.yaml"].replace("expect: 201", "expect: many");
    await folder.write({ "make.yaml": make });
    const results = await run(
      "workflow: make\nparameters: { public: true }\nresults: { say: { name: a } }\nexpect: { problems: [step open] }\n",
    );
    expect(told(results)).toEqual([]);
  });
});

test("a case with a mistake in it is a problem of the file", async () => {
  await folder.write({ "tests/one.yaml": "workflow: make\nexpected: {}\n" });
  const { cases: read, problems } = readProviderFolder(folder.path, "provider.yaml");
  expect(read).toEqual([]);
  expect(problems.map((it) => [it.file, it.line, it.code])).toEqual([
    ["tests/one.yaml", 1, "schema/missing-field"],
    ["tests/one.yaml", 2, "schema/unknown-field"],
  ]);
});

test("equal values, and only they, have no difference", () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((it) => z.json().parse(it));
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(differences(a, structuredClone(a))).toEqual([]);
      expect(differences(a, b).length === 0).toBe(canonical(a) === canonical(b));
    }),
  );
});
