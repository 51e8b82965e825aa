import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { createTekton } from "../../src/execute/steps/tekton.ts";
import type {
  CancelContext,
  EngineEvent,
  StepContext,
  StepResult,
} from "../../src/execute/step-type.ts";
import { openClusters } from "../../src/execute/kube/clusters.ts";
import { KubeError } from "../../src/execute/kube/kube-error.ts";
import { StepFailedError, WaitingError } from "../../src/model/errors.ts";
import type { Json, JsonRecord } from "../../src/model/json.ts";
import { createMasker } from "../../src/secrets/mask.ts";
import { stepContext } from "../support/step.ts";
import { clusterAs, openCorner, type Corner } from "./support/namespace.ts";
import { installTekton, play, succeeded } from "./support/tekton.ts";

const version = "tekton.dev/v1";
const startedAt = Date.parse("2026-01-01T00:00:00Z");

interface Stage {
  readonly corner: Corner;
  /** One look of the step, as the controller makes it. */
  look(config?: JsonRecord, more?: Partial<StepContext>): Promise<JsonRecord>;
  /** As `look`: all that the step tells. */
  result(): Promise<StepResult>;
  cancel(config?: JsonRecord, more?: Partial<CancelContext>): Promise<void>;
  note(): Json | undefined;
  /** What the journal holds after a crash. */
  restore(note: Json): void;
  readonly notes: Json[];
  readonly events: EngineEvent[];
  readonly logged: string[];
  /** Cuts the answer of the next request of this method. */
  readonly cut: { method: string | undefined };
  at(ms: number): void;
  woken(): number;
}

let corner: Corner;
beforeEach(async () => {
  corner = await openCorner(inject("kube"));
  await installTekton(corner);
});
afterEach(() => corner.watches.close());

function openStage(run = "run-1"): Stage {
  const clusters = openClusters([clusterAs(inject("kube"), "admin")]);
  const cut: Stage["cut"] = { method: undefined };
  let now = startedAt;
  let note: Json | undefined;
  let woken = 0;
  const notes: Json[] = [];
  const events: EngineEvent[] = [];
  const logged: string[] = [];
  const find: typeof clusters.find = (scope, provider) => {
    const cluster = clusters.find(scope, provider);
    return (
      cluster && {
        ...cluster,
        async call(call, signal) {
          const answer = await cluster.call(call, signal);
          if (cut.method !== call.method) return answer;
          cut.method = undefined;
          throw unanswered(call.method);
        },
      }
    );
  };
  const executor = createTekton({
    clock: { now: () => new Date(now), sleep: () => new Promise(() => undefined) },
    random: () => 0.5,
    kubernetes: { clusters: { ...clusters, find }, watches: corner.watches },
  });
  const contextOf = (more: Partial<StepContext>): StepContext =>
    stepContext({
      run,
      name: "migrate",
      key: `${run}/migrate`,
      note,
      deadlineAt: new Date(startedAt + 1_800_000),
      log: (text) => void logged.push(text),
      wake: () => void (woken += 1),
      writeNote: async (it, event) => {
        note = it;
        notes.push(it);
        if (event !== undefined) events.push(event);
      },
      ...more,
    });
  const bind = (config: JsonRecord) =>
    executor.bind("migrate", {
      namespace: corner.namespace,
      pipelineRef: { name: "workflow" },
      ...config,
    });
  return {
    corner,
    result: () => bind({}).run(contextOf({})),
    look: async (config = {}, more = {}) => (await bind(config).run(contextOf(more))).outputs,
    cancel: (config = {}, more = {}) =>
      bind(config).cancel({ ...contextOf({}), reason: "Cancelled", graceOver: false, ...more }),
    note: () => note,
    restore: (it) => void (note = it),
    notes,
    events,
    logged,
    cut,
    at: (ms) => void (now = startedAt + ms),
    woken: () => woken,
  };
}

const unanswered = (method: string): KubeError =>
  new KubeError(method, {
    status: 0,
    reason: "",
    message: "no answer: socket hang up",
    causes: [],
    retryAfterMs: undefined,
  });

const nameOf = (run = "run-1", attempt = 1): string =>
  `inn-${createHash("sha256").update(`${run}/migrate/${attempt}`).digest("hex").slice(0, 16)}`;

const read = (name = nameOf()) => corner.read(version, "PipelineRun", name);

async function thrownBy<E extends Error>(
  kind: abstract new (...of: never[]) => E,
  promise: Promise<unknown>,
): Promise<E> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof kind)) throw new Error(`expected ${kind.name}, found ${String(error)}`);
  return error;
}

const waits = (promise: Promise<unknown>) => thrownBy(WaitingError, promise);
const fails = async (promise: Promise<unknown>) => (await thrownBy(StepFailedError, promise)).fault;

const count = async (): Promise<number> => {
  const path = `/apis/${version}/namespaces/${corner.namespace}/pipelineruns`;
  const { body } = await corner.cluster.call({ method: "GET", path }, new AbortController().signal);
  return Array.isArray(body["items"]) ? body["items"].length : 0;
};

describe("the object", () => {
  test("E16: is intended in the journal before it is made, and its UID after", async () => {
    const stage = openStage();
    const there: unknown[] = [];
    const wait = await waits(
      stage.look(
        {},
        {
          writeNote: async (note) => {
            stage.notes.push(note);
            there.push(await read());
          },
        },
      ),
    );
    expect(wait.reason).toBe("PipelineRunRunning");
    expect(there[0]).toBeUndefined();
    const object = await read();
    expect(stage.notes).toMatchObject([
      { name: nameOf(), uid: null },
      { name: nameOf(), uid: object?.metadata.uid },
    ]);
  });

  test("E17: is adopted when it is ours already, and no second one is made", async () => {
    const stage = openStage();
    await waits(stage.look());
    stage.restore(stage.notes[0] ?? null); // killed between the create and its note
    await waits(stage.look());
    expect(await count()).toBe(1);
    expect(stage.events.map((it) => it.type)).toEqual(["PipelineRunCreated", "PipelineRunAdopted"]);
  });

  test("E17: of somebody else with its name is left alone, and conflicts without effect", async () => {
    const theirs = { apiVersion: version, kind: "PipelineRun", metadata: { name: nameOf() } };
    const before = await corner.apply(JSON.stringify({ ...theirs, spec: { theirs: true } }));
    const stage = openStage();
    const fault = await fails(stage.look());
    expect(fault).toMatchObject({ reason: "NameConflict", effect: false });
    expect(await read()).toEqual(before);
    expect(stage.events).toEqual([
      { type: "PipelineRunConflict", engineObject: `${corner.namespace}/${nameOf()}` },
    ]);
  });

  test("E18: is looked for after a create that nobody answered", async () => {
    const stage = openStage();
    stage.cut.method = "POST";
    await waits(stage.look());
    expect(await count()).toBe(1);
    expect(stage.events.map((it) => it.type)).toEqual(["PipelineRunAdopted"]);
  });

  test("E18: is made later, once, where the create never arrived", async () => {
    const stage = openStage();
    stage.cut.method = "POST";
    await waits(stage.look());
    await corner.remove(version, "PipelineRun", nameOf());
    stage.restore(stage.notes[0] ?? null);
    await waits(stage.look());
    expect(await count()).toBe(1);
  });

  test("E19: that a person deletes fails the step with effect, and is not made again", async () => {
    const stage = openStage();
    await waits(stage.look());
    await corner.remove(version, "PipelineRun", nameOf());
    expect(await fails(stage.look())).toMatchObject({ reason: "ExternallyDeleted", effect: true });
    expect(await count()).toBe(0);
  });

  test("E19: that stands there under another UID is not ours any more", async () => {
    const stage = openStage();
    await waits(stage.look());
    const before = await read();
    await corner.remove(version, "PipelineRun", nameOf());
    const { annotations } = before?.metadata ?? {};
    const metadata = { name: nameOf(), annotations };
    await corner.apply(JSON.stringify({ apiVersion: version, kind: "PipelineRun", metadata }));
    expect(await fails(stage.look())).toMatchObject({ reason: "ExternallyDeleted" });
  });

  test("E16: of a further attempt has another name", async () => {
    const stage = openStage();
    await waits(stage.look());
    await play(corner, nameOf(), succeeded("False", "Failed"));
    await fails(stage.look());
    await waits(stage.look());
    expect(await read(nameOf("run-1", 2))).toBeDefined();
  });

  test("E20: stays for a day after its end, and is gone after that", async () => {
    const stage = openStage();
    await waits(stage.look());
    const ended = { completionTime: "2026-01-01T00:00:00Z", ...succeeded("True", "Succeeded") };
    await play(corner, nameOf(), ended);
    await stage.look();

    const [day, early, late] = [86_400_000, openStage("run-2"), openStage("run-3")];
    const deadlineAt = new Date(startedAt + 2 * day);
    early.at(day - 1);
    await waits(early.look({}, { deadlineAt }));
    expect(await read()).toBeDefined();
    late.at(day);
    await waits(late.look({}, { deadlineAt }));
    expect(await read()).toBeUndefined();
    expect(await read(nameOf("run-2"))).toBeDefined();
  });
});

describe("how it went", () => {
  test("E21: a failure names reason, task, step, exit code and effect", async () => {
    const stage = openStage();
    await waits(stage.look());
    const terminated = { exitCode: 137, reason: "OOMKilled", startedAt: "2026-01-01T00:00:00Z" };
    const status = {
      ...succeeded("False", "Failed"),
      podName: "pod",
      steps: [{ name: "load", container: "step-load", terminated }],
    };
    await play(corner, nameOf(), succeeded("False", "Failed", "tasks failed"), [
      { name: "import", status },
    ]);
    expect(await fails(stage.look())).toEqual({
      reason: "OOMKilled",
      detail: "tasks failed",
      effect: true,
      retryable: true,
      task: "import",
      step: "load",
      exitCode: 137,
    });
  });

  test("E9, E21: when it ended is told by the engine, of a success and of a failure", async () => {
    const at = { completionTime: "2026-01-01T00:03:00Z" };
    const stage = openStage();
    await waits(stage.look());
    await play(corner, nameOf(), { ...at, ...succeeded("True", "Succeeded") });
    expect(await stage.result()).toEqual({
      outputs: {},
      sensitive: [],
      completedAt: "2026-01-01T00:03:00.000Z",
    });
    const other = openStage("run-2");
    await waits(other.look());
    await play(corner, nameOf("run-2"), { ...at, ...succeeded("False", "Failed") });
    expect((await fails(other.look())).at).toBe("2026-01-01T00:03:00.000Z");
  });

  test("E29: True is success, whatever its reason, and skipped tasks are told", async () => {
    const stage = openStage();
    await waits(stage.look());
    const skippedTasks = [{ name: "notify", reason: "When Expressions evaluated to false" }];
    await play(corner, nameOf(), { ...succeeded("True", "Completed"), skippedTasks });
    await stage.look();
    expect(stage.logged.join("")).toContain("skipped: notify");
  });

  test("E29: a cancellation that we did not ask for is a failure", async () => {
    const stage = openStage();
    await waits(stage.look());
    await play(corner, nameOf(), succeeded("False", "Cancelled"));
    expect(await fails(stage.look())).toMatchObject({ reason: "CancelledExternally" });
  });

  test("E30: a change wakes the waiting step; without a watch it looks after one poll", async () => {
    const stage = openStage();
    const { retryAfterMs } = await waits(stage.look());
    expect(retryAfterMs).toBe(10_000);
    await play(corner, nameOf(), succeeded("Unknown", "Running"));
    await expect.poll(() => stage.woken(), { timeout: 10_000 }).toBe(1);
  });

  test("E31: results are outputs, with their types; those declared sensitive are secrets", async () => {
    const stage = openStage();
    await waits(stage.look());
    const results = [
      { name: "hosts", value: ["a", "b"] },
      { name: "token", value: "t0p" },
    ];
    await play(corner, nameOf(), { ...succeeded("True", "Succeeded"), results });
    expect(await stage.look({ sensitive: ["token"] })).toEqual({ hosts: ["a", "b"], token: "t0p" });
  });

  test("E31: results of what failed are journalled only, and no secret among them", async () => {
    const stage = openStage();
    await waits(stage.look());
    const results = [
      { name: "rows", value: "12" },
      { name: "hidden", value: "t0p" },
    ];
    await play(corner, nameOf(), { ...succeeded("False", "Failed"), results });
    await fails(stage.look({ sensitive: ["hidden"] }));
    expect(stage.logged.join("")).toContain('result rows: "12"');
    expect(stage.logged.join("")).not.toContain("t0p");
  });

  test("E32: progress is tasks that have ended, of all there are", async () => {
    const stage = openStage();
    await waits(stage.look());
    const pipelineSpec = { tasks: [{ name: "a" }, { name: "b" }], finally: [{ name: "c" }] };
    const done = { completionTime: "2026-01-01T00:00:00Z", ...succeeded("True", "Succeeded") };
    await play(corner, nameOf(), { ...succeeded("Unknown", "Running"), pipelineSpec }, [
      { name: "a", status: done },
      { name: "b", status: succeeded("Unknown", "Running") },
    ]);
    expect((await waits(stage.look())).message).toContain("1 of 3 tasks done");
  });
});

describe("what it is given", () => {
  test("E28: a secret in params is refused before anything is made", async () => {
    const masker = createMasker();
    masker.add("hunter2-hunter2");
    const config = { params: { PASSWORD: "hunter2-hunter2" } };
    const fault = await fails(openStage().look(config, { masker }));
    expect(fault).toMatchObject({ reason: "ConfigurationError", effect: false, retryable: false });
    expect(fault.detail).toContain("PASSWORD");
    expect(fault.detail).not.toContain("hunter2");
    expect(await count()).toBe(0);
  });

  test("E28: a bundle by tag is warned about, and what it meant is told", async () => {
    const stage = openStage();
    const config = { pipelineRef: { bundle: "img:v1", name: "workflow" } };
    await waits(stage.look(config));
    const provenance = { refSource: { digest: { sha256: "abc" } } };
    await play(corner, nameOf(), { ...succeeded("True", "Succeeded"), provenance });
    await stage.look(config);
    expect(stage.logged.join("")).toContain("warning: the bundle is named by a tag");
    expect(stage.logged.join("")).toContain("sha256:abc");
  });

  test("E34: the pipeline may take what is left, and its parts no longer together", async () => {
    const stage = openStage();
    stage.at(600_000);
    await waits(stage.look());
    expect(await read()).toMatchObject({ spec: { timeouts: { pipeline: "0h20m0s" } } });
    const parts = { timeouts: { tasks: "29m", finally: "2m" } };
    const fault = await fails(openStage("run-2").look(parts));
    expect(fault).toMatchObject({ reason: "ConfigurationError", effect: false });
    expect(await read(nameOf("run-2"))).toBeUndefined();
  });

  test("E34: nothing is made once the deadline has passed", async () => {
    const stage = openStage();
    stage.at(1_800_000);
    expect(await fails(stage.look())).toMatchObject({ reason: "DeadlineExceeded", effect: false });
    expect(await count()).toBe(0);
  });

  test("E35: without Tekton it says what to install", async () => {
    for (const plural of ["pipelineruns", "taskruns"]) {
      const name = `${plural}.tekton.dev`;
      await corner.remove("apiextensions.k8s.io/v1", "CustomResourceDefinition", name);
    }
    const absent = async () => {
      const fault = await fails(openStage().look());
      return `${fault.reason} ${fault.detail}`;
    };
    await expect.poll(absent, { timeout: 20_000 }).toMatch(/^EngineUnavailable .*Tekton Pipelines/);
  });
});

describe("cancelling", () => {
  const stopsOf = async () => (await read())?.["spec"];

  test("E33: what was never made is not made", async () => {
    await openStage().cancel();
    expect(await count()).toBe(0);
  });

  test("E33: asks Tekton once, waits, and ends when it has ended", async () => {
    const stage = openStage();
    await waits(stage.look());
    expect((await waits(stage.cancel())).reason).toBe("Stopping");
    expect(await stopsOf()).toMatchObject({ status: "CancelledRunFinally" });
    const before = (await read())?.metadata.resourceVersion;
    await waits(stage.cancel());
    expect((await read())?.metadata.resourceVersion).toBe(before);
    await play(corner, nameOf(), succeeded("False", "Cancelled"));
    await stage.cancel();
  });

  test("E33: deletes what has not stopped when the grace is over", async () => {
    const stage = openStage();
    await waits(stage.look());
    await waits(stage.cancel({ onCancel: "Cancelled" }));
    await stage.cancel({ onCancel: "Cancelled" }, { graceOver: true });
    expect(await read()).toBeUndefined();
  });

  test("E33: leaves alone what has finished", async () => {
    const stage = openStage();
    await waits(stage.look());
    await play(corner, nameOf(), succeeded("True", "Succeeded"));
    const before = await read();
    await stage.cancel();
    expect(await read()).toEqual(before);
  });
});
