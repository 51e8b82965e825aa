/** A clock that stands still until the test moves it. */
import type { Clock } from "../../src/model/clock.ts";

export interface VirtualClock extends Clock {
  /**
   * Moves the time on by `ms`, waking each sleeper at its own moment, in order, also those that fall
   * asleep again on the way. Resolves when all that were due have run until they wait for something.
   */
  advance(ms: number): Promise<void>;
  /** How many sleep now: what a test waits for before it advances. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly wakesAt: number;
  readonly wake: () => void;
}

export function virtualClock(start: Date = new Date("2026-01-01T00:00:00Z")): VirtualClock {
  let now = start.getTime();
  const sleeping = new Set<Sleeper>();

  return {
    now: () => new Date(now),

    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const abort = () => {
          sleeping.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          wakesAt: now + Math.max(0, ms),
          wake() {
            sleeping.delete(sleeper);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal.addEventListener("abort", abort, { once: true });
        sleeping.add(sleeper);
      });
    },

    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = [...sleeping].reduce<Sleeper | undefined>(
          (first, it) => (first === undefined || it.wakesAt < first.wakesAt ? it : first),
          undefined,
        );
        if (next === undefined || next.wakesAt > end) break;
        now = Math.max(now, next.wakesAt);
        next.wake();
        await settle();
      }
      now = end;
    },

    get sleepers() {
      return sleeping.size;
    },
  };
}

/** Until every promise chain that needs no I/O has come to rest. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
