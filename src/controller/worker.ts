/**
 * Performs one claimed run to its end, its next wait or its safe point, and records how that was.
 * The lease is renewed meanwhile; once it is lost, nothing is written any more (law 6).
 */
import { memoryPrefix } from "../execute/steps/secret.ts";
import { performRun } from "../execute/steps.ts";
import type { StepResult } from "../execute/step-type.ts";
import {
  CancelledError,
  LeaseLostError,
  StallingError,
  SupersededError,
  WaitingError,
} from "../model/errors.ts";
import { own, type Json, type JsonRecord } from "../model/json.ts";
import type { Recorded } from "../model/resource.ts";
import type { Claim, RunOperation } from "../model/run.ts";
import { partsOf, type Scope } from "../model/uid.ts";
import type { Bundle, Workflow } from "../model/workflow.ts";
import { createMasker, type Masker } from "../secrets/mask.ts";
import { parseReference, referenceFor, type KubernetesReference } from "../secrets/reference.ts";
import { nothingUnwritten, writeUnwritten, type Unwritten } from "../store/advance.ts";
import { readFailures } from "../store/backoffs.ts";
import { readBundle } from "../store/bundles.ts";
import { DatabaseUnavailableError } from "../store/database.ts";
import { readCancel } from "../store/cancels.ts";
import { fenced, releaseRun, renewLease } from "../store/claims.ts";
import { appendEvents, type Fact } from "../store/events.ts";
import {
  hadEffect,
  recordActive,
  recordCancelled,
  recordDeleted,
  recordFailed,
  recordSuperseded,
  recordWaiting,
  type Told,
} from "../store/outcomes.ts";
import { readResource } from "../store/resources.ts";
import { readRevision } from "../store/revisions.ts";
import { memoryRows } from "../store/secrets.ts";
import { findRuns, readLeftMs, wakeRun, type RecordedRun } from "../store/runs.ts";
import { readClusterSecret, removeCredentials, writeCredentials } from "./credentials.ts";
import { resolveInputs, type OutputsReader } from "./inputs.ts";
import { DrainError, openJournal } from "./journal.ts";
import { toResult, type Result, type RunFacts } from "./result.ts";
import { vaultOn, type Services } from "./services.ts";

interface FailedCleanup {
  readonly step: string;
  /** Masked. */
  readonly message: string;
}

/** What comes up while a run is performed, and goes into the record with its end. */
interface InHand {
  readonly failedCleanups: FailedCleanup[];
  readonly unwritten: Unwritten;
  /** What it waits for may have come before the wait was recorded. */
  woken: boolean;
}

/** What became of a claimed run; `released`: another worker goes on with it. */
export type WorkOutcome = Result["kind"] | "released";

export interface Worked {
  readonly run: RecordedRun;
  readonly outcome: WorkOutcome;
  /** From its first start, by this process's clock. */
  readonly durationMs: number;
  /** Set when the resource came to rest: as the commit asks, or stalled. */
  readonly settled:
    | {
        readonly type: string;
        readonly operation: RunOperation;
        readonly outcome: "succeeded" | "failed";
        /** Since the commit was first seen. */
        readonly sinceCommitMs: number;
      }
    | undefined;
}

/** @param drain aborted when the process stops: the run ends at its next safe point, and is given back */
export async function workOn(
  services: Services,
  claim: Claim,
  drain: AbortSignal,
): Promise<Worked> {
  const { db, log, random, limits } = services;
  const run = await readRun(services, claim);
  const lease = holdLease(services, claim);
  const masker = createMasker();
  const hand: InHand = { failedCleanups: [], unwritten: nothingUnwritten(), woken: false };
  const logger = log.child({
    repository: run.repository,
    environment: run.environment,
    run: run.id,
    uid: run.uid,
    operation: run.operation,
    commit: run.commit,
    correlation: run.plan,
  });
  logger.info({ attempt: run.attempt }, "run started");
  try {
    const performed = await perform(services, claim, run, masker, drain, lease.signal, hand);
    await recordSuccess(services, claim, run, performed, hand.unwritten);
    logger.info("run succeeded");
    return await worked(services, run, "done");
  } catch (thrown) {
    const error: unknown = lease.signal.aborted ? lease.signal.reason : thrown;
    if (error instanceof DrainError) {
      await releaseRun(db, claim);
      return await worked(services, run, "released");
    }
    // Nobody can say what was written: when the lease has ended, the journal says where to go on.
    if (error instanceof DatabaseUnavailableError) throw error;
    const failures = await readFailures(db, run.target, run.operation);
    const facts = isFailure(error)
      ? await factsOf(services, run, () =>
          performObserve(services, claim, run, masker, drain, lease.signal, hand),
        )
      : undefined;
    const result = toResult(error, failures, random, limits.runRetry, facts);
    logger.info({ result: result.kind, ...told(result, masker) }, "run ended");
    await recordResult(services, claim, run, result, masker, hand).catch(ignoreLostLease);
    // What it waits for came before the wait was recorded.
    if (hand.woken && result.kind === "waiting") await wakeRun(db, run.id);
    return await worked(services, run, result.kind);
  } finally {
    lease.stop();
  }
}

const isFailure = (error: unknown): boolean =>
  !(
    error instanceof WaitingError ||
    error instanceof SupersededError ||
    error instanceof CancelledError ||
    error instanceof LeaseLostError
  );

/** How the run left things; `observe` is asked where only it can say whether a repetition is safe (E15). */
async function factsOf(
  { db }: Services,
  run: RecordedRun,
  observe: () => Promise<StepResult | undefined>,
): Promise<RunFacts> {
  const bundle = await readBundle(db, run.bundle);
  const steps = bundle.workflows[run.operation]?.steps ?? [];
  const retrySafe = steps.every((it) => it.retrySafe);
  const effect = await hadEffect(db, run.id);
  if (!effect || retrySafe) return { effect, retrySafe, settled: false };
  // What observe cannot tell is not settled, for whatever reason it cannot.
  const observed = await observe().catch(() => undefined);
  return { effect, retrySafe, settled: observed !== undefined && isSettled(run, observed.outputs) };
}

/** A create that left nothing, and a delete whatever it left, may be done again. */
const isSettled = ({ operation }: RecordedRun, outputs: JsonRecord): boolean =>
  outputs["exists"] !== undefined &&
  (operation === "delete" || (operation === "create" && !saysExists(outputs)));

async function worked(
  { db, clock }: Services,
  run: RecordedRun,
  outcome: WorkOutcome,
): Promise<Worked> {
  const nowMs = clock.now().getTime();
  const durationMs = Math.max(0, nowMs - Date.parse(run.startedAt ?? run.queuedAt));
  if (outcome !== "done" && outcome !== "stalled") {
    return { run, outcome, durationMs, settled: undefined };
  }
  const revision = await readRevision(db, run, run.commit);
  const sinceCommitMs = Math.max(0, nowMs - Date.parse(revision?.seenAt ?? run.queuedAt));
  const { type } = partsOf(run.uid);
  const { operation } = run;
  const ended = outcome === "done" ? "succeeded" : "failed";
  return { run, outcome, durationMs, settled: { type, operation, outcome: ended, sinceCommitMs } };
}

async function readRun({ db }: Services, claim: Claim): Promise<RecordedRun> {
  const [run] = await findRuns(db, claim.run);
  if (run === undefined) throw new Error(`run ${claim.run} was claimed, and is not recorded`);
  return run;
}

/** A run's result, and where its credentials were written for the workload. */
interface Performed extends StepResult {
  readonly credentialsSecret?: string | undefined;
}

async function perform(
  services: Services,
  claim: Claim,
  run: RecordedRun,
  masker: Masker,
  drain: AbortSignal,
  signal: AbortSignal,
  hand: InHand,
): Promise<Performed> {
  const opened = await openRun(services, claim, run, masker, drain, signal, hand);
  const { bundle, performOne, resource, reader } = opened;
  const workflow = bundle.workflows[run.operation];
  if (workflow === undefined) throw noWorkflow(bundle, run);
  const result = await performOne(workflow, "");
  const { observe } = bundle.workflows;
  if (run.operation === "delete" && observe !== undefined) {
    const { outputs } = await performOne(observe, "observe:");
    expectAbsent(outputs, run);
  }
  // What follows reaches out of the store, and takes its time: the journal is whole before.
  if (services.kubernetes !== undefined) {
    await fenced(services.db, claim, (tx) => writeUnwritten(tx, claim, hand.unwritten));
  }
  const scope = scopeOf(claim);
  const to = { scope, resource, provider: run.provider, run: run.id, masker, signal };
  if (run.operation === "delete") {
    await removeCredentials(services.kubernetes, to);
    return result;
  }
  // What an update does not name stays as it was, in the Secret as in the record.
  const before = await previousOutputs(resource, run, bundle, reader);
  const credentialsSecret = await writeCredentials(services.kubernetes, to, {
    ...before,
    ...result.outputs,
  });
  return { ...result, credentialsSecret };
}

/** @returns `undefined` where its bundle has no `observe` */
async function performObserve(
  services: Services,
  claim: Claim,
  run: RecordedRun,
  masker: Masker,
  drain: AbortSignal,
  signal: AbortSignal,
  hand: InHand,
): Promise<StepResult | undefined> {
  const opened = await openRun(services, claim, run, masker, drain, signal, hand);
  const { bundle, performOne } = opened;
  const { observe } = bundle.workflows;
  return observe === undefined ? undefined : performOne(observe, "observe:");
}

const noWorkflow = ({ provider }: Bundle, run: RecordedRun): StallingError => {
  const message = `${provider} has no ${run.operation} workflow for ${run.uid}`;
  return new StallingError("NoWorkflow", message, "add one to the provider");
};

interface OpenedRun {
  readonly bundle: Bundle;
  readonly resource: Recorded;
  readonly reader: OutputsReader;
  /** @param prefix of its steps' names in the journal */
  readonly performOne: (workflow: Workflow, prefix: string) => Promise<StepResult>;
}

async function openRun(
  services: Services,
  claim: Claim,
  run: RecordedRun,
  masker: Masker,
  drain: AbortSignal,
  signal: AbortSignal,
  hand: InHand,
): Promise<OpenedRun> {
  const { db, sealer, executors, clock, random, limits, log } = services;
  const bundle = await readBundle(db, run.bundle);
  const resource = await readResource(db, claim, run.uid);
  if (resource === undefined) throw noWorkflow(bundle, run);
  const scope = scopeOf(claim);
  const reader = {
    vault: vaultOn(sealer, db),
    resource: (uid: Recorded["uid"]) => readResource(db, scope, uid),
    cluster: (reference: KubernetesReference, provider: string) =>
      readClusterSecret(services.kubernetes, scope, provider, reference, signal),
  };
  const { template, dependsOn } = run.desired;
  const leftMs = await readLeftMs(db, run.id);
  const performOne = async (it: Workflow, prefix: string): Promise<StepResult> => {
    const inputs = await resolveInputs(scope, resource, template, dependsOn, it, reader);
    for (const secret of inputs.secrets) masker.add(secret);
    hand.unwritten.params = inputs.params;
    const request = {
      scope,
      run: prefix + run.id,
      uid: run.uid,
      provider: run.provider,
      operation: run.operation,
      steps: it.steps,
      outputs: it.outputs,
      parameters: inputs.parameters,
      environment: environmentOf(claim, run, resource),
      masker,
      now: run.startedAt ?? run.queuedAt,
      leftMs,
    };
    const journal = openJournal(services, claim, drain, prefix, hand.unwritten);
    const tools = {
      clock,
      random,
      retry: limits.stepRetry,
      wake: () => {
        hand.woken = true;
        wakeRun(db, run.id).catch((error: unknown) => log.debug({ err: error }, "waking a run"));
      },
      onCleanupFailed: (step: string, message: string) =>
        hand.failedCleanups.push({ step, message }),
    };
    return performRun(request, executors, journal, tools, signal);
  };
  return { bundle, resource, reader, performOne };
}

/** Law 2: the record is closed when nothing is left of the resource. */
function expectAbsent(outputs: JsonRecord, run: RecordedRun): void {
  if (!saysExists(outputs)) return;
  throw new Error(
    `the delete workflow ${run.workflow} ended, and observe says that it still exists`,
  );
}

const saysExists = ({ exists }: JsonRecord): boolean =>
  !(exists === undefined || exists === false || exists === "false" || exists === "");

const environmentOf = (claim: Claim, run: RecordedRun, resource: Recorded) => ({
  APP_NAME: resource.identity,
  RESOURCE_NAME: resource.name,
  RESOURCE_TYPE: resource.type,
  INNOMINATUS_ENVIRONMENT: claim.environment,
  INNOMINATUS_OPERATION: run.operation,
  INNOMINATUS_RUN: run.id,
});

/** What the record has, in plain and as pointers, where an update gives only what it changes. */
async function previousOutputs(
  resource: Recorded,
  run: RecordedRun,
  { workflows }: Bundle,
  reader: OutputsReader,
): Promise<JsonRecord> {
  if (run.operation !== "update" || run.workflow === workflows.create?.name) return {};
  const stored: Record<string, Json> = {};
  for (const [key, text] of Object.entries(resource.secretRefs)) {
    const scope = { repository: run.repository, environment: run.environment };
    const value = isPointer(text)
      ? text
      : await reader.vault.get({ ...scope, uid: resource.uid, key });
    if (value !== undefined) stored[key] = value;
  }
  return { ...resource.outputs, ...stored };
}

const isPointer = (value: Json | undefined): value is string =>
  typeof value === "string" && parseReference(value)?.kind === "k8s";

/**
 * An update with a workflow of its own gives what it changes, and outputs it does not name stay as
 * they were; one with the workflow that creates gives all there is.
 */
async function recordSuccess(
  { db, sealer, clock }: Services,
  claim: Claim,
  run: RecordedRun,
  { outputs, sensitive: secrets, credentialsSecret }: Performed,
  unwritten: Unwritten,
): Promise<void> {
  const scope = scopeOf(claim);
  // A pointer at a Secret is the reference itself: there is no value to keep.
  const sensitive = secrets.filter((name) => !isPointer(outputs[name]));
  const pointers = Object.keys(outputs).filter((name) => isPointer(outputs[name]));
  const { uid } = run;
  await fenced(db, claim, async (tx) => {
    await writeUnwritten(tx, claim, unwritten);
    const vault = vaultOn(sealer, tx);
    const { workflows } = await readBundle(tx, run.bundle);
    const isPartial = run.operation === "update" && run.workflow !== workflows.create?.name;
    const before = isPartial ? await readResource(tx, scope, uid) : undefined;
    const shown = Object.fromEntries(
      Object.entries({ ...before?.outputs, ...outputs }).filter(
        ([name]) => !sensitive.includes(name) && !pointers.includes(name),
      ),
    );
    const secret = new Set(
      [...Object.keys(before?.secretRefs ?? {}), ...sensitive, ...pointers].filter(
        (name) => !Object.hasOwn(shown, name),
      ),
    );
    for (const key of await vault.keys(scope, uid)) {
      if (run.operation === "delete" || !secret.has(key) || pointers.includes(key))
        await vault.delete({ ...scope, uid, key });
    }
    let tell: readonly Told[];
    if (run.operation === "delete") {
      await memoryRows(tx).forget(memoryPrefix(scope, uid));
      tell = await recordDeleted(tx, claim);
    } else {
      for (const name of sensitive) {
        const value = outputs[name];
        const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
        await vault.put({ ...scope, uid, key: name }, text);
      }
      const refs = [...secret].map((name): [string, string] => {
        const given = own(outputs, name);
        if (given === undefined) return [name, before?.secretRefs[name] ?? ""];
        return [name, isPointer(given) ? given : referenceFor(scope, uid, name)];
      });
      const kept = credentialsSecret === undefined ? {} : { credentialsSecret };
      const secretRefs = Object.fromEntries(refs);
      tell = await recordActive(tx, claim, { outputs: shown, secretRefs, ...kept });
    }
    const facts = [{ type: "RunCompleted", data: {} }, ...tell];
    await appendEvents(tx, factsFor(claim, run, facts), clock.now().getTime());
    await tx.query(`select pg_notify('innominatus', 'ended')`);
  });
}

async function recordResult(
  { db, clock }: Services,
  claim: Claim,
  run: RecordedRun,
  result: Result,
  masker: Masker,
  { failedCleanups, unwritten }: InHand,
): Promise<void> {
  if (result.kind === "lost" || result.kind === "done") return;
  const { reason, message } = told(result, masker);
  const fault = "fault" in result ? result.fault : undefined;
  await fenced(db, claim, async (tx) => {
    await writeUnwritten(tx, claim, unwritten);
    const told: Told[] = failedCleanups.map((it) => ({ type: "CleanupFailed", data: { ...it } }));
    switch (result.kind) {
      case "waiting":
        await recordWaiting(tx, claim, { reason, message, retryAfterMs: result.delayMs });
        break;
      case "superseded":
        told.push({ type: "RunSuperseded", data: {} });
        told.push(...(await recordSuperseded(tx, claim, reason)));
        break;
      case "cancelled":
        told.push({ type: "RunCancelled", data: await readCancel(tx, run.id) });
        told.push(...(await recordCancelled(tx, claim, message)));
        break;
      case "requeue":
      case "stalled": {
        const isStalled = result.kind === "stalled";
        const failure = {
          reason,
          message,
          retryAfterMs: isStalled ? undefined : result.delayMs,
          counts: !isStalled || result.counts,
          blocks: isStalled && result.held === "PreviousExecutionFailed",
          ...(isStalled && result.held !== undefined ? { held: result.held } : {}),
          fault,
        };
        told.push({
          type: "RunFailed",
          data: { reason, message, ...(fault === undefined ? {} : { failure: { ...fault } }) },
        });
        told.push({
          type: "PhaseTransition",
          data: { from: phaseDuring[run.operation], to: "failed" },
        });
        told.push(...(await recordFailed(tx, claim, failure)));
      }
    }
    await appendEvents(tx, factsFor(claim, run, told), clock.now().getTime());
    await tx.query(`select pg_notify('innominatus', 'ended')`);
  });
}

function told(
  result: Result,
  masker: Masker,
): { readonly reason: string; readonly message: string } {
  if (!("reason" in result)) return { reason: "", message: "" };
  const hint = result.kind === "stalled" ? ` (${result.hint})` : "";
  return { reason: result.reason, message: masker.mask(`${result.message}${hint}`) };
}

const scopeOf = ({ repository, environment }: Claim): Scope => ({ repository, environment });

const phaseDuring = { create: "provisioning", update: "updating", delete: "deleting" } as const;

const factsFor = (claim: Claim, run: RecordedRun, told: readonly Told[]): Fact[] =>
  told.map(({ type, data }) => ({
    repository: claim.repository,
    environment: claim.environment,
    type,
    actor: "innominatus",
    uid: run.uid,
    run: run.id,
    commit: run.commit,
    correlation: run.plan,
    data: { operation: run.operation, workflow: run.workflow, ...data },
  }));

function ignoreLostLease(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error;
}

/** Renews the lease until it is stopped; its signal is aborted when the lease is lost. */
function holdLease(
  { db, clock, limits }: Services,
  claim: Claim,
): { readonly signal: AbortSignal; stop(): void } {
  const lost = new AbortController();
  const stopped = new AbortController();
  const beat = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(limits.heartbeatMs, stopped.signal);
      try {
        await renewLease(db, claim, limits.leaseMs);
      } catch (error) {
        // A database that is away for a moment does not end the run: the next beat may reach it.
        if (error instanceof LeaseLostError) throw error;
      }
    }
  };
  beat().catch((error: unknown) => {
    if (!stopped.signal.aborted) lost.abort(error);
  });
  return { signal: lost.signal, stop: () => stopped.abort() };
}
