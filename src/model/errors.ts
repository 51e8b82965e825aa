/**
 * The three ways to stop that are no bug and no mistake in a file. Whoever throws one says what is
 * so; only controller/result.ts says what follows. Anything else that is thrown is a failed attempt.
 * Mistakes in people's files are not thrown at all: see problem.ts.
 */

/** Retrying cannot help: somebody has to change something. `hint` says what. */
export class StallingError extends Error {
  override readonly name = "StallingError";
  readonly reason: string;
  readonly hint: string;

  constructor(reason: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.hint = hint;
  }
}

/** Nothing is wrong, something else comes first. Holds no worker, and never counts as a failure. */
export class WaitingError extends Error {
  override readonly name = "WaitingError";
  readonly reason: string;
  readonly retryAfterMs: number;

  constructor(reason: string, message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Another worker has the target now. Whoever sees this stops at once, and writes nothing more. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";

  constructor(target: string, token: bigint) {
    super(`lease ${token} on ${target} is lost: another worker has taken over`);
  }
}

/** A newer wish for the resource ends this run at a safe point: neither a success nor a failure (law 5, E7). */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
  /** Since the run was told to end. */
  readonly elapsedMs: number;

  constructor(message: string, elapsedMs = 0) {
    super(message);
    this.elapsedMs = elapsedMs;
  }
}

/** A person ends this run at a safe point. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
  /** Since the run was told to end. */
  readonly elapsedMs: number;

  constructor(message: string, elapsedMs = 0) {
    super(message);
    this.elapsedMs = elapsedMs;
  }
}

/** What is known of a failure, for machines and for whoever has to find out (E21). */
export interface Fault {
  /** CamelCase: `OOMKilled`, `ImagePullBackOff`, `Forbidden`. */
  readonly reason: string;
  /** Whether it may go better without anybody changing anything. */
  readonly retryable: boolean;
  /** Whether anything may have been done: in doubt, yes. */
  readonly effect: boolean;
  /** For people; masked on its way to the record. */
  readonly detail: string;
  readonly task?: string;
  /** Of the engine's own, a container say. */
  readonly step?: string;
  readonly exitCode?: number;
  /** At most 4 KB; masked on its way to the record. */
  readonly logTail?: string;
  /** ISO 8601: when, by the engine's clock. */
  readonly at?: string;
}

/** An attempt failed, and what threw knows how. */
export class StepFailedError extends Error {
  override readonly name = "StepFailedError";
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.detail === "" ? fault.reason : `${fault.reason}: ${fault.detail}`, options);
    this.fault = fault;
  }
}
