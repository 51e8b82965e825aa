/** Waits for something to be so, for a minute at the most. */
import type { Hints } from "../controller/hints.ts";
import type { Clock } from "../model/clock.ts";
import { unexpected } from "./expectation.ts";

export interface Waiting {
  readonly clock: Clock;
  /** Hints whenever it is worth another look. */
  readonly changed: Hints;
  readonly signal: AbortSignal;
}

export type Looked<T> =
  | { readonly kind: "so"; readonly value: T }
  | { readonly kind: "not yet"; readonly found: string };

const patienceMs = 60_000;
/** Steps give no hint when they begin. */
const lookEveryMs = 50;

/** @throws {CommandError} with what was found last */
export async function until<T>(
  { clock, changed, signal }: Waiting,
  claim: string,
  look: () => Promise<Looked<T>>,
): Promise<T> {
  const late = clock.now().getTime() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    const hints = changed.count();
    const looked = await look();
    if (looked.kind === "so") return looked.value;
    if (clock.now().getTime() > late) throw unexpected(claim, "it within a minute", looked.found);
    await changed.wait(hints, lookEveryMs, clock, signal);
  }
}
