import { describe, expect, it, test } from "vitest";
import type { Json } from "../model/json.ts";
import { isWanted, renderConfig, renderOutputs } from "./render.ts";

const data = {
  parameters: { name: "shop", hostile: "'; rm -rf /", port: 5432, on: false, labels: { a: "b" } },
  steps: { "make-role": { output: { id: 7 } } },
  now: "2026-01-01T00:00:00Z",
};

describe("a config", () => {
  it("has every string rendered, wherever it stands; what is no string stays", () => {
    const config = { a: "{{ .parameters.name }}-db", b: [{ c: "{{ .now }}" }, 3, null], d: true };
    expect(renderConfig("only", config, {}, data)).toEqual({
      a: "shop-db",
      b: [{ c: "2026-01-01T00:00:00Z" }, 3, null],
      d: true,
    });
  });

  it("is code where its type says so, and at every depth below: a value cannot break out there", () => {
    const contexts = { "/code": "shell", "/code/title": "plain" } as const;
    const text = "echo {{ .parameters.hostile }}";
    const rendered = renderConfig("only", { plain: text, code: { title: text } }, contexts, data);
    expect(rendered).toEqual({ plain: "echo '; rm -rf /", code: { title: "echo '; rm -rf /" } });
    expect(() => renderConfig("only", { code: { deep: [text] } }, contexts, data)).toThrow(
      "step only: config/code/deep/0: ",
    );
  });
});

const whole: [string, Json][] = [
  ["{{ .parameters.port }}", 5432],
  ["{{ .parameters.on }}", false],
  ["{{ .parameters.labels }}", { a: "b" }],
  ["{{ .steps.make-role.output.id }}", 7],
  ["{{ .parameters.name }}", "shop"],
  ["{{ .parameters.port }}/tcp", "5432/tcp"],
  ['{{ .parameters.port | printf "%05d" }}', "05432"],
  ["5432", "5432"],
];
test.each(whole)("one reference alone keeps its type, all else is text: %s", (template, value) => {
  const outputs = { it: { template, sensitive: false } };
  expect(renderOutputs(outputs, data)).toEqual({ it: value });
});

const wanted: [string, boolean][] = [
  ["{{ .parameters.on }}", false],
  ["{{ if .parameters.on }}x{{ end }}", false],
  [" No ", false],
  ["0", false],
  ["{{ .parameters.port }}", true],
  ['{{ eq .parameters.name "shop" }}', true],
];
test.each(wanted)("`when: %s` is %s", (when, expected) => {
  expect(isWanted("only", when, data)).toBe(expected);
});

describe("an output named *", () => {
  const data = { parameters: { values: { DEBUG: "1", host: "x" }, text: "t" }, steps: {}, now: "" };
  const output = (template: string) => ({ template, sensitive: false });

  it("gives an output for each entry of its mapping; a declared name comes first", () => {
    const outputs = { "*": output("{{ .parameters.values }}"), host: output("mine") };
    expect(renderOutputs(outputs, data)).toEqual({ DEBUG: "1", host: "mine" });
  });

  it("has to be a mapping", () => {
    const outputs = { "*": output("{{ .parameters.text }}") };
    expect(() => renderOutputs(outputs, data)).toThrow("output *: found no mapping");
  });
});
