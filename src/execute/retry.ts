/** When a failed step is tried again (DESIGN §9). Pure. */
import { spread, type Random } from "../model/clock.ts";

export interface RetryPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

export const defaultRetry: RetryPolicy = { baseMs: 5_000, capMs: 180_000 };

/**
 * Base, doubled per failure, ±10 %, and never outside [base, cap].
 *
 * @param failures at least 1
 */
export function retryDelayMs(failures: number, random: Random, policy: RetryPolicy): number {
  const delayMs = spread(policy.baseMs * 2 ** (failures - 1), 0.1, random);
  return Math.min(Math.max(delayMs, policy.baseMs), policy.capMs);
}
