/**
 * Performs one claimed run to its end, its next wait or its safe point, and records how that was.
 * The lease is renewed meanwhile; once it is lost, nothing is written any more (law 6).
 */
import { CancelledError, LeaseLostError, SupersededError, WaitingError } from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Claim } from "../model/run.ts";
import { createMasker } from "../secrets/mask.ts";
import { nothingUnwritten } from "../store/advance.ts";
import { readFailures } from "../store/backoffs.ts";
import { readBundle } from "../store/bundles.ts";
import { DatabaseUnavailableError } from "../store/database.ts";
import { releaseRun } from "../store/claims.ts";
import { hadEffect } from "../store/outcomes.ts";
import { readClaimed, wakeRun, type RecordedRun } from "../store/runs.ts";
import { DrainError } from "./journal.ts";
import { holdLease } from "./lease.ts";
import { perform, performObserve, saysExists } from "./perform.ts";
import { recordResult, recordSuccess, told } from "./record-run.ts";
import { toResult, type Result, type RunFacts } from "./result.ts";
import type { RunInHand } from "./run-in-hand.ts";
import type { Services } from "./services.ts";

/** What became of a claimed run; `released`: another worker goes on with it. */
export type WorkOutcome = Result["kind"] | "released";

/** @param drain aborted when the process stops: the run ends at its next safe point, and is given back */
export async function workOn(
  services: Services,
  claim: Claim,
  drain: AbortSignal,
): Promise<WorkOutcome> {
  const { db, log, random, limits } = services;
  const { run, leftMs, hasSecrets } = await readClaimed(db, claim.run);
  const lease = holdLease(services, claim);
  const hand: RunInHand = {
    services,
    claim,
    run,
    leftMs,
    hasSecrets,
    masker: createMasker(),
    drain,
    signal: lease.signal,
    failedCleanups: [],
    unwritten: nothingUnwritten(),
    woken: false,
  };
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
    const performed = await perform(hand);
    await recordSuccess(hand, performed);
    logger.info("run succeeded");
    return "done";
  } catch (thrown) {
    const error: unknown = lease.signal.aborted ? lease.signal.reason : thrown;
    if (error instanceof DrainError) {
      await releaseRun(db, claim);
      return "released";
    }
    // Nobody can say what was written: when the lease has ended, the journal says where to go on.
    if (error instanceof DatabaseUnavailableError) throw error;
    const failures = await readFailures(db, run.target, run.operation);
    const facts = isFailure(error) ? await factsOf(hand) : undefined;
    const result = toResult(error, failures, random, limits.runRetry, facts);
    logger.info({ result: result.kind, ...told(result, hand.masker) }, "run ended");
    await recordResult(hand, result).catch(ignoreLostLease);
    // What it waits for came before the wait was recorded.
    if (hand.woken && result.kind === "waiting") await wakeRun(db, run.id);
    return result.kind;
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
async function factsOf(hand: RunInHand): Promise<RunFacts> {
  const { run } = hand;
  const { db } = hand.services;
  const bundle = await readBundle(db, run.bundle);
  const steps = bundle.workflows[run.operation]?.steps ?? [];
  const retrySafe = steps.every((it) => it.retrySafe);
  const effect = await hadEffect(db, run.id);
  if (!effect || retrySafe) return { effect, retrySafe, settled: false };
  // What observe cannot tell is not settled, for whatever reason it cannot.
  const observed = await performObserve(hand).catch(() => undefined);
  return { effect, retrySafe, settled: observed !== undefined && isSettled(run, observed.outputs) };
}

/** A create that left nothing, and a delete whatever it left, may be done again. */
const isSettled = ({ operation }: RecordedRun, outputs: JsonRecord): boolean =>
  outputs["exists"] !== undefined &&
  (operation === "delete" || (operation === "create" && !saysExists(outputs)));

function ignoreLostLease(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error;
}
