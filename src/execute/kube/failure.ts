/**
 * What an API server's refusal means for a step, with the field and the remedy: who is busy or away
 * is waited for, all else fails by the reasons of execution semantics §4.
 */
import { StepFailedError, WaitingError } from "../../model/errors.ts";
import { UnknownKindError } from "./discovery.ts";
import { isUnanswered, KubeError } from "./kube-error.ts";
import { ManifestError } from "./manifest.ts";

/** While a server is away or too busy, and says nothing about when to come back. */
const awayMs = 5_000;

/** @param effect whether the step has changed anything before this @param did what was refused */
export function toStepError(error: unknown, did: string, effect: boolean): unknown {
  if (error instanceof ManifestError) {
    return failure("ConfigurationError", false, effect, `${did}: ${error.message}`, error);
  }
  if (error instanceof UnknownKindError) {
    return failure("EngineUnavailable", true, effect, `${did}: ${error.message}`, error);
  }
  if (!(error instanceof KubeError)) return error;
  const { status, reason, retryAfterMs } = error;
  // The server calls it an error of its own; it is a field that the kind does not have.
  if (status === 500 && error.message.includes("failed to create typed patch object")) {
    const detail = `${did}: ${error.message}; correct the manifest in the provider's workflow`;
    return failure("ConfigurationError", false, effect, detail, error);
  }
  if (isUnanswered(error)) {
    const message = status === 429 ? "the API server asks for patience" : error.message;
    return new WaitingError("EngineUnavailable", `${did}: ${message}`, retryAfterMs ?? awayMs, {
      cause: error,
    });
  }
  const told = (advice: string) => `${did}: ${detailOf(error)}; ${advice}`;
  // No field of the answer tells a quota from a missing right.
  if (status === 403 && error.message.includes("exceeded quota")) {
    const advice = "raise the namespace's quota, or ask for less";
    return failure("ResourceExhausted", true, effect, told(advice), error);
  }
  if (error.causes.some((it) => it.reason === "NamespaceTerminating")) {
    return new WaitingError("NamespaceTerminating", told("waiting until it is gone"), awayMs);
  }
  if (error.message.includes("admission webhook")) {
    const advice = "change what the policy refuses, or ask its owner";
    return failure("ConfigurationError", false, effect, told(advice), error);
  }
  if (status === 401 || status === 403) {
    const advice =
      status === 401
        ? "renew the cluster's credentials"
        : "grant it to the user named here, as the provider's README lists";
    return failure("Forbidden", false, effect, told(advice), error);
  }
  if (status === 409 && isFieldConflict(error)) {
    const advice = "leave the field out of the manifest, or set `force: true` to take it over";
    return failure("FieldConflict", false, effect, told(advice), error);
  }
  if (status === 409) {
    return failure(
      "Unknown",
      true,
      effect,
      told("it changed meanwhile, and is tried again"),
      error,
    );
  }
  if (status === 400 || status === 422 || reason === "Invalid") {
    const advice = "correct the manifest in the provider's workflow";
    return failure("ConfigurationError", false, effect, told(advice), error);
  }
  if (status === 404) {
    return failure("Unknown", true, effect, told("create what is missing first"), error);
  }
  return failure("Unknown", true, effect, `${did}: ${error.message}`, error);
}

/** A failure that is no answer of the server's. */
export const failure = (
  reason: string,
  retryable: boolean,
  effect: boolean,
  detail: string,
  cause?: unknown,
): StepFailedError => new StepFailedError({ reason, retryable, effect, detail }, { cause });

const isFieldConflict = ({ causes }: KubeError): boolean =>
  causes.some((it) => it.reason === "FieldManagerConflict");

/** By field and owner where the answer has them, else the server's own words. */
function detailOf(error: KubeError): string {
  const fields = error.causes.filter((it) => it.field !== "");
  if (fields.length === 0) return error.message;
  return fields.map(({ field, message }) => `${field}: ${message}`).join("; ");
}
