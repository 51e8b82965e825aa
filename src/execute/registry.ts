/** The one list of step types: a new one is a file in `steps/` and a line here. */
import type { StepExecutor } from "./step-type.ts";
import { createPolicy, type PolicyTools } from "./steps/policy.ts";
import { createSecret, type SecretTools } from "./steps/secret.ts";

export type ExecutorTools = PolicyTools & SecretTools;

export function createExecutors(tools: ExecutorTools): ReadonlyMap<string, StepExecutor> {
  const executors = [createPolicy(tools), createSecret(tools)];
  return new Map(executors.map((it) => [it.type, it]));
}
