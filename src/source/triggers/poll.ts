/** Says now and then that it is time to look. Carries no truth: looking too often changes nothing. */
import { spread, type Clock, type Random } from "../../model/clock.ts";

export interface PollOptions {
  readonly intervalMs: number;
  /** Share of the interval by which each wait differs, so that replicas do not look all at once: 0.1. */
  readonly jitter: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onDue: () => void;
}

/** Waits before the first time. @returns when the signal is aborted */
export async function pollTrigger(options: PollOptions): Promise<void> {
  const { intervalMs, jitter, clock, random, signal, onDue } = options;
  while (!signal.aborted) {
    try {
      await clock.sleep(spread(intervalMs, jitter, random), signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    onDue();
  }
}
