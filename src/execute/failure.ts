/** What a failed attempt means for its step and its run: another attempt, a wait, or the end (E13, E15). */
import type { Random } from "../model/clock.ts";
import {
  CancelledError,
  LeaseLostError,
  StallingError,
  StepFailedError,
  SupersededError,
  WaitingError,
  type Fault,
} from "../model/errors.ts";
import type { WorkflowStep } from "../model/workflow.ts";
import type { Masker } from "../secrets/mask.ts";
import type { Journal } from "./journal.ts";
import { defaultRetry, retryDelayMs, type RetryPolicy } from "./retry.ts";
import { PermanentError } from "./step-type.ts";

export interface Failure {
  /** With this one. */
  readonly attempts: number;
  /** Until there are no further looks, for one that waits. */
  readonly leftMs: number;
  readonly error: unknown;
  /** Whether the attempt may have done anything, where the error does not say. */
  readonly effect: boolean;
}

export interface FailureTools {
  readonly journal: Journal;
  readonly masker: Masker;
  readonly random: Random;
  readonly retry?: RetryPolicy;
}

/** Journals how an attempt failed, or that it waits, and throws what the run makes of it; all masked. */
export async function failStep(
  step: WorkflowStep,
  { attempts, leftMs, error, effect }: Failure,
  { journal, masker, random, retry = defaultRetry }: FailureTools,
): Promise<never> {
  if (error instanceof LeaseLostError) throw error;
  if (error instanceof SupersededError || error instanceof CancelledError) throw error;
  const named = (text: string) => masker.mask(nameStep(step.name, text));
  const message = named(error instanceof Error ? error.message : String(error));

  if (error instanceof WaitingError) {
    const retryAfterMs = Math.min(error.retryAfterMs, Math.max(0, leftMs));
    await journal.wait(step.name, retryAfterMs);
    throw new WaitingError(error.reason, message, retryAfterMs);
  }
  if (error instanceof StallingError) {
    const fault = { reason: error.reason, retryable: false, effect, detail: message };
    await journal.fail(step.name, message, undefined, fault);
    throw new StallingError(error.reason, message, masker.mask(error.hint));
  }
  const fault = faultOf(step, error, effect, message, masker);
  const isFinal = error instanceof PermanentError || !mayRetry(step, attempts, fault);
  if (isFinal) {
    await journal.fail(step.name, message, undefined, fault);
    throw error instanceof StepFailedError
      ? new StepFailedError(fault)
      : new PermanentError(message);
  }
  const delayMs = retryDelayMs(attempts, random, retry);
  await journal.fail(step.name, message, delayMs, fault);
  throw new WaitingError("StepRetry", message, delayMs);
}

/** A failed attempt may have had its effect: only what is safe to repeat is repeated unasked (E15). */
export const mayRetry = (
  { retrySafe, retries }: WorkflowStep,
  attempts: number,
  fault?: Fault,
): boolean =>
  attempts <= retries && fault?.retryable !== false && (retrySafe || fault?.effect === false);

function faultOf(
  step: WorkflowStep,
  error: unknown,
  effect: boolean,
  message: string,
  masker: Masker,
): Fault {
  if (!(error instanceof StepFailedError)) {
    const retryable = !(error instanceof PermanentError);
    return { reason: "StepFailed", retryable, effect, detail: message };
  }
  const { fault } = error;
  const detail = masker.mask(nameStep(step.name, fault.detail));
  if (fault.logTail === undefined) return { ...fault, detail };
  return { ...fault, detail, logTail: masker.mask(fault.logTail).slice(-logTailAtMost) };
}

const logTailAtMost = 4_096;

const nameStep = (step: string, text: string): string =>
  text.startsWith(`step ${step}: `) ? text : `step ${step}: ${text}`;
