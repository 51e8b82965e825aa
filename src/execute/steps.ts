/**
 * Performs a run's steps in order, each journalled before and after, so that a killed process goes
 * on where it was: a finished step never runs again, and one whose end is unknown is looked at
 * before anything is done (law 6, E6).
 */
import type { Clock, Random } from "../model/clock.ts";
import {
  CancelledError,
  StallingError,
  StepFailedError,
  SupersededError,
  WaitingError,
} from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { RunOperation } from "../model/run.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Workflow, WorkflowStep } from "../model/workflow.ts";
import { isCredentialName } from "../provider/credentials.ts";
import type { Masker } from "../secrets/mask.ts";
import { attempt, formatMs } from "./attempt.ts";
import { stop } from "./cleanup.ts";
import { noteWriter } from "./notes.ts";
import { failStep, mayRetry, type Failure } from "./failure.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { isWanted, renderConfig, renderOutputs, type TemplateData } from "./render.ts";
import { defaultRetry, retryDelayMs, type RetryPolicy } from "./retry.ts";
import { learn, withSecrets } from "./sensitive.ts";
import {
  PermanentError,
  type BoundStep,
  type CancelReason,
  type Observed,
  type StepContext,
  type StepExecutor,
  type StepResult,
} from "./step-type.ts";

export interface RunRequest {
  readonly scope: Scope;
  readonly run: string;
  readonly uid: Uid;
  /** Name of the provider whose workflow this is. */
  readonly provider: string;
  readonly operation: RunOperation;
  readonly steps: readonly WorkflowStep[];
  readonly outputs: Workflow["outputs"];
  /** Final values; secrets are in plain, and the masker knows them. */
  readonly parameters: JsonRecord;
  /** `APP_NAME` and the like, for scripts. */
  readonly environment: Readonly<Record<string, string>>;
  readonly masker: Masker;
  /** What `now` gives in templates, ISO 8601: of the run, not of the claim, so that a resume renders the same. */
  readonly now: string;
  /** Until the run's deadline, from when it was claimed; `undefined`: it has none. */
  readonly leftMs?: number | undefined;
}

export interface RunTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly retry?: RetryPolicy;
  /** Makes the waiting run claimable at once. */
  readonly wake?: () => void;
  /** A step's own cleanup failed for good; the run ends all the same. */
  readonly onCleanupFailed?: (step: string, message: string) => void;
}

/**
 * Performs what is left of the run.
 *
 * @returns the workflow's outputs; `sensitive` are the names of those that are secret, by
 *   declaration or because a secret value is in them
 * @throws {WaitingError} the run waits, without a worker: for a further attempt (`StepRetry`), or
 *   because a step says so
 * @throws {StallingError} LeaseLostError, SupersededError, CancelledError, the signal's reason;
 *   anything else is a failed run, of which a StepFailedError tells more. Messages are masked.
 */
export async function performRun(
  request: RunRequest,
  executors: ReadonlyMap<string, StepExecutor>,
  journal: Journal,
  tools: RunTools,
  signal: AbortSignal,
): Promise<StepResult> {
  const known = request.steps.map((step) => ({ step, executor: executorOf(step, executors) }));
  const entries = await journal.read();
  const claimedAt = tools.clock.now().getTime();
  const sinceClaimMs = () => tools.clock.now().getTime() - claimedAt;
  const runLeftMs = () => (request.leftMs ?? Number.POSITIVE_INFINITY) - sinceClaimMs();
  const performer = { request, journal, tools, signal, sinceClaimMs, runLeftMs };
  const ended = new Map<string, StepResult>();

  for (const [index, { step, executor }] of known.entries()) {
    const entry = entries.get(step.name);
    if (entry?.state === "skipped") continue;
    if (entry?.state === "ended") {
      learn(entry, request.masker);
      ended.set(step.name, entry);
      continue;
    }
    signal.throwIfAborted();
    const data = dataOf(request, ended);
    const result = await performStep(performer, { step, index, executor, entry, data });
    if (result !== undefined) ended.set(step.name, result);
  }

  const outputs = renderOutputs(request.outputs, dataOf(request, ended));
  const isSecret = (name: string): boolean =>
    request.outputs[name]?.sensitive ?? isCredentialName(name);
  return withSecrets(outputs, isSecret, request.masker);
}

type OpenEntry = Exclude<JournalEntry, { readonly state: "ended" | "skipped" }>;

interface Performer {
  readonly request: RunRequest;
  readonly journal: Journal;
  readonly tools: RunTools;
  readonly signal: AbortSignal;
  /** Time gone by here since the entries were read. */
  readonly sinceClaimMs: () => number;
  /** Until the run's deadline. */
  readonly runLeftMs: () => number;
}

interface OpenStep {
  readonly step: WorkflowStep;
  readonly index: number;
  readonly executor: StepExecutor;
  readonly entry: OpenEntry | undefined;
  readonly data: TemplateData;
}

/** @returns `undefined` when the step is skipped */
async function performStep(performer: Performer, open: OpenStep): Promise<StepResult | undefined> {
  const { request, journal, tools, signal } = performer;
  const { step, index, executor, entry, data } = open;
  const place = { name: step.name, index, type: step.type, readOnly: executor.readOnly };
  if (entry?.state === "failed" && !mayRetry(step, entry.attempts, entry.fault)) {
    throw asFailure(entry); // killed between the step's end and the run's
  }

  const fail = (failure: Failure) =>
    failStep(step, failure, { journal, masker: request.masker, ...tools });
  const prepared = prepare(step, executor, data, entry === undefined);
  if (prepared.state === "skipped") {
    await journal.skip(place);
    return undefined;
  }
  const leftMs = performer.runLeftMs();
  if (prepared.state === "faulty" || (leftMs <= 0 && entry?.state !== "waiting")) {
    await journal.start(place);
    const error = prepared.state === "faulty" ? prepared.error : runIsOver();
    return fail({ attempts: 1, leftMs: 0, error, effect: entry?.state === "started" });
  }

  const before = performer.sinceClaimMs();
  const elapsedMs = () =>
    entry === undefined
      ? performer.sinceClaimMs() - before
      : entry.elapsedMs + performer.sinceClaimMs();
  const stepLeftMs = () => Math.min(step.timeoutMs - elapsedMs(), performer.runLeftMs());
  const attempts = (entry?.attempts ?? 0) + (entry?.state === "waiting" ? 0 : 1);
  const { scope, uid, provider, run, parameters, environment, masker } = request;
  const key = `${run}/${step.name}`;
  const identity = {
    scope,
    uid,
    provider,
    run,
    name: step.name,
    key,
    parameters,
    environment,
    masker,
  };
  let context: Omit<StepContext, "log" | "signal"> = {
    ...identity,
    note: entry?.note,
    writeNote: noteWriter(journal, step.name, masker),
    attempt: attempts,
    elapsedMs: elapsedMs(),
    deadlineAt: new Date(tools.clock.now().getTime() + Math.min(stepLeftMs(), longestMs)),
    wake: tools.wake ?? (() => undefined),
  };
  const cleanUp = (reason: CancelReason, sinceMs: number): Promise<void> =>
    stop(prepared.bound, { ...context, reason, log: () => undefined, signal }, sinceMs, {
      ...tools,
      waiting: (ms) => journal.wait(step.name, ms, reason === "DeadlineExceeded"),
    });

  const finish = async (done: StepResult): Promise<StepResult> => {
    const isSecret = (name: string) => done.sensitive.includes(name) || isCredentialName(name);
    const result = withSecrets(done.outputs, isSecret, masker);
    const { completedAt } = done;
    await journal.end(step.name, completedAt === undefined ? result : { ...result, completedAt });
    return result;
  };

  let settles = false;
  const start = async (): Promise<void> => {
    try {
      await journal.start(place, settles);
    } catch (error) {
      const isEnd = error instanceof SupersededError || error instanceof CancelledError;
      if (!isEnd || (entry?.state !== "waiting" && entry?.state !== "started")) throw error;
      const reason = error instanceof CancelledError ? "Cancelled" : "Superseded";
      await cleanUp(reason, error.elapsedMs);
      throw error;
    }
  };

  if (entry?.state === "started") {
    const observed = await observe(performer, open, prepared.bound, context);
    if (observed.state === "done") return finish(observed.result);
    if (observed.state === "unknown" && !step.retrySafe) {
      const hint = "look at the resource, then `innominatus retry` or `innominatus abandon`";
      const message = masker.mask(`step ${step.name}: ${observed.message}`);
      throw new StallingError("EffectUnknown", message, hint);
    }
    // Whatever else is wanted meanwhile: a run that ended here would leave its effect to nobody.
    settles = observed.state === "unknown";
    // The attempt that was begun goes on, as one that waits does.
    if (observed.state === "underway") {
      await journal.wait(step.name, 0);
      context = { ...context, attempt: entry.attempts };
    }
  }

  const overtimeMs = () => -stepLeftMs() - executor.overtimeMs;
  const exceeded = async (message: string): Promise<never> => {
    await cleanUp("DeadlineExceeded", Math.max(0, overtimeMs()));
    const late = stepIsLate(step, performer.runLeftMs() <= 0, message);
    return fail({ attempts: step.retries + 1, leftMs: 0, error: late, effect: true });
  };
  await start();
  if (entry?.state === "waiting" && entry.stopping === true) return exceeded("stopped");

  const put = (text: string) => journal.log(step.name, text);
  const timeoutMs = Math.min(step.timeoutMs, leftMs > 0 ? leftMs : step.timeoutMs);
  const outcome = await attempt(prepared.bound, context, timeoutMs, put, tools.clock, signal);
  if (outcome.ok) return finish(outcome.result);
  const { error } = outcome;
  if (error instanceof WaitingError && overtimeMs() >= 0) return exceeded(error.message);
  const lookLeftMs = stepLeftMs() > 0 ? stepLeftMs() : -overtimeMs();
  return fail({ attempts: context.attempt, leftMs: lookLeftMs, error, effect: !executor.readOnly });
}

/** A Date reaches no further, and no run does. */
const longestMs = 365 * 86_400_000;

const asFailure = ({ error, fault }: Extract<OpenEntry, { readonly state: "failed" }>): Error =>
  fault === undefined
    ? new PermanentError(error)
    : new StepFailedError({ ...fault, detail: error });

const runIsOver = (): StepFailedError =>
  new StepFailedError({
    reason: "DeadlineExceeded",
    retryable: true,
    effect: false,
    detail: "the run's deadline passed before the step began",
  });

const stepIsLate = (step: WorkflowStep, runIsLate: boolean, message: string): StepFailedError =>
  new StepFailedError({
    reason: "DeadlineExceeded",
    retryable: true,
    effect: true,
    detail: runIsLate
      ? `the run's deadline passed: ${message}`
      : `timed out after ${formatMs(step.timeoutMs)}: ${message}`,
  });

/** @throws {WaitingError} while the answer cannot be had: nothing is done before it is known */
async function observe(
  { request, tools, signal }: Performer,
  { step }: OpenStep,
  bound: BoundStep,
  context: Omit<StepContext, "log" | "signal">,
): Promise<Observed> {
  try {
    return await bound.observe({ ...context, log: () => undefined, signal });
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error ? error.message : String(error);
    const message = request.masker.mask(`step ${step.name}: observing its effect: ${cause}`);
    const delayMs = retryDelayMs(context.attempt, tools.random, tools.retry ?? defaultRetry);
    throw new WaitingError("ObserveRetry", message, delayMs);
  }
}

type Prepared =
  | { readonly state: "ready"; readonly bound: BoundStep }
  | { readonly state: "skipped" }
  | { readonly state: "faulty"; readonly error: StallingError };

/** A step that has started once takes part: `when` is not asked again. */
function prepare(
  { name, config, when }: WorkflowStep,
  executor: StepExecutor,
  data: TemplateData,
  asksWhen: boolean,
): Prepared {
  try {
    if (asksWhen && when !== undefined && !isWanted(name, when, data)) return { state: "skipped" };
    const rendered = renderConfig(name, config, executor.contexts, data);
    return { state: "ready", bound: executor.bind(name, rendered) };
  } catch (error) {
    if (error instanceof StallingError) return { state: "faulty", error };
    throw error;
  }
}

function executorOf(
  { name, type }: WorkflowStep,
  executors: ReadonlyMap<string, StepExecutor>,
): StepExecutor {
  const executor = executors.get(type);
  if (executor !== undefined) return executor;
  const hint = `this build performs: ${[...executors.keys()].toSorted().join(", ")}`;
  const message = `step ${name} has the type "${type}", which this build does not perform`;
  throw new StallingError("UnknownStepType", message, hint);
}

function dataOf({ parameters, now }: RunRequest, ended: ReadonlyMap<string, StepResult>) {
  const steps = [...ended].map(([name, { outputs }]) => [name, { output: outputs }] as const);
  return { parameters, steps: Object.fromEntries(steps), now };
}
