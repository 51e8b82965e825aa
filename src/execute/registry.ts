/** The one list of step types: a new one is a file in `steps/` and a line here. */
import type { StepExecutor } from "./step-type.ts";
import { createHttp } from "./steps/http.ts";
import { createKubernetes, noKubernetes, type KubernetesTools } from "./steps/kubernetes.ts";
import { createPolicy, type PolicyTools } from "./steps/policy.ts";
import { createSecret, type SecretTools } from "./steps/secret.ts";
import { createSql } from "./steps/sql.ts";
import { createTekton, type TektonTools } from "./steps/tekton.ts";
import { createWait, type WaitTools } from "./steps/wait.ts";

export type ExecutorTools = PolicyTools &
  SecretTools &
  WaitTools &
  Omit<TektonTools, "kubernetes"> & {
    /** Absent: no environment has a cluster. */
    readonly kubernetes?: KubernetesTools;
  };

export function createExecutors(tools: ExecutorTools): ReadonlyMap<string, StepExecutor> {
  const { kubernetes = noKubernetes } = tools;
  const executors = [
    createHttp(tools),
    createKubernetes(kubernetes),
    createPolicy(tools),
    createSecret(tools),
    createSql(tools),
    createTekton({ ...tools, kubernetes }),
    createWait(tools),
  ];
  return new Map(executors.map((it) => [it.type, it]));
}
