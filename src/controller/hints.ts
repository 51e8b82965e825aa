/** Tells a loop that it is worth looking now. Hints carry no truth, and one is as good as many. */
import type { Clock } from "../model/clock.ts";

export interface Hints {
  give(): void;
  /** Grows with every hint. */
  count(): number;
  /** Resolves once there are hints after `seen`, or after `ms`, or when the signal is aborted. */
  wait(seen: number, ms: number, clock: Clock, signal: AbortSignal): Promise<void>;
}

export function createHints(): Hints {
  let given = 0;
  const waiting = new Set<() => void>();
  return {
    give() {
      given += 1;
      for (const wake of waiting) wake();
    },
    count: () => given,
    async wait(seen, ms, clock, signal) {
      if (given > seen || signal.aborted) return;
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      waiting.add(wake);
      // Not AbortSignal.any: on a signal that lives as long as the process, each leaves some 90 bytes
      // behind for good (Node 20), and loops wait hundreds of times a second.
      signal.addEventListener("abort", wake, { once: true });
      try {
        await clock.sleep(ms, woken.signal);
      } catch (error) {
        if (!woken.signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", wake);
        waiting.delete(wake);
      }
    },
  };
}
