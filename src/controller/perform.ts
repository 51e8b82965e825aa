/** Performs the workflow of a run in hand, and what belongs to it: its inputs, its proof, its credentials. */
import type { JournalEntry } from "../execute/journal.ts";
import { performRun } from "../execute/steps.ts";
import type { StepResult } from "../execute/step-type.ts";
import { StallingError } from "../model/errors.ts";
import type { Json, JsonRecord } from "../model/json.ts";
import type { Recorded } from "../model/resource.ts";
import type { Claim } from "../model/run.ts";
import type { Bundle, Workflow } from "../model/workflow.ts";
import { isPointer, type KubernetesReference } from "../secrets/reference.ts";
import { fencedAfter } from "../store/advance.ts";
import { readBundle } from "../store/bundles.ts";
import { readResource } from "../store/resources.ts";
import { readClaimed, wakeRun, type RecordedRun } from "../store/runs.ts";
import { readClusterSecret, removeCredentials, writeCredentials } from "./credentials.ts";
import { resolveInputs, type OutputsReader } from "./inputs.ts";
import { openJournal } from "./journal.ts";
import { scopeOf, type RunInHand } from "./run-in-hand.ts";
import { vaultOn } from "./services.ts";

/** A run's result, and where its credentials were written for the workload. */
export interface Performed extends StepResult {
  /** As it was before. */
  readonly resource: Recorded;
  readonly credentialsSecret?: string | undefined;
}

export async function perform(hand: RunInHand): Promise<Performed> {
  const { services, claim, run, masker, signal } = hand;
  const { bundle, performOne, resource, reader } = await openRun(hand, hand.leftMs);
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
    await fencedAfter(services.db, claim, hand.unwritten, async () => undefined);
  }
  const scope = scopeOf(claim);
  const to = { scope, resource, provider: run.provider, run: run.id, masker, signal };
  if (run.operation === "delete") {
    await removeCredentials(services.kubernetes, to);
    return { ...result, resource };
  }
  // What an update does not name stays as it was, in the Secret as in the record.
  const before = await previousOutputs(resource, run, bundle, reader);
  const credentialsSecret = await writeCredentials(services.kubernetes, to, {
    ...before,
    ...result.outputs,
  });
  return { ...result, resource, credentialsSecret };
}

/** @returns `undefined` where its bundle has no `observe` */
export async function performObserve(hand: RunInHand): Promise<StepResult | undefined> {
  const { leftMs } = await readClaimed(hand.services.db, hand.run.id);
  const { bundle, performOne } = await openRun(hand, leftMs);
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

async function openRun(hand: RunInHand, leftMs: number | undefined): Promise<OpenedRun> {
  const { services, claim, run, masker, drain, signal } = hand;
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
    // Nothing was journalled before a run's first claim.
    const isNew = run.attempt === 1 && prefix === "";
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
    const read = async (): Promise<ReadonlyMap<string, JournalEntry>> =>
      isNew ? new Map() : journal.read();
    return performRun(request, executors, { ...journal, read }, tools, signal);
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

export const saysExists = ({ exists }: JsonRecord): boolean =>
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
