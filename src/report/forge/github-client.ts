/** Asking GitHub: Octokit with a token or as an App's installation, paced as GitHub asks for. */
import { createAppAuth } from "@octokit/auth-app";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { Clock } from "../../model/clock.ts";
import {
  checked,
  hasNextLink,
  withQuery,
  type Api,
  type ApiAnswer,
  type ApiRequest,
} from "./api.ts";
import { noAnswer, toForgeError, type Refusal } from "./failure.ts";
import { createRatePause } from "./rate-pause.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

export type GitHubAuth =
  | { readonly kind: "token"; readonly token: () => string }
  | {
      readonly kind: "app";
      readonly appId: string;
      readonly installationId: string;
      readonly privateKey: () => string;
    };

export interface GitHubClientOptions extends TransportOptions {
  /** `https://api.github.com`, or an Enterprise Server's `https://host/api/v3`. */
  readonly apiUrl: string;
  readonly auth: GitHubAuth;
  readonly clock: Clock;
  /** One write at a time, and a second between two, as GitHub asks for; off in tests. */
  readonly paced: boolean;
  /** Before the second attempt; grows with the square. */
  readonly retryBaseMs: number;
}

const ClientClass = Octokit.plugin(throttling, retry);

export function createGitHubApi(options: GitHubClientOptions): Api {
  const { clock } = options;
  const transport = createTransport(options);
  const octokit = createClient(options, transport.fetch);
  const now = (): number => clock.now().getTime();
  const pause = createRatePause(now);

  /** @returns `undefined` where what came with the etag still holds */
  const askOnce = async (request: ApiRequest, etag: string | undefined, signal: AbortSignal) => {
    const asked = `${request.method} ${request.path}`;
    const repeatable = request.repeatable ?? request.method !== "POST";
    // What may have had an effect is not asked for again here: whoever wants it looks first.
    const given = repeatable ? { signal } : { signal, retries: 0 };
    const token = tokenOf(options.auth);
    try {
      return await untilAborted(signal, () =>
        octokit.request({
          method: request.method,
          url: withQuery(request),
          ...(request.body === undefined ? {} : { data: request.body }),
          headers: {
            ...(token === undefined ? {} : { authorization: `token ${token}` }),
            ...(etag === undefined ? {} : { "if-none-match": etag }),
          },
          request: given,
        }),
      );
    } catch (error) {
      signal.throwIfAborted();
      const refusal = refusalOf(error);
      if (refusal?.status === 304 && etag !== undefined) return undefined;
      if (refusal === undefined) throw noAnswer(asked, causeOf(error));
      throw toForgeError(asked, refusal, now());
    }
  };

  const askPaused = async (request: ApiRequest, etag: string | undefined, signal: AbortSignal) => {
    pause.check();
    return askOnce(request, etag, signal).catch((error: unknown) => pause.note(error));
  };

  return {
    budget: () => transport.budget(),
    async ask(request, schema, signal) {
      const response = await askPaused(request, undefined, signal);
      return toAnswer(request, schema, response?.data, response?.headers ?? {});
    },
    async askIfChanged(request, etag, schema, signal) {
      const response = await askPaused(request, etag, signal);
      if (response === undefined) return undefined;
      return toAnswer(request, schema, response.data, response.headers);
    },
  };
}

const toAnswer = <T>(
  request: ApiRequest,
  schema: z.ZodType<T>,
  data: unknown,
  { link, etag }: { readonly link?: string | undefined; readonly etag?: string | undefined },
): ApiAnswer<T> => ({ value: checked(request, schema, data), hasNext: hasNextLink(link), etag });

function createClient(
  options: GitHubClientOptions,
  transport: typeof fetch,
): InstanceType<typeof ClientClass> {
  const { apiUrl, auth, paced, retryBaseMs } = options;
  const quiet = (): void => undefined;
  return new ClientClass({
    baseUrl: apiUrl,
    userAgent: "innominatus",
    ...(auth.kind === "app"
      ? {
          authStrategy: createAppAuth,
          auth: {
            appId: auth.appId,
            installationId: auth.installationId,
            privateKey: auth.privateKey(),
          },
        }
      : {}),
    request: { fetch: transport },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    // A rate limit is waited out by whoever asked (rate-pause.ts), not in here, where others queue behind it.
    throttle: paced
      ? { id: `${apiUrl} ${idOf(auth)}`, onRateLimit: quiet, onSecondaryRateLimit: quiet }
      : { enabled: false },
    retry: {
      retries: 2,
      retryAfterBaseValue: retryBaseMs,
      doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451],
    },
  });
}

const requestError = z.looseObject({
  status: z.number(),
  message: z.string(),
  response: z
    .looseObject({
      headers: z.record(z.string(), z.union([z.string(), z.number()]).optional()),
      data: z.unknown(),
    })
    .optional(),
});

/** `undefined`: there was no answer. */
function refusalOf(error: unknown): Refusal | undefined {
  const { data } = requestError.safeParse(error);
  if (data?.response === undefined) return undefined;
  const { headers } = data.response;
  return {
    status: data.status,
    message: data.message,
    header: (name) => (headers[name] === undefined ? undefined : String(headers[name])),
  };
}

const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? error.cause : error;

const tokenOf = (auth: GitHubAuth): string | undefined =>
  auth.kind === "token" ? auth.token() : undefined;

const idOf = (auth: GitHubAuth): string => (auth.kind === "app" ? auth.installationId : "token");

/** Octokit's queues know no signal. */
function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
