/** How asking a forge can end, so that whoever asked knows whether to wait, to tell a person, or to go on. */

export type ForgeFailure =
  /** Asking again before `retryAtMs` (since 1970) makes it worse. */
  | { readonly kind: "rate-limited"; readonly retryAtMs: number }
  /** No answer, or that of a server in trouble: it may have done what it was asked. */
  | { readonly kind: "unavailable" }
  /** The credentials are not taken. */
  | { readonly kind: "unauthorized" }
  /** `permission` is what the credentials lack, in the forge's own words. */
  | { readonly kind: "forbidden"; readonly permission: string }
  /** It is not there, or not for us to see. */
  | { readonly kind: "not-found" }
  /** The forge understood, and does not want to. */
  | { readonly kind: "refused"; readonly status: number };

export class ForgeError extends Error {
  override readonly name = "ForgeError";
  readonly failure: ForgeFailure;

  constructor(failure: ForgeFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export const isNotFound = (error: unknown): boolean =>
  error instanceof ForgeError && error.failure.kind === "not-found";
