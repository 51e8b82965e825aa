import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Json } from "../model/json.ts";
import type { Parameter, Workflow } from "../model/workflow.ts";
import { bindParameters, type ParameterInputs } from "./parameters.ts";

const workflow = (...parameters: (Partial<Parameter> & { name: string })[]): Workflow => ({
  name: "w",
  parameters: parameters.map((it) => {
    return {
      type: "string",
      required: false,
      description: "",
      sensitive: false,
      immutable: false,
      ...it,
    };
  }),
  steps: [],
  outputs: {},
});
const bind = (flow: Workflow, inputs: Partial<ParameterInputs> = {}) =>
  bindParameters(flow, { engine: {}, params: {}, outputs: {}, ...inputs });
const one = (parameter: Partial<Parameter>, value: Json) =>
  bind(workflow({ name: "a", ...parameter }), { params: { a: value } });

describe("where a value comes from", () => {
  const [params, engine, outputs] = [{ a: "params" }, { a: "engine" }, { a: "outputs" }];
  it.each([
    ["the spec first", { params, engine, outputs }, "default", "params"],
    ["then the engine", { engine, outputs }, "default", "engine"],
    ["then the default", { outputs }, "default", "default"],
    ["then what was recorded", { outputs }, undefined, "outputs"],
    ["else it is null", {}, undefined, null],
    ["null in the spec is no value", { params: { a: null }, engine }, "default", "engine"],
  ])("%s", (_, inputs, preset, expected) => {
    const flow = workflow({ name: "a", ...(preset === undefined ? {} : { default: preset }) });
    expect(bind(flow, inputs)).toEqual({ values: { a: expected }, faults: [] });
  });

  it("what is not declared is there all the same, but for outputs", () => {
    const { values } = bind(workflow(), {
      params: { a: { b: [1] } },
      engine: { c: "d" },
      outputs: { e: "f" },
    });
    expect(values).toEqual({ a: { b: [1] }, c: "d" });
  });

  it("a default may be a template over the engine's inputs", () => {
    const flow = workflow({ name: "a", default: "{{ .parameters.app_name }}-x" });
    expect(bind(flow, { engine: { app_name: "shop" } }).values["a"]).toBe("shop-x");
    const number = workflow({ name: "a", type: "number", default: "{{ .parameters.n }}" });
    expect(bind(number, { engine: { n: "12" } }).values["a"]).toBe(12);
    expect(bind(flow, { engine: {} }).faults).toMatchObject([{ parameter: "a" }]);
  });

  it("a spec cannot give the name that resources are kept under", () => {
    const { values, faults } = bind(workflow({ name: "unique_name" }), {
      engine: { unique_name: "mine" },
      params: { unique_name: "yours" },
    });
    expect(values["unique_name"]).toBe("mine");
    expect(faults).toMatchObject([{ parameter: "unique_name" }]);
  });
});

const fitting: [Parameter["type"], Json, Json][] = [
  ["string", "x", "x"],
  ["string", 5, "5"],
  ["string", false, "false"],
  ["boolean", false, false],
  ["boolean", "false", false],
  ["number", 1.5, 1.5],
  ["number", "1.5", 1.5],
  ["integer", "5", 5],
  ["object", { a: 1 }, { a: 1 }],
  ["object", '{"a":1}', { a: 1 }],
  ["array", [1], [1]],
  ["array", "[1]", [1]],
];

test.each(fitting)("%s takes %j as %j", (type, given, value) => {
  expect(one({ type }, given)).toEqual({ values: { a: value }, faults: [] });
});

const unfit: [Parameter["type"], Json][] = [
  ["string", ["x"]],
  ["string", { a: 1 }],
  ["boolean", "yes"],
  ["boolean", 1],
  ["number", "many"],
  ["number", true],
  ["number", ""],
  ["integer", 1.5],
  ["integer", "1.5"],
  ["object", []],
  ["object", "x"],
  ["array", {}],
];

test.each(unfit)("%s refuses %j", (type, given) => {
  const { faults } = one({ type }, given);
  expect(faults.map((it) => it.parameter)).toEqual(["a"]);
  expect(faults[0]?.message).toContain("expected");
});

test.each([
  ["enum", { enum: ["x", "y"] }, "x", "z"],
  ["enum of numbers", { type: "integer" as const, enum: [1, 2] }, "2", 3],
  ["pattern", { pattern: "^a+$" }, "aa", "b"],
])("%s", (_, rule, good, bad) => {
  expect(one(rule, good).faults).toEqual([]);
  expect(one(rule, bad).faults).toMatchObject([{ parameter: "a" }]);
});

test("required, and given by nothing, is a fault; given by anything, none", () => {
  const flow = workflow({ name: "a", required: true });
  expect(bind(flow).faults).toMatchObject([{ parameter: "a", hint: 'add "a" to the params' }]);
  expect(bind(flow, { outputs: { a: "x" } }).faults).toEqual([]);
  expect(bind(flow, { engine: { a: "x" } }).faults).toEqual([]);
});

test("what is known only at run time fits every parameter", () => {
  const flow = workflow({ name: "a", type: "integer", enum: [1] });
  const isUnknown = (value: Json): boolean => value === "${resources.b.port}";
  expect(bind(flow, { params: { a: "${resources.b.port}" }, isUnknown }).faults).toEqual([]);
  expect(bind(flow, { params: { a: "${resources.b.port}" } }).faults).toHaveLength(1);
});

test("law 7: no fault has the value in it", () => {
  const types = fc.constantFrom<Parameter["type"]>(
    "string",
    "boolean",
    "number",
    "integer",
    "object",
    "array",
  );
  const canary = "canary-7f3a";
  const value = fc.constantFrom<Json>(canary, [canary], { a: canary });
  fc.assert(
    fc.property(types, value, fc.boolean(), (type, given, strict) => {
      const rule = strict ? { enum: ["x"], pattern: "^x$" } : {};
      expect(JSON.stringify(one({ type, ...rule }, given).faults)).not.toContain(canary);
    }),
  );
});

test("binding never throws, and keeps every declared name", () => {
  const json = fc.constantFrom<Json>(null, 1, "x", "12", [1], { a: {} }, true);
  const record = fc.dictionary(fc.constantFrom("a", "b", "constructor", "__proto__"), json);
  fc.assert(
    fc.property(record, record, record, (params, engine, outputs) => {
      const flow = workflow(
        { name: "a", type: "number", default: 1 },
        { name: "constructor", required: true },
      );
      const { values } = bind(flow, { params, engine, outputs });
      expect(Object.hasOwn(values, "a") && Object.hasOwn(values, "constructor")).toBe(true);
    }),
  );
});
