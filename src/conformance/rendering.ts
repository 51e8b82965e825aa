/** What a workflow's steps and outputs come to for given inputs, with the results of its steps made up. */
import type { StepExecutor } from "../execute/step-type.ts";
import { isWanted, renderConfig, renderOutputs, type TemplateData } from "../execute/render.ts";
import { StallingError } from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Workflow } from "../model/workflow.ts";
import { bindParameters } from "../provider/parameters.ts";

export interface RenderInputs {
  readonly engine: JsonRecord;
  readonly params: JsonRecord;
  /** Recorded outputs of the resource. */
  readonly recorded: JsonRecord;
  /** Outputs by step; a step that is not there has none. */
  readonly results: Readonly<Record<string, JsonRecord>>;
  readonly now: string;
}

export interface RenderedStep {
  readonly name: string;
  readonly type: string;
  readonly config: JsonRecord;
}

export interface RenderedWorkflow {
  /** Those that run, in order. */
  readonly steps: readonly RenderedStep[];
  readonly outputs: JsonRecord;
  readonly problems: readonly { readonly message: string; readonly hint: string }[];
}

/** Goes on after a problem: a later step may have another. */
export function renderWorkflow(
  workflow: Workflow,
  { engine, params, recorded, results, now }: RenderInputs,
  executors: ReadonlyMap<string, StepExecutor>,
): RenderedWorkflow {
  const { values, faults } = bindParameters(workflow, { engine, params, outputs: recorded });
  const problems: { message: string; hint: string }[] = faults.map(({ message, hint }) => ({
    message,
    hint,
  }));
  const attempt = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof StallingError)) throw error;
      problems.push({ message: error.message, hint: error.hint });
      return undefined;
    }
  };

  const ended: Record<string, { output: JsonRecord }> = {};
  const data = (): TemplateData => ({ parameters: values, steps: { ...ended }, now });
  const steps = workflow.steps.flatMap(({ name, type, config, when }): RenderedStep[] => {
    const wanted = when === undefined ? true : attempt(() => isWanted(name, when, data()));
    if (wanted === false) return [];
    const executor = executors.get(type);
    const rendered = attempt(() => renderConfig(name, config, executor?.contexts ?? {}, data()));
    if (rendered !== undefined) attempt(() => executor?.bind(name, rendered));
    ended[name] = { output: results[name] ?? {} };
    return rendered === undefined ? [] : [{ name, type, config: rendered }];
  });
  const outputs = attempt(() => renderOutputs(workflow.outputs, data()));
  return { steps, outputs: outputs ?? {}, problems };
}
