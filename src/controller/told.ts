/** Where webhooks' hints meet the loops of the repositories they are of. */
import type { Hints } from "./hints.ts";

export interface Told {
  /** Nobody listens: nothing happens. */
  tell(repository: string): void;
  listen(repository: string, hints: Hints, signal: AbortSignal): void;
}

export function createTold(): Told {
  const listening = new Map<string, Set<Hints>>();
  return {
    tell(repository) {
      for (const hints of listening.get(repository) ?? []) hints.give();
    },
    listen(repository, hints, signal) {
      if (signal.aborted) return;
      const known = listening.get(repository) ?? new Set();
      listening.set(repository, known.add(hints));
      signal.addEventListener("abort", () => known.delete(hints), { once: true });
    },
  };
}
