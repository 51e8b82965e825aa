import { describe, expect, it, test } from "vitest";
import type { Parameter, Workflow } from "../model/workflow.ts";
import { targetOf } from "./run-target.ts";

const parameter = (name: string): Parameter => ({
  name,
  type: "string",
  required: false,
  description: "",
  sensitive: false,
  immutable: false,
});
const workflow = (target?: string): Workflow => ({
  name: "restart",
  parameters: [parameter("namespace"), parameter("app_name"), parameter("kind")],
  steps: [],
  outputs: {},
  ...(target === undefined ? {} : { target }),
});
const resource = {
  uid: "restart.default#shop.it",
  workload: "shop",
  identity: "shop",
  name: "it",
  type: "restart",
  class: "default",
} as const;
const scope = { repository: "origin", environment: "production" };
const target = (text: string | undefined, params = {}) =>
  targetOf(scope, resource, workflow(text), { params, outputs: {} });

describe("E1: what a run excludes others on", () => {
  test.each([
    [undefined, {}, "origin/production/restart.default#shop.it", false],
    [
      "{{ .parameters.namespace }}/deployment/{{ .parameters.app_name }}",
      { namespace: "pay" },
      "pay/deployment/shop",
      true,
    ],
    ["{{ .parameters.kind }}/one", { kind: "Node" }, "node/one", true],
    ["node/worker-1", {}, "node/worker-1", true],
  ])("%s with %j is %s", (text, params, name, declared) =>
    expect(target(text, params)).toEqual({ ok: true, target: name, declared }),
  );

  it.each([
    ["{{ .parameters.kind }}/one", {}],
    ["{{ .parameters.kind }}", { kind: "node" }],
    ["node/{{ .parameters.kind }}", { kind: "${resources.db.host}" }],
  ])("%s with %j is none, and says why", (text, params) => {
    const found = target(text, params);
    expect(found).toMatchObject({ ok: false });
    expect("message" in found ? found.message : "").toContain(text);
  });
});
