import { describe, expect, it, test } from "vitest";
import { parseFile } from "../document/file.ts";
import { readWorkflow } from "./workflow.ts";

const read = (text: string, lenient = false) => {
  const [document] = parseFile("w.yaml", text).documents;
  if (document === undefined) throw new Error(text);
  return readWorkflow(document, text, "it", lenient);
};

const head = "apiVersion: innominatus.io/v1alpha1\nkind: Workflow\nmetadata: { name: it }\n";
const step = "{ name: do, type: policy, config: { script: x } }";
const withStep = (text: string) => read(`${head}steps:\n  - ${text}\n`);
const withParameter = (text: string) => read(`${head}parameters:\n  - ${text}\nsteps: [${step}]\n`);

describe("a workflow as it runs", () => {
  it("has every setting made explicit", () => {
    const { workflow, problems } = read(`${head}
parameters:
  - { name: a }
  - { name: b, type: bool, default: "true", description: B, immutable: true, sensitive: true }
steps:
  - { name: one, type: policy, config: { script: x } }
  - { name: two, type: wait, timeout: 90s, retries: 0, retrySafe: false, when: "{{ .parameters.b }}" }
outputs:
  host: h
  port: 80
  password: p
  plain_token: { value: t, sensitive: false }
  note: { value: n, sensitive: true }
`);
    expect(problems).toEqual([]);
    expect(workflow).toEqual({
      name: "it",
      parameters: [
        {
          name: "a",
          type: "string",
          required: false,
          description: "",
          sensitive: false,
          immutable: false,
        },
        {
          name: "b",
          type: "boolean",
          required: false,
          default: true,
          description: "B",
          sensitive: true,
          immutable: true,
        },
      ],
      steps: [
        {
          name: "one",
          type: "policy",
          config: { script: "x" },
          timeoutMs: 600_000,
          retries: 3,
          retrySafe: true,
        },
        {
          name: "two",
          type: "wait",
          config: {},
          when: "{{ .parameters.b }}",
          timeoutMs: 90_000,
          retries: 0,
          retrySafe: false,
        },
      ],
      outputs: {
        host: { template: "h", sensitive: false },
        port: { template: "80", sensitive: false },
        password: { template: "p", sensitive: true },
        plain_token: { template: "t", sensitive: false },
        note: { template: "n", sensitive: true },
      },
    });
  });

  it("is not retried where it declares a target, unless it says so", () => {
    const safe = (rest: string, own = "") =>
      read(
        `${head}target: a/b\n${rest}steps:\n  - { name: do, type: policy, config: { script: x }${own} }\n`,
      ).workflow?.steps[0]?.retrySafe;
    expect(safe("")).toBe(false);
    expect(safe("retrySafe: true\n")).toBe(true);
    expect(safe("", ", retrySafe: true")).toBe(true);
  });

  it("runs steps after those they depend on, and else in the order of the file", () => {
    const one = (name: string, after = "") =>
      `  - { name: ${name}, type: policy, config: {}${after} }\n`;
    const { workflow } = read(
      `${head}steps:\n${one("a", ", dependsOn: [c]")}${one("b")}${one("c")}${one("d", ", dependsOn: b")}`,
    );
    expect(workflow?.steps.map((it) => it.name)).toEqual(["c", "a", "b", "d"]);
  });

  it("takes upstream's settings beside config into it; what config says stands", () => {
    const { workflow } = withStep(
      "{ name: do, type: terraform, operation: plan, workingDir: x, config: { operation: apply } }",
    );
    expect(workflow?.steps[0]?.config).toEqual({ operation: "apply", workingDir: "x" });
  });

  it.each([
    ["always", undefined],
    ["on_success", undefined],
    ["manual", "false"],
    ["on_failure", "false"],
    ["true", "true"],
    ['"{{ .parameters.app_name }}"', "{{ .parameters.app_name }}"],
  ])("when: %s", (when, expected) => {
    expect(withStep(`{ name: do, type: policy, when: ${when} }`).workflow?.steps[0]?.when).toBe(
      expected,
    );
  });
});

const steps: [string, string, string, string][] = [
  [
    "a name twice",
    "{ name: a, type: policy }\n  - { name: a, type: policy }",
    "provider/duplicate-step",
    "6:7",
  ],
  ["an unknown type", "{ name: a, type: polisy }", "provider/unknown-step-type", "5:16"],
  ["no duration", "{ name: a, type: policy, timeout: soon }", "provider/duration", "5:30"],
  ["a timeout of nothing", "{ name: a, type: policy, timeout: 0 }", "provider/duration", "5:30"],
  [
    "an unknown step before",
    "{ name: a, type: policy, dependsOn: b }",
    "provider/unknown-step",
    "5:30",
  ],
  [
    "a circle",
    "{ name: a, type: policy, dependsOn: b }\n  - { name: b, type: policy, dependsOn: a }",
    "provider/step-cycle",
    "6:30",
  ],
  [
    "a step that waits for itself",
    "{ name: a, type: policy, dependsOn: a }",
    "provider/step-cycle",
    "5:30",
  ],
  ["unless", "{ name: a, type: policy, unless: x }", "provider/condition", "5:30"],
  ["an expression of old", "{ name: a, type: policy, if: 'a == b' }", "provider/condition", "5:30"],
  [
    "a name that no template can say",
    "{ name: a b, type: policy }",
    "schema/invalid-format",
    "5:7",
  ],
  ["a wrong type", "{ name: a, type: policy, retries: many }", "schema/invalid-type", "5:30"],
];

test.each(steps)("a step with %s", (_, text, code, place) => {
  const { workflow, problems } = withStep(text);
  expect(workflow).toBeUndefined();
  expect(problems.map((it) => it.code)).toEqual([code]);
  expect(problems.map((it) => `${it.line}:${it.column}`)).toEqual([place]);
});

test.each([
  ["{ name: a, type: ansible }", "provider/unsupported-step"],
  ["{ name: a, type: policy, parallel: true }", "provider/ignored-field"],
  ["{ name: a, type: policy, when: manual }", "provider/condition"],
  ["{ name: a, type: policy, timout: 3s }", "schema/unknown-field"],
])("a step %s is a warning", (text, code) => {
  const { workflow, problems } = withStep(text);
  expect(workflow).toBeDefined();
  expect(problems).toMatchObject([{ code, severity: "warning" }]);
});

const parameters: [string, string, string][] = [
  ["a name twice", "{ name: a }\n  - { name: a }", "provider/duplicate-parameter"],
  ["a default of another type", "{ name: a, type: number, default: many }", "provider/default"],
  ["a default that is not allowed", "{ name: a, enum: [x], default: y }", "provider/default"],
  ["a default that does not match", "{ name: a, pattern: '^x$', default: y }", "provider/default"],
  ["no pattern", "{ name: a, pattern: '(' }", "provider/pattern"],
  ["an unknown type", "{ name: a, type: text }", "schema/invalid-value"],
];

test.each(parameters)("a parameter with %s", (_, text, code) => {
  expect(withParameter(text).problems.map((it) => it.code)).toEqual([code]);
});

test("empty text as a default is none, or breaks no rule", () => {
  const defaults = [
    "{ name: a, type: number, default: '' }",
    "{ name: a, enum: [x], default: '' }",
  ].map((it) => withParameter(it).workflow?.parameters[0]?.default);
  expect(defaults).toEqual([undefined, ""]);
});

/** A template's mistake is where `@` stands in the text, once it is taken out. */
const templates: [string, string, string][] = [
  [
    "an undeclared parameter",
    "steps: [{ name: a, type: policy, config: { script: 'x {{ @.parameters.nope }}' } }]",
    "template/undeclared-parameter",
  ],
  [
    "in a block",
    "steps:\n  - name: a\n    type: policy\n    config:\n      script: |\n        one\n          two {{ @.parameters.nope }}",
    "template/undeclared-parameter",
  ],
  [
    "deep in a config",
    "steps:\n  - name: a\n    type: sql\n    config:\n      statements:\n        - sql: >-\n            a\n            b {{ @.parameters.nope | quote }}",
    "template/undeclared-parameter",
  ],
  [
    "in when",
    "steps: [{ name: a, type: policy, when: '{{ @.parameters.nope }}' }]",
    "template/undeclared-parameter",
  ],
  [
    "in if",
    "steps: [{ name: a, type: policy, if: '{{ @.parameters.nope }}' }]",
    "template/undeclared-parameter",
  ],
  [
    "beside config",
    "steps: [{ name: a, type: policy, playbook: '{{ @.parameters.nope }}' }]",
    "template/undeclared-parameter",
  ],
  [
    "in target",
    `target: 'x/{{ @.parameters.nope }}'\nsteps: [${step}]`,
    "template/undeclared-parameter",
  ],
  [
    "in an output",
    `steps: [${step}]\noutputs: { a: '{{ @.parameters.nope }}' }`,
    "template/undeclared-parameter",
  ],
  [
    "in an output with settings",
    `steps: [${step}]\noutputs:\n  a:\n    value: "\\t{{ @.parameters.nope }}"`,
    "template/undeclared-parameter",
  ],
  [
    "a parameter in a default",
    `parameters: [{ name: b }, { name: a, default: '{{ @.parameters.b }}' }]\nsteps: [${step}]`,
    "template/undeclared-parameter",
  ],
  [
    "an unknown step",
    `steps: [${step}]\noutputs: { a: '{{ @.steps.nope.output.x }}' }`,
    "template/unknown-step",
  ],
  [
    "a later step",
    `steps: [{ name: a, type: policy, config: { script: '{{ @.steps.do.output.x }}' } }, ${step}]`,
    "template/later-step",
  ],
  [
    "the step itself",
    "steps: [{ name: a, type: policy, config: { script: '{{ @.steps.a.output.x }}' } }]",
    "template/later-step",
  ],
  [
    "a step without output",
    `steps: [${step}]\noutputs: { a: '{{ @.steps.do.x }}' }`,
    "template/unknown-root",
  ],
  [
    "a root that is none",
    "steps: [{ name: a, type: policy, config: { script: '{{ @.app_name }}' } }]",
    "template/unknown-root",
  ],
  [
    "after an anchor and a tag",
    "steps: [{ name: a, type: policy, config: { x: &x !!str 'b {{ @.parameters.nope }}' } }]",
    "template/undeclared-parameter",
  ],
  [
    "several in one",
    "steps: [{ name: a, type: policy, config: { script: '{{ .parameters.app_name }}{{ @.parameters.nope }}' } }]",
    "template/undeclared-parameter",
  ],
];

describe("a mistake in a template is shown at its own line and column", () => {
  test.each(templates)("%s", (_, marked, code) => {
    const whole = head + marked;
    const before = whole.slice(0, whole.indexOf("@")).split("\n");
    const { problems } = read(whole.replace("@", ""));
    expect(problems).toMatchObject([
      { code, severity: "error", line: before.length, column: (before.at(-1) ?? "").length + 1 },
    ]);
  });

  it("says so for one that cannot be read", () => {
    const { problems, workflow } = withStep(
      "{ name: a, type: policy, config: { script: '{{ if }}' } }",
    );
    expect(workflow).toBeUndefined();
    expect(problems.map((it) => it.code)).toContain("template/syntax");
  });

  it("knows declared parameters, the engine's inputs, and steps that have run", () => {
    const { problems } = read(`${head}
parameters: [{ name: a, default: "{{ .parameters.app_name }}" }]
steps:
  - { name: one-step, type: policy, config: { script: "{{ .parameters.a }} {{ .parameters.unique_name }}" } }
  - { name: two, type: policy, config: { script: "{{ .steps.one-step.output.x }}" } }
outputs: { x: "{{ .steps.two.output.y }}" }
`);
    expect(problems).toEqual([]);
  });

  it("only warns in the files that we ship", () => {
    const text = `${head}steps: [{ name: a, type: policy, config: { script: "{{ .parameters.nope }}" } }]`;
    const { workflow, problems } = read(text, true);
    expect(workflow).toBeDefined();
    expect(problems).toMatchObject([
      { code: "template/undeclared-parameter", severity: "warning" },
    ]);
  });

  it.each([
    ["{ name: a }", "if .parameters.a", ["template/unset-condition"]],
    ["{ name: a }", 'if eq .parameters.a "x"', ["template/unset-condition"]],
    ["{ name: a }", "if true }}{{ else if not .parameters.a", ["template/unset-condition"]],
    ["{ name: a }", 'if eq (.parameters.a | default "y") "x"', []],
    ["{ name: a }", "with .parameters.a", []],
    ["{ name: a }", "if true }}{{ .parameters.a", []],
    ["{ name: a, required: true }", "if .parameters.a", []],
    ["{ name: a, default: x }", "if .parameters.a", []],
    ["{ name: app_name }", "if .parameters.app_name", []],
  ])("a parameter %s in the condition %s", (parameter, condition, codes) => {
    const { problems } = read(
      `${head}parameters: [${parameter}]\nsteps: [{ name: b, type: policy, config: { script: '{{ ${condition} }}x{{ end }}' } }]`,
    );
    expect(problems.map((it) => it.code)).toEqual(codes);
    expect(problems.every((it) => it.severity === "warning")).toBe(true);
  });
});

test.each([
  ["{{ .steps.maybe.output.x }}", ["template/skipped-step"]],
  ["{{ if .steps.maybe }}{{ .steps.maybe.output.x }}{{ end }}", []],
  ["{{ .steps.always.output.x }}", []],
])("an output of a step that may be left out: %s", (template, codes) => {
  const { problems } = read(`${head}
steps:
  - { name: maybe, type: policy, when: "{{ .parameters.app_name }}" }
  - { name: always, type: policy }
outputs: { x: "${template}" }`);
  expect(problems.map((it) => it.code)).toEqual(codes);
});

test("a mistake behind an alias is shown where the text is", () => {
  const { problems } = read(
    `${head}steps:\n  - { name: a, type: policy, config: { x: &x '{{ .parameters.nope }}' } }\noutputs: { y: *x }`,
  );
  expect(problems.map((it) => `${it.pointer} ${it.line}:${it.column}`)).toEqual([
    "/steps/0/config/x 5:50",
    "/outputs/y 5:50",
  ]);
});

test("an unsupported apiVersion is a problem of the file", () => {
  const { workflow, problems } = read(head.replace("v1alpha1", "v2") + `steps: [${step}]`);
  expect(workflow).toBeUndefined();
  expect(problems).toMatchObject([{ code: "schema/invalid-value", line: 1 }]);
});
