import type { Clock } from "../model/clock.ts";

/** What a timer can wait for at most, in milliseconds. */
const longest = 2 ** 31 - 1;

/**
 * The machine's. Node's own sleep makes an error with its stack for every sleep that is cut short,
 * and a run cuts short one per step.
 */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is whoever aborts it to say
        reject(signal.reason);
      };
      const wake = (): void => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(ms, longest));
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    }),
};
