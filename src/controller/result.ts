/**
 * The one place that turns how a run ended into what happens next. Pure; the worker carries it out,
 * and the status is rendered from it.
 */
import { inspect } from "node:util";
import type { Random } from "../model/clock.ts";
import {
  CancelledError,
  LeaseLostError,
  StallingError,
  SupersededError,
  WaitingError,
} from "../model/errors.ts";

interface Told {
  /** CamelCase, for machines. */
  readonly reason: string;
  /** For people: plain, without times or counters, so that the same state gives the same words. */
  readonly message: string;
}

export type Result =
  | { readonly kind: "done" }
  /** Nothing may be written any more. */
  | { readonly kind: "lost" }
  | ({ readonly kind: "superseded" } & Told)
  | ({ readonly kind: "cancelled" } & Told)
  /** The same run goes on later. */
  | ({ readonly kind: "waiting"; readonly delayMs: number } & Told)
  /** The run has failed; the resource is tried again. */
  | ({ readonly kind: "requeue"; readonly delayMs: number } & Told)
  | ({ readonly kind: "stalled"; readonly hint: string } & Told);

export interface RetryPolicy {
  readonly baseMs: number;
  readonly capMs: number;
  /** Consecutive failures after which only a person, or a new desired state, starts it again. */
  readonly stallAfter: number;
}

/**
 * What follows from a run that ended with `error`; `undefined` means that it succeeded.
 *
 * @param failures consecutive failures before this one, from the store: restarts forget nothing
 * @param random spreads delays by ±10 % within [baseMs, capMs]
 */
export function toResult(
  error: unknown,
  failures: number,
  random: Random,
  policy: RetryPolicy,
): Result {
  if (error === undefined) return { kind: "done" };
  if (error instanceof LeaseLostError) return { kind: "lost" };
  const message = error instanceof Error ? error.message : inspect(error);
  if (error instanceof SupersededError)
    return { kind: "superseded", reason: "Superseded", message };
  if (error instanceof CancelledError) return { kind: "cancelled", reason: "Cancelled", message };
  if (error instanceof WaitingError) {
    return { kind: "waiting", reason: error.reason, message, delayMs: error.retryAfterMs };
  }
  if (error instanceof StallingError) {
    return { kind: "stalled", reason: error.reason, message, hint: error.hint };
  }
  const count = failures + 1;
  if (count >= policy.stallAfter) {
    const hint = "fix the cause, then run `innominatus retry`";
    return { kind: "stalled", reason: "ExhaustedRetries", message, hint };
  }
  const spread = policy.baseMs * 2 ** (count - 1) * (0.9 + 0.2 * random());
  const delayMs = Math.round(Math.min(Math.max(spread, policy.baseMs), policy.capMs));
  return { kind: "requeue", reason: "RunFailed", message, delayMs };
}
