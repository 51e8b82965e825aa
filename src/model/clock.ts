/** Time and randomness come in as arguments; the process's own are made once, in cli/. */

export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** In [0, 1). */
export type Random = () => number;

/** `value` spread by ±`share`: `spread(60_000, 0.1, random)` is 54 s to 66 s. */
export const spread = (value: number, share: number, random: Random): number =>
  Math.round(value * (1 - share + 2 * share * random()));
