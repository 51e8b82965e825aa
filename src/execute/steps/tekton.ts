/**
 * Step type `tekton`: one PipelineRun, made once, waited for without a worker, its results the step's
 * outputs. What it journals finds the object again after any crash.
 */
import type { Clock, Random } from "../../model/clock.ts";
import { spread } from "../../model/clock.ts";
import { StepFailedError, WaitingError, type Fault } from "../../model/errors.ts";
import { isCredentialName } from "../../provider/credentials.ts";
import { clusterOf } from "../kube/clusters.ts";
import { toStepError } from "../kube/failure.ts";
import {
  defineStep,
  type CancelContext,
  type EngineEvent,
  type StepContext,
  type StepExecutor,
  type StepResult,
} from "../step-type.ts";
import type { KubernetesTools } from "./kubernetes.ts";
import { tektonConfig, type TektonConfig } from "../tekton/config.ts";
import { openEngine, type Engine, type Place } from "../tekton/engine.ts";
import { explainFailure } from "../tekton/failure.ts";
import { readNote, toJson, type Note } from "../tekton/note.ts";
import { intend, ownerOf, withoutEffect } from "../tekton/intent.ts";
import { holdObject, isOurs } from "../tekton/object.ts";
import { buildPipelineRun, isByTag } from "../tekton/pipeline-run.ts";
import { sweepFinished } from "../tekton/retention.ts";
import {
  completedAt,
  countTasks,
  progressOf,
  resolvedDigest,
  resultsOf,
  type Condition,
  type PipelineRun,
} from "../tekton/status.ts";

export interface TektonTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly kubernetes: Pick<KubernetesTools, "clusters" | "watches">;
}

/** A dead watch costs one of these (E30). */
const pollMs = 10_000;
/** After its time is over, Tekton ends it by itself; if it has not after so long, we do (E34). */
const overtimeMs = 60_000;
const logTailBytes = 4_096;

export function createTekton(tools: TektonTools): StepExecutor {
  return defineStep({
    type: "tekton",
    schema: tektonConfig,
    contexts: {},
    overtimeMs,
    run: (config, context) => run(tools, config, context),
    observe: async (_, { note }) => {
      const known = readNote(note);
      return known === undefined || known.ended ? { state: "absent" } : { state: "underway" };
    },
    cancel: (config, context) => cancel(tools, config, context),
  });
}

async function run(
  tools: TektonTools,
  config: TektonConfig,
  context: StepContext,
): Promise<StepResult> {
  const engine = engineOf(tools, context);
  const known = readNote(context.note);
  const note =
    known === undefined || known.ended
      ? await intend(tools.clock.now(), config, context, (known?.attempt ?? 0) + 1)
      : known;
  const { note: held, object } = await hold(tools, engine, config, context, note);
  const progress = progressOf(object);
  switch (progress.state) {
    case "running":
      return waitOn(tools, engine, context, object);
    case "succeeded":
      return succeed(config, context, object);
    case "failed":
    case "cancelled":
      return fail(engine, config, context, held, object, progress);
  }
}

async function hold(
  { clock }: TektonTools,
  engine: Engine,
  config: TektonConfig,
  context: StepContext,
  note: Note,
): Promise<{ readonly note: Note; readonly object: PipelineRun }> {
  const owner = ownerOf(context, note.attempt);
  const described = { ...owner, uid: context.uid, environment: context.scope.environment };
  const leftMs = Date.parse(note.deadlineAt) - clock.now().getTime();
  const manifest = leftMs > 0 ? buildPipelineRun(config, described, leftMs) : undefined;
  const held = await holdObject(engine, note, owner, manifest).catch((error: unknown) =>
    refuse(error, context, note),
  );
  switch (held.kind) {
    case "conflict": {
      const detail = `PipelineRun ${nameOf(note)} is there, and is not ours`;
      const fault = { ...withoutEffect("NameConflict", detail), retryable: false };
      return end(context, note, fault, {
        type: "PipelineRunConflict",
        engineObject: nameOf(note),
      });
    }
    case "gone":
      return end(context, note, {
        reason: "ExternallyDeleted",
        detail: `PipelineRun ${nameOf(note)} was deleted by somebody else`,
        effect: true,
        retryable: true,
      });
    case "late":
      return end(
        context,
        note,
        withoutEffect("DeadlineExceeded", "its time was over before it was made"),
      );
    case "known":
      return { note, object: held.object };
    case "created":
    case "adopted": {
      const { object } = held;
      const next = { ...note, uid: object.metadata.uid };
      await context.writeNote(toJson(next), {
        type: held.kind === "created" ? "PipelineRunCreated" : "PipelineRunAdopted",
        engineObject: nameOf(note),
      });
      context.log(`PipelineRun ${nameOf(note)} ${held.kind}\n`);
      if (isByTag(config)) {
        context.log(
          "warning: the bundle is named by a tag, which may come to mean another image\n",
        );
      }
      await sweepFinished(engine, note.namespace, clock.now());
      return { note: next, object };
    }
  }
}

/** A refusal ends the attempt: nothing was made. Where nobody answered, the same is asked again. */
async function refuse(thrown: unknown, context: StepContext, note: Note): Promise<never> {
  context.signal.throwIfAborted();
  const error = toStepError(thrown, `PipelineRun ${nameOf(note)}`, false);
  if (error instanceof StepFailedError) return end(context, note, error.fault);
  throw error;
}

function engineOf({ kubernetes }: TektonTools, { scope, provider, signal }: StepContext): Engine {
  const cluster = clusterOf(kubernetes.clusters, scope, provider);
  return openEngine(cluster, kubernetes.watches, signal);
}

async function waitOn(
  { random }: TektonTools,
  engine: Engine,
  { key, wake, log }: StepContext,
  object: PipelineRun,
): Promise<never> {
  const taskRuns = await engine.taskRuns(object.metadata);
  const tasks = countTasks(object, taskRuns);
  const told = tasks === undefined ? "not started yet" : `${tasks.done} of ${tasks.all} tasks done`;
  const message = `PipelineRun ${nameOf(object.metadata)}: ${told}`;
  log(`${message}\n`);
  await engine.follow(object, key, wake);
  throw new WaitingError("PipelineRunRunning", message, spread(pollMs, 0.1, random));
}

async function succeed(
  { sensitive }: TektonConfig,
  { log }: StepContext,
  object: PipelineRun,
): Promise<StepResult> {
  const digest = resolvedDigest(object);
  if (digest !== undefined) log(`the pipeline was ${digest}\n`);
  for (const { name, reason } of object.status.skippedTasks) log(`skipped: ${name} (${reason})\n`);
  const at = completedAt(object);
  const result = { outputs: resultsOf(object), sensitive };
  return at === undefined ? result : { ...result, completedAt: at };
}

/** Results of what failed are journalled, and nothing is made of them (E31). */
async function fail(
  engine: Engine,
  config: TektonConfig,
  context: StepContext,
  note: Note,
  object: PipelineRun,
  ended: Condition & { readonly state: "failed" | "cancelled" },
): Promise<never> {
  const { log } = context;
  const taskRuns = await engine.taskRuns(note);
  const { log: place, ...told } = explainFailure(object, ended, taskRuns);
  const logTail =
    place === undefined
      ? ""
      : await engine.logTail({ namespace: note.namespace, ...place }, logTailBytes);
  const shown = Object.entries(resultsOf(object)).filter(
    ([name]) => !config.sensitive.includes(name) && !isCredentialName(name),
  );
  for (const [name, value] of shown) log(`result ${name}: ${JSON.stringify(value)}\n`);
  const reason = ended.state === "cancelled" ? "CancelledExternally" : told.reason;
  const at = completedAt(object);
  return end(context, note, {
    ...told,
    reason,
    ...(logTail === "" ? {} : { logTail }),
    ...(at === undefined ? {} : { at }),
  });
}

/** Said before it is thrown: a further attempt makes an object of its own. */
async function end(
  context: StepContext,
  note: Note,
  fault: Fault,
  event?: EngineEvent,
): Promise<never> {
  await context.writeNote(toJson({ ...note, ended: true }), event);
  throw new StepFailedError(fault);
}

/** E33: asked once, then looked at; after the grace, deleted. What has ended, or was never made, needs nothing. */
async function cancel(
  tools: TektonTools,
  { onCancel }: TektonConfig,
  context: CancelContext,
): Promise<void> {
  const note = readNote(context.note);
  if (note === undefined || note.ended) return;
  const engine = engineOf(tools, context);
  const object = await engine.read(note);
  if (object === undefined || (note.uid !== null && object.metadata.uid !== note.uid)) return;
  if (note.uid === null && !isOurs(object, note, ownerOf(context, note.attempt))) return;
  if (progressOf(object).state !== "running") return;
  const { uid } = object.metadata;
  if (context.graceOver) return engine.delete(note, uid);
  if (note.stoppedAt === null) {
    await context.writeNote(toJson({ ...note, uid, stoppedAt: tools.clock.now().toISOString() }));
  }
  if (object.spec.status === undefined) await engine.stop(note, uid, onCancel);
  await engine.follow(object, context.key, context.wake);
  const message = `PipelineRun ${nameOf(note)} is being stopped (${onCancel})`;
  throw new WaitingError("Stopping", message, spread(pollMs, 0.1, tools.random));
}

const nameOf = ({ namespace, name }: Place): string => `${namespace}/${name}`;
