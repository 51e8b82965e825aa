/**
 * Why a PipelineRun failed, and whether anything may have happened (execution semantics §4, E21). By
 * structured reasons: what a message says is detail for people.
 */
import type { Condition, PipelineRun, TaskRun } from "./status.ts";

export interface EngineFailure {
  readonly reason: string;
  readonly detail: string;
  /** Whether a step's container has started; in doubt, yes. */
  readonly effect: boolean;
  /** Whether trying again may help where nothing happened. */
  readonly retryable: boolean;
  readonly task?: string;
  readonly step?: string;
  readonly exitCode?: number;
  /** Where the step's log is. */
  readonly log?: { readonly pod: string; readonly container: string };
}

const byReason: ReadonlyMap<string, string> = new Map([
  ["StepOOM", "OOMKilled"],
  ["SidecarOOM", "OOMKilled"],
  ["InitContainerOOM", "OOMKilled"],
  ["OOMKilled", "OOMKilled"],
  ["PipelineRunTimeout", "DeadlineExceeded"],
  ["TaskRunTimeout", "DeadlineExceeded"],
  ["TaskRunImagePullFailed", "ImagePullBackOff"],
  ["ImagePullBackOff", "ImagePullBackOff"],
  ["ErrImagePull", "ImagePullBackOff"],
  ["PodCreationFailed", "ResourceExhausted"],
  ["PodEvicted", "ResourceExhausted"],
  ["Evicted", "ResourceExhausted"],
  ["ExceededResourceQuota", "ResourceExhausted"],
  ["CouldntGetPipeline", "PipelineNotFound"],
  ["CouldntGetTask", "PipelineNotFound"],
  ["CreateContainerConfigError", "ConfigurationError"],
  ["CouldntGetPipelineResult", "ResultsMissing"],
  ["Failed", "TaskFailed"],
  ["StepFailed", "TaskFailed"],
]);

const configuration =
  /^(Parameter|Invalid)|^Pipeline.*(Validation|InvalidGraph)|^TaskRunValidation/;

export function classifyReason(reason: string): string {
  const known = byReason.get(reason);
  if (known !== undefined) return known;
  return configuration.test(reason) ? "ConfigurationError" : "Unknown";
}

const neverRetried = new Set(["ConfigurationError", "Forbidden"]);

/** §4's last column. */
export const isRetryable = (reason: string): boolean => !neverRetried.has(reason);

/**
 * The whole run's reason where it says more than that something failed; else that of the task and
 * step which ended it.
 */
export function explainFailure(
  run: PipelineRun,
  { reason, message }: Condition,
  taskRuns: readonly TaskRun[],
): EngineFailure {
  const whole = classifyReason(reason);
  const effect = hasEffect(run, taskRuns);
  const failed = failedTask(taskRuns);
  const step = failed === undefined ? undefined : failedStep(failed);
  const inner = failed === undefined ? undefined : reasonOfTask(failed, step);
  const isVague = whole === "TaskFailed" || whole === "Unknown";
  const found = isVague && inner !== undefined ? inner : whole;
  const where = step?.container === "" ? `step-${step.name}` : step?.container;
  const pod = failed?.status.podName ?? "";
  return {
    reason: found,
    detail: message,
    effect,
    retryable: isRetryable(found),
    ...(failed === undefined ? {} : { task: taskName(failed) }),
    ...(step === undefined ? {} : { step: step.name }),
    ...(step?.terminated == null ? {} : { exitCode: step.terminated.exitCode }),
    ...(pod === "" || where === undefined ? {} : { log: { pod, container: where } }),
  };
}

/** TaskRuns that the run refers to and that are gone may have done anything. */
function hasEffect({ status }: PipelineRun, taskRuns: readonly TaskRun[]): boolean {
  if (taskRuns.length < status.childReferences.filter(isTaskRun).length) return true;
  return taskRuns.some((it) => {
    const { steps, podName, conditions } = it.status;
    if (steps.length > 0) return steps.some(hasStarted);
    // A pod that nothing is known of, unless it is known why it never ran.
    return podName !== "" && !neverRan.has(classifyReason(conditions[0]?.reason ?? ""));
  });
}

const isTaskRun = ({ kind }: { readonly kind: string }): boolean => kind === "TaskRun";

const hasStarted = ({ running, terminated }: TaskStep): boolean =>
  running != null || terminated?.startedAt != null;

const neverRan = new Set(["ResourceExhausted", "ImagePullBackOff", "ConfigurationError"]);

const taskName = ({ metadata }: TaskRun): string =>
  metadata.labels["tekton.dev/pipelineTask"] ?? metadata.name;

const failedTask = (taskRuns: readonly TaskRun[]): TaskRun | undefined =>
  taskRuns
    .filter(({ status }) => status.conditions[0]?.status === "False")
    .toSorted((a, b) => (endOf(a) < endOf(b) ? -1 : 1))[0];

const endOf = ({ status }: TaskRun): string => status.completionTime ?? "~";

type TaskStep = TaskRun["status"]["steps"][number];

const failedStep = ({ status }: TaskRun): TaskStep | undefined =>
  status.steps.find(({ terminated }) => terminated != null && terminated.exitCode !== 0) ??
  status.steps.find(({ waiting }) => waiting != null && waiting.reason !== "");

function reasonOfTask({ status }: TaskRun, step: TaskStep | undefined): string {
  const said = [
    step?.terminated?.reason,
    step?.terminationReason,
    ...status.sidecars.map(({ terminated }) => terminated?.reason),
    step?.waiting?.reason,
    status.conditions[0]?.reason,
  ];
  const classes = said.flatMap((it) => (it === undefined || it === "" ? [] : [classifyReason(it)]));
  return (
    classes.find((it) => it !== "TaskFailed" && it !== "Unknown") ?? classes.at(-1) ?? "Unknown"
  );
}
