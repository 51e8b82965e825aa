/** One attempt at a step, or one look of a waiting one: its deadline, its log, and how it ended. */
import type { Clock } from "../model/clock.ts";
import type { BoundStep, StepContext, StepResult } from "./step-type.ts";
import { openStepLog } from "./step-log.ts";

export type Outcome =
  | { readonly ok: true; readonly result: StepResult }
  | { readonly ok: false; readonly error: unknown };

/**
 * Performs `step` once, for at most `timeoutMs`. How it failed is a value.
 *
 * @throws the signal's reason when the run has to stop, and what the journal threw: neither is a
 *   failure of the step
 */
export async function attempt(
  step: BoundStep,
  context: Omit<StepContext, "log" | "signal">,
  timeoutMs: number,
  put: (text: string) => Promise<void>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Outcome> {
  const stop = new AbortController();
  const over = new AbortController();
  const log = openStepLog(put, context.masker, (error) => stop.abort(error));
  const deadline = clock.sleep(timeoutMs, over.signal).then(
    () => stop.abort(new Error(`timed out after ${formatMs(timeoutMs)}`)),
    () => undefined, // ended in time
  );

  const both = AbortSignal.any([signal, stop.signal]);
  const outcome = await perform(step, { ...context, log: log.write, signal: both }, stop.signal);
  over.abort(ended);
  await deadline;
  await log.end();
  if (!outcome.ok) signal.throwIfAborted();
  return outcome;
}

/** One for all: a reason of its own would cost each step a stack. */
const ended = new Error("the step has ended");

async function perform(step: BoundStep, context: StepContext, stop: AbortSignal): Promise<Outcome> {
  try {
    return { ok: true, result: await step.run(context) };
  } catch (error) {
    // Why it was stopped says more than how it took it.
    return { ok: false, error: stop.aborted ? stop.reason : error };
  }
}

export const formatMs = (ms: number): string => (ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`);
