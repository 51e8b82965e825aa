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
  StepFailedError,
  SupersededError,
  WaitingError,
  type Fault,
} from "../model/errors.ts";

interface Told {
  /** CamelCase, for machines. */
  readonly reason: string;
  /** For people: plain, without times or counters, so that the same state gives the same words. */
  readonly message: string;
  /** What is known of a failure; not masked yet where the message is not. */
  readonly fault?: Fault;
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
  | ({
      readonly kind: "stalled";
      readonly hint: string;
      /** Of the failures in a row it is one, and the last. */
      readonly counts: boolean;
      /** What holds it from now on, where that is not the reason itself (E8). */
      readonly held?: "PreviousExecutionFailed" | "ExhaustedRetries";
    } & Told);

/** What the record knows of the run beside how it ended. */
export interface RunFacts {
  /** Some step may have changed something (E21). */
  readonly effect: boolean;
  /** All of its steps may be repeated. */
  readonly retrySafe: boolean;
  /** `observe` has told since how the resource was left (E15). */
  readonly settled: boolean;
}

const harmless: RunFacts = { effect: false, retrySafe: true, settled: false };

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
  { effect, retrySafe, settled }: RunFacts = harmless,
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
  const unsettled = effect && !retrySafe && !settled;
  const held = unsettled ? { held: "PreviousExecutionFailed" as const } : {};
  if (error instanceof StallingError) {
    const { reason, hint } = error;
    return { kind: "stalled", reason, message, hint, counts: false, ...held };
  }
  const fault = error instanceof StepFailedError ? error.fault : undefined;
  const reason = fault?.reason ?? "RunFailed";
  const known = fault === undefined ? {} : { fault };
  if (unsettled) {
    const hint = "look how it was left, then run `innominatus retry`";
    return { kind: "stalled", reason, message, hint, counts: false, ...held, ...known };
  }
  if (fault?.retryable === false) {
    const hint = "fix the cause, then run `innominatus retry`";
    return { kind: "stalled", reason, message, hint, counts: false, ...known };
  }
  const count = failures + 1;
  if (count >= policy.stallAfter) {
    const hint = "fix the cause, then run `innominatus retry`";
    return {
      kind: "stalled",
      reason: "ExhaustedRetries",
      message,
      hint,
      counts: true,
      held: "ExhaustedRetries",
      ...known,
    };
  }
  const spread = policy.baseMs * 2 ** (count - 1) * (0.9 + 0.2 * random());
  const delayMs = Math.round(Math.min(Math.max(spread, policy.baseMs), policy.capMs));
  return { kind: "requeue", reason, message, delayMs, ...known };
}
