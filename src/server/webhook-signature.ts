/** Whether a webhook is what it says it is: signed over its raw body, or with its secret, compared in constant time. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

export interface WebhookKind {
  /** The header that proves it. */
  readonly proof: string;
  /** Headers that name the delivery, the first one that is there. */
  readonly id: readonly string[];
  isGenuine(secret: string, body: Uint8Array, proof: string): boolean;
  /** `owner/name` that it is of; `undefined` where it does not say. */
  repositoryOf(payload: unknown): string | undefined;
}

const fullName = z.looseObject({ repository: z.looseObject({ full_name: z.string() }) });
const projectPath = z.looseObject({ project: z.looseObject({ path_with_namespace: z.string() }) });

const hmac = (secret: string, body: Uint8Array): string =>
  createHmac("sha256", secret).update(body).digest("hex");

export const webhookKinds = {
  github: {
    proof: "x-hub-signature-256",
    id: ["x-github-delivery"],
    isGenuine: (secret, body, proof) => same(`sha256=${hmac(secret, body)}`, proof),
    repositoryOf: (payload) => fullName.safeParse(payload).data?.repository.full_name,
  },
  gitea: {
    proof: "x-gitea-signature",
    id: ["x-gitea-delivery"],
    isGenuine: (secret, body, proof) => same(hmac(secret, body), proof),
    repositoryOf: (payload) => fullName.safeParse(payload).data?.repository.full_name,
  },
  gitlab: {
    proof: "x-gitlab-token",
    // The first one stays the same when a delivery is tried again.
    id: ["idempotency-key", "x-gitlab-event-uuid"],
    isGenuine: (secret, _, proof) => same(secret, proof),
    repositoryOf: (payload) => projectPath.safeParse(payload).data?.project.path_with_namespace,
  },
} as const satisfies Record<(typeof webhookForges)[number], WebhookKind>;

export const webhookForges = ["github", "gitea", "gitlab"] as const;
export type WebhookForge = (typeof webhookForges)[number];

/** Digests are of one length, whatever was sent. */
const same = (wanted: string, given: string): boolean =>
  timingSafeEqual(digest(wanted), digest(given));

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
