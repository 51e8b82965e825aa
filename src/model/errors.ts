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
}
