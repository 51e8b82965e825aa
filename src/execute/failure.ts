/** What a failed attempt means for its step and its run: another attempt, a wait, or the end (E13, E15). */
import type { Random } from "../model/clock.ts";
import { LeaseLostError, StallingError, SupersededError, WaitingError } from "../model/errors.ts";
import type { WorkflowStep } from "../model/workflow.ts";
import type { Masker } from "../secrets/mask.ts";
import { formatMs } from "./attempt.ts";
import type { Journal } from "./journal.ts";
import { defaultRetry, retryDelayMs, type RetryPolicy } from "./retry.ts";
import { PermanentError } from "./step-type.ts";

export interface Failure {
  /** With this one. */
  readonly attempts: number;
  /** Since the step first started. */
  readonly elapsedMs: number;
  readonly error: unknown;
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
  { attempts, elapsedMs, error }: Failure,
  { journal, masker, random, retry = defaultRetry }: FailureTools,
): Promise<never> {
  if (error instanceof LeaseLostError || error instanceof SupersededError) throw error;
  const named = (text: string) => masker.mask(nameStep(step.name, text));
  const message = named(error instanceof Error ? error.message : String(error));

  if (error instanceof WaitingError) {
    const leftMs = step.timeoutMs - elapsedMs;
    if (leftMs > 0) {
      const retryAfterMs = Math.min(error.retryAfterMs, leftMs);
      await journal.wait(step.name, retryAfterMs);
      throw new WaitingError(error.reason, message, retryAfterMs);
    }
    const late = named(`timed out after ${formatMs(step.timeoutMs)}: ${error.message}`);
    await journal.fail(step.name, late, undefined);
    throw new PermanentError(late);
  }
  if (error instanceof StallingError) {
    await journal.fail(step.name, message, undefined);
    throw new StallingError(error.reason, message, masker.mask(error.hint));
  }
  if (error instanceof PermanentError || !mayRetry(step, attempts)) {
    await journal.fail(step.name, message, undefined);
    throw new PermanentError(message);
  }
  const delayMs = retryDelayMs(attempts, random, retry);
  await journal.fail(step.name, message, delayMs);
  throw new WaitingError("StepRetry", message, delayMs);
}

/** A failed attempt may have had its effect: only what is safe to repeat is repeated unasked (E15). */
export const mayRetry = ({ retrySafe, retries }: WorkflowStep, attempts: number): boolean =>
  retrySafe && attempts <= retries;

const nameStep = (step: string, text: string): string =>
  text.startsWith(`step ${step}: `) ? text : `step ${step}: ${text}`;
