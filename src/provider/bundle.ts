/** Bundles: a provider's capability pinned to the workflows of one class, addressed by its content. */
import { createHash } from "node:crypto";
import { canonical, type Json, type JsonRecord } from "../model/json.ts";
import { workflowOperations, type Bundle, type Workflow } from "../model/workflow.ts";

/** Hex SHA-256 over all that a run can notice: not over descriptions, nor over where the files came from. */
export function bundleHash(bundle: Omit<Bundle, "hash">): string {
  const { provider, version, type, stateful } = bundle;
  const workflows = workflowOperations.map((operation) => {
    const workflow = bundle.workflows[operation];
    return workflow === undefined ? null : toJson(workflow);
  });
  const content = canonical({ provider, version, type, stateful, workflows });
  return createHash("sha256").update(content).digest("hex");
}

export function makeBundle(content: Omit<Bundle, "hash">): Bundle {
  return { hash: bundleHash(content), ...content };
}

function toJson(workflow: Workflow): JsonRecord {
  return {
    name: workflow.name,
    parameters: workflow.parameters.map((it) => defined({ ...it, description: undefined })),
    steps: workflow.steps.map((step) => defined({ ...step })),
    outputs: Object.fromEntries(
      Object.entries(workflow.outputs).map(([name, output]) => [name, { ...output }]),
    ),
    target: workflow.target ?? null,
    ...(workflow.timeoutMs === undefined ? {} : { timeoutMs: workflow.timeoutMs }),
  };
}

function defined(record: { readonly [key: string]: Json | undefined }): JsonRecord {
  const entries = Object.entries(record);
  return Object.fromEntries(
    entries.flatMap(([key, value]): [string, Json][] =>
      value === undefined ? [] : [[key, value]],
    ),
  );
}
