/**
 * `POST /hooks/github|gitea|gitlab`: a forge says that something happened. It is believed only that:
 * the repository's loop looks sooner, and what is so it finds out itself (DESIGN.md §1).
 */
import { createHash } from "node:crypto";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Clock } from "../model/clock.ts";
import { problemResponse } from "./problem-details.ts";
import {
  webhookForges,
  webhookKinds,
  type WebhookForge,
  type WebhookKind,
} from "./webhook-signature.ts";

export interface WebhookTarget {
  /** As the settings name it. */
  readonly repository: string;
  readonly forge: WebhookForge;
  /** `owner/name` there. */
  readonly fullName: string;
  /** Asked for with each delivery: it may be rotated. `undefined`: it cannot be had now. */
  readonly secret: () => string | undefined;
}

export interface WebhookDelivered {
  readonly forge: WebhookForge;
  readonly id: string;
  readonly digest: string;
}

export const webhookResults = [
  "accepted",
  "ignored",
  "unsigned",
  "forged",
  "replayed",
  "malformed",
  "too-large",
  "failed",
] as const;
export type WebhookResult = (typeof webhookResults)[number];

export interface WebhookOptions {
  readonly targets: readonly WebhookTarget[];
  /** Once over all replicas. @returns false: it was taken before */
  readonly take: (delivery: WebhookDelivered) => Promise<boolean>;
  readonly tell: (repository: string) => void;
  readonly count: (forge: WebhookForge, result: WebhookResult) => void;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
}

/** GitHub sends 25 MB at most; what is larger than this is a push of thousands of files, which the poll finds. */
const bytesAtMost = 5 * 1_048_576;
/** However slow the store is: forges want an answer at once, and Gitea gives up after 5 s. */
const answerWithinMs = 80;

export function webhookRoutes(options: WebhookOptions): Hono {
  const app = new Hono();
  for (const forge of webhookForges) {
    const tooLarge = bodyLimit({
      maxSize: bytesAtMost,
      onError(context) {
        options.count(forge, "too-large");
        const detail = `a delivery may have ${bytesAtMost} bytes`;
        return problemResponse(context, { status: 413, title: "Delivery too large", detail });
      },
    });
    app.post(`/hooks/${forge}`, tooLarge, async (context) => {
      const body = new Uint8Array(await context.req.arrayBuffer());
      const { result, answer } = await receive(options, forge, context, body);
      options.count(forge, result);
      return answer;
    });
  }
  return app;
}

interface Received {
  readonly result: WebhookResult;
  readonly answer: Response;
}

async function receive(
  options: WebhookOptions,
  forge: WebhookForge,
  context: Context,
  body: Uint8Array,
): Promise<Received> {
  const kind: WebhookKind = webhookKinds[forge];
  const proof = context.req.header(kind.proof);
  const refuse = (result: WebhookResult, status: 400 | 401 | 409, detail: string): Received => ({
    result,
    answer: problemResponse(context, { status, title: "Delivery refused", detail }),
  });
  if (proof === undefined || proof === "") {
    return refuse("unsigned", 401, `${kind.proof} is missing: give the webhook its secret`);
  }
  const genuine = options.targets.filter((it) => {
    const secret = it.forge === forge ? it.secret() : undefined;
    return secret !== undefined && kind.isGenuine(secret, body, proof);
  });
  if (genuine.length === 0) {
    return refuse("forged", 401, `${kind.proof} fits no secret that is known here`);
  }
  const payload = parse(body);
  if (payload === undefined) {
    return refuse(
      "malformed",
      400,
      "the body is no JSON: choose the content type application/json",
    );
  }

  const digest = createHash("sha256").update(body).digest("hex");
  const id = kind.id.map((name) => context.req.header(name)).find((it) => it) ?? digest;
  const named = kind.repositoryOf(payload)?.toLowerCase();
  const meant = genuine.filter((it) => it.fullName.toLowerCase() === named);
  const taking = options.take({ forge, id: id.slice(0, 200), digest }).then((isNew) => {
    if (isNew) for (const { repository } of meant) options.tell(repository);
    return isNew ? ("new" as const) : ("replayed" as const);
  });
  const outcome = await soonEnough(taking, options);
  if (outcome === "replayed") return refuse("replayed", 409, "this delivery was taken before");
  const accepted = context.body(null, 202);
  if (outcome === "failed") return { result: "failed", answer: accepted };
  return { result: meant.length === 0 ? "ignored" : "accepted", answer: accepted };
}

/** A store that is slow or away delays no answer: it may still be told, and the poll finds it anyway. */
async function soonEnough<T>(
  work: Promise<T>,
  { clock, onError }: Pick<WebhookOptions, "clock" | "onError">,
): Promise<T | "failed" | "late"> {
  const answered = new AbortController();
  const safe = work.catch((error: unknown) => {
    onError(error);
    return "failed" as const;
  });
  const late = clock.sleep(answerWithinMs, answered.signal).then(
    () => "late" as const,
    () => "late" as const,
  );
  const first = await Promise.race([safe, late]);
  answered.abort();
  return first;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}
