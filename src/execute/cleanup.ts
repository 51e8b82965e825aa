/** A step's own cleanup, once its run ends early or its time is over: gentle within the grace, then not. */
import type { Random } from "../model/clock.ts";
import { LeaseLostError, WaitingError } from "../model/errors.ts";
import { defaultRetry, retryDelayMs, type RetryPolicy } from "./retry.ts";
import type { BoundStep, CancelContext } from "./step-type.ts";

const cancelGraceMs = 300_000;

export interface CleanupTools {
  readonly random: Random;
  readonly retry?: RetryPolicy;
  readonly onCleanupFailed?: (step: string, message: string) => void;
  /** Journals that the step goes on waiting. */
  readonly waiting: (retryAfterMs: number) => Promise<void>;
}

/**
 * @param sinceMs since the step was to stop, over all calls
 * @throws {WaitingError} `Stopping`: not stopped yet, and the grace is not over
 */
export async function stop(
  step: BoundStep,
  context: Omit<CancelContext, "graceOver">,
  sinceMs: number,
  tools: CleanupTools,
): Promise<void> {
  const leftMs = cancelGraceMs - sinceMs;
  try {
    await step.cancel({ ...context, graceOver: leftMs <= 0 });
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof LeaseLostError) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    const message = context.masker.mask(`step ${context.name}: stopping: ${cause}`);
    if (leftMs <= 0) {
      tools.onCleanupFailed?.(context.name, message);
      return;
    }
    const wantedMs =
      error instanceof WaitingError
        ? error.retryAfterMs
        : retryDelayMs(1, tools.random, tools.retry ?? defaultRetry);
    const delayMs = Math.min(wantedMs, leftMs);
    await tools.waiting(delayMs);
    throw new WaitingError("Stopping", message, delayMs);
  }
}
