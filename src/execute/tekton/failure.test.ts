import { describe, expect, it } from "vitest";
import { classifyReason, explainFailure, isRetryable } from "./failure.ts";
import {
  countTasks,
  pipelineRunSchema,
  progressOf,
  resolvedDigest,
  resultsOf,
  taskRunSchema,
} from "./status.ts";

const run = (status: object) =>
  pipelineRunSchema.parse({
    metadata: { name: "inn-1", namespace: "runs", uid: "u1", resourceVersion: "7" },
    spec: {},
    status,
  });
const condition = (status: string, reason = "", message = "") => ({
  conditions: [{ type: "Succeeded", status, reason, message }],
});
const task = (status: object) =>
  taskRunSchema.parse({
    metadata: { name: "inn-1-build", labels: { "tekton.dev/pipelineTask": "build" } },
    status,
  });
const started = { startedAt: "2026-01-01T00:00:00Z" };
const terminated = (exitCode: number, reason: string) => ({
  name: "compile",
  container: "step-compile",
  terminated: { exitCode, reason, ...started },
});

describe("progressOf", () => {
  it.each([
    [{}, "running"],
    [condition("Unknown", "Started"), "running"],
    [condition("True", "Succeeded"), "succeeded"],
    [condition("True", "Completed"), "succeeded"],
    [condition("True", "SomethingNew"), "succeeded"],
    [condition("False", "Failed"), "failed"],
    [condition("False", "Cancelled"), "cancelled"],
    [condition("False", "PipelineRunTimeout"), "failed"],
  ])("E29: reads %j as %s", (status, expected) => {
    expect(progressOf(run(status)).state).toBe(expected);
  });
});

describe("classifyReason", () => {
  it.each([
    ["StepOOM", "OOMKilled"],
    ["SidecarOOM", "OOMKilled"],
    ["InitContainerOOM", "OOMKilled"],
    ["PipelineRunTimeout", "DeadlineExceeded"],
    ["TaskRunTimeout", "DeadlineExceeded"],
    ["TaskRunImagePullFailed", "ImagePullBackOff"],
    ["PodCreationFailed", "ResourceExhausted"],
    ["PodEvicted", "ResourceExhausted"],
    ["CouldntGetPipeline", "PipelineNotFound"],
    ["CouldntGetTask", "PipelineNotFound"],
    ["ParameterMissing", "ConfigurationError"],
    ["ParameterTypeMismatch", "ConfigurationError"],
    ["InvalidWorkspaceBindings", "ConfigurationError"],
    ["PipelineValidationFailed", "ConfigurationError"],
    ["PipelineInvalidGraph", "ConfigurationError"],
    ["CreateContainerConfigError", "ConfigurationError"],
    ["CouldntGetPipelineResult", "ResultsMissing"],
    ["Failed", "TaskFailed"],
    ["NeverHeardOf", "Unknown"],
  ])("E21: %s is %s", (reason, expected) => {
    expect(classifyReason(reason)).toBe(expected);
  });

  it("E21: retries everything but what somebody has to correct", () => {
    expect(isRetryable("ConfigurationError")).toBe(false);
    expect(isRetryable("Forbidden")).toBe(false);
    expect(isRetryable("TaskFailed")).toBe(true);
  });
});

describe("explainFailure", () => {
  const failed = { reason: "Failed", message: "Tasks Completed: 1 (Failed: 1)" };
  const child = { childReferences: [{ name: "inn-1-build", kind: "TaskRun" }] };

  it("E21: names task, step, exit code and where the log is", () => {
    const taskRun = task({
      ...condition("False", "Failed"),
      podName: "inn-1-build-pod",
      steps: [terminated(2, "Error")],
    });
    expect(explainFailure(run(child), failed, [taskRun])).toEqual({
      reason: "TaskFailed",
      detail: failed.message,
      effect: true,
      retryable: true,
      task: "build",
      step: "compile",
      exitCode: 2,
      log: { pod: "inn-1-build-pod", container: "step-compile" },
    });
  });

  it.each([
    ["OOMKilled", [terminated(137, "OOMKilled")]],
    ["TaskFailed", [terminated(1, "Error")]],
  ])("E21: takes %s from a container's reason", (reason, steps) => {
    const taskRun = task({ ...condition("False", "Failed"), podName: "p", steps });
    expect(explainFailure(run(child), failed, [taskRun]).reason).toBe(reason);
  });

  it('E21: a "room" in a message is no OOM', () => {
    const message = "no room left in zoom bathroom, OOM";
    const taskRun = task({
      ...condition("False", "Failed", message),
      podName: "p",
      steps: [terminated(1, "Error")],
    });
    const told = explainFailure(run(child), { reason: "Failed", message }, [taskRun]);
    expect(told.reason).toBe("TaskFailed");
  });

  it.each([
    ["a step has run", task({ podName: "p", steps: [terminated(1, "Error")] }), true],
    ["a step is running", task({ podName: "p", steps: [{ name: "s", running: started }] }), true],
    [
      "its image was never pulled",
      task({
        ...condition("False", "TaskRunImagePullFailed"),
        podName: "p",
        steps: [{ name: "s", waiting: { reason: "ImagePullBackOff" } }],
      }),
      false,
    ],
    [
      "its pod was refused",
      task({ ...condition("False", "PodCreationFailed"), podName: "p" }),
      false,
    ],
    [
      "nobody knows its pod's containers",
      task({ ...condition("False", "Odd"), podName: "p" }),
      true,
    ],
  ])("E9: knows about effect when %s", (_, taskRun, effect) => {
    expect(explainFailure(run(child), failed, [taskRun]).effect).toBe(effect);
  });

  it("E9: counts TaskRuns that are gone as an effect, and none at all as none", () => {
    expect(explainFailure(run(child), failed, []).effect).toBe(true);
    const missing = { reason: "CouldntGetPipeline", message: "" };
    expect(explainFailure(run({}), missing, [])).toMatchObject({
      reason: "PipelineNotFound",
      effect: false,
    });
  });
});

describe("a PipelineRun's status", () => {
  it("E31: keeps the types of results", () => {
    const results = [
      { name: "url", value: "http://x" },
      { name: "hosts", value: ["a", "b"] },
      { name: "ports", value: { http: "80" } },
    ];
    expect(resultsOf(run({ results }))).toEqual({
      url: "http://x",
      hosts: ["a", "b"],
      ports: { http: "80" },
    });
  });

  it("E32: counts tasks that have ended, of all there are", () => {
    const spec = {
      pipelineSpec: { tasks: [{ name: "a" }, { name: "b" }], finally: [{ name: "c" }] },
    };
    const ended = task({ completionTime: "2026-01-01T00:00:00Z" });
    expect(countTasks(run(spec), [ended, task({})])).toEqual({ done: 1, all: 3 });
    expect(countTasks(run({}), [])).toBeUndefined();
  });

  it("E28: tells the digest that a tag meant", () => {
    const provenance = { refSource: { digest: { sha256: "abc" } } };
    expect(resolvedDigest(run({ provenance }))).toBe("sha256:abc");
    expect(resolvedDigest(run({}))).toBeUndefined();
  });
});
