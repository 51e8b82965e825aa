/** What an API server's refusal says, read from its Status object: by structure, never by text alone. */
import { z } from "zod";

export interface KubeCause {
  /** Path of the field, as the server writes it; empty where it names none. */
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

/** An answer that is no success, or none at all (`status` 0). */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  /** Kubernetes' own word: `Conflict`, `Invalid`, `Forbidden`, …; empty where there was no answer. */
  readonly reason: string;
  readonly causes: readonly KubeCause[];
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(what: string, answer: Refusal, options?: ErrorOptions) {
    super(`${what}: ${answer.message}`, options);
    this.status = answer.status;
    this.reason = answer.reason;
    this.causes = answer.causes;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly KubeCause[];
  readonly retryAfterMs: number | undefined;
}

const statusObject = z.object({
  kind: z.literal("Status"),
  message: z.string().default(""),
  reason: z.string().default(""),
  details: z
    .object({
      retryAfterSeconds: z.number().optional(),
      causes: z
        .array(
          z.object({
            field: z.string().default(""),
            reason: z.string().default(""),
            message: z.string().default(""),
          }),
        )
        .default([]),
    })
    .default({ causes: [] }),
});

const quotedAtMost = 300;

/** @param retryAfter the header, in seconds */
export function readRefusal(
  status: number,
  body: unknown,
  text: string,
  retryAfter: string | undefined,
): Refusal {
  const parsed = statusObject.safeParse(body);
  const seconds = Number(retryAfter ?? Number.NaN);
  const fromHeader = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  if (!parsed.success) {
    const said = text.trim().slice(0, quotedAtMost);
    const message = said === "" ? `answered ${status}` : `answered ${status}: ${said}`;
    return { status, reason: "", message, causes: [], retryAfterMs: fromHeader };
  }
  const { message, reason, details } = parsed.data;
  const inBody = details.retryAfterSeconds;
  const retryAfterMs = fromHeader ?? (inBody === undefined ? undefined : inBody * 1_000);
  return {
    status,
    reason,
    message: message === "" ? `answered ${status}` : message,
    causes: details.causes,
    retryAfterMs,
  };
}

/** Nobody knows whether it was carried out: no answer, or one of somebody in between. */
export const isUnanswered = ({ status }: KubeError): boolean =>
  status === 0 || status === 429 || status >= 500;

export const isNotFound = (error: unknown): boolean =>
  error instanceof KubeError && error.status === 404;
