/** What a forge's refusal means: status and headers of all three, in one place. */
import { inspect } from "node:util";
import { ForgeError, type ForgeFailure } from "./forge-error.ts";

export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly header: (name: string) => string | undefined;
}

/** GitHub asks for a minute where it names no time for its secondary limits. */
const unnamedWaitMs = 60_000;

export function toForgeError(asked: string, refusal: Refusal, nowMs: number): ForgeError {
  const { status, message } = refusal;
  return new ForgeError(failureOf(refusal, nowMs), `${asked}: ${status} ${message.slice(0, 300)}`);
}

export function noAnswer(asked: string, cause: unknown): ForgeError {
  if (cause instanceof ForgeError) {
    return new ForgeError(cause.failure, `${asked}: ${cause.message}`, { cause });
  }
  return new ForgeError({ kind: "unavailable" }, `${asked}: no answer: ${reasonOf(cause)}`, {
    cause,
  });
}

function failureOf(refusal: Refusal, nowMs: number): ForgeFailure {
  const { status } = refusal;
  if (status === 429 || (status === 403 && isRateLimit(refusal))) {
    return { kind: "rate-limited", retryAtMs: retryAtMs(refusal, nowMs) };
  }
  if (status === 401) return { kind: "unauthorized" };
  if (status === 403) return { kind: "forbidden", permission: permissionOf(refusal) };
  if (status === 404 || status === 410) return { kind: "not-found" };
  if (status >= 500 || status === 408) return { kind: "unavailable" };
  return { kind: "refused", status };
}

const isRateLimit = ({ header, message }: Refusal): boolean =>
  header("retry-after") !== undefined ||
  header("x-ratelimit-remaining") === "0" ||
  /secondary rate limit|rate limit exceeded/i.test(message);

function retryAtMs({ header }: Refusal, nowMs: number): number {
  const after = header("retry-after");
  if (after !== undefined) {
    const seconds = Number(after);
    const at = Number.isNaN(seconds) ? Date.parse(after) : nowMs + seconds * 1_000;
    if (!Number.isNaN(at)) return at;
  }
  const reset = Number(header("x-ratelimit-reset") ?? header("ratelimit-reset") ?? Number.NaN);
  const spent = (header("x-ratelimit-remaining") ?? header("ratelimit-remaining")) === "0";
  return spent && !Number.isNaN(reset) ? reset * 1_000 : nowMs + unnamedWaitMs;
}

/** GitHub names what would do; the others say it in the message, if at all. */
const permissionOf = ({ header, message }: Refusal): string =>
  header("x-accepted-github-permissions") ?? header("x-accepted-oauth-scopes") ?? message;

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return inspect(cause);
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}
