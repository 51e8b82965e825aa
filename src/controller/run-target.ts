/** What a run excludes others on: its workflow's `target` with the parameters it will have, or the resource itself (E1). */
import { isRecord, type JsonRecord } from "../model/json.ts";
import type { ResourceIdentity } from "../model/resource.ts";
import { normalizeTarget, ownTarget } from "../model/target.ts";
import type { Scope } from "../model/uid.ts";
import type { Workflow } from "../model/workflow.ts";
import { engineInputs } from "../provider/engine-inputs.ts";
import { bindParameters } from "../provider/parameters.ts";
import { TemplateError } from "../template/errors.ts";
import { parseTemplate } from "../template/parse.ts";
import { renderTemplate } from "../template/render.ts";

export type RunTarget =
  | { readonly ok: true; readonly target: string; readonly declared: boolean }
  /** For people: nothing runs while nobody knows what it would change. */
  | { readonly ok: false; readonly message: string };

/** @param outputs as recorded: an update may be given what the create has put out */
export function targetOf(
  scope: Scope,
  resource: ResourceIdentity,
  workflow: Workflow | undefined,
  { params, outputs }: { readonly params: JsonRecord; readonly outputs: JsonRecord },
): RunTarget {
  const template = workflow?.target;
  if (workflow === undefined || template === undefined) {
    return { ok: true, target: ownTarget(scope, resource.uid), declared: false };
  }
  const engine = engineInputs({ ...resource, ...scope });
  const { values: parameters } = bindParameters(workflow, { engine, params, outputs });
  const text = render(template, parameters);
  const faulty = (message: string): RunTarget => ({
    ok: false,
    message: `the target of workflow ${workflow.name}, ${template}, ${message}`,
  });
  if (text === undefined) return faulty("cannot be worked out from its parameters");
  if (text.includes("${")) {
    return faulty(`is ${text}: it may hold nothing that another resource puts out`);
  }
  const target = normalizeTarget(text);
  if (target === undefined) {
    return faulty(`is "${text}": expected namespace/kind/name or kind/name, and no part empty`);
  }
  return { ok: true, target, declared: true };
}

function render(text: string, parameters: JsonRecord): string | undefined {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return undefined;
  // What is not given is an empty part, and not the words for nothing.
  const given = Object.fromEntries(
    Object.entries(parameters).map(([name, it]) => [name, it ?? ""]),
  );
  try {
    return renderTemplate(parsed.template, { parameters: isRecord(given) ? given : {} }, "plain");
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}
