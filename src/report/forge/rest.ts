/**
 * Asking Gitea and GitLab. Plain fetch, for their client libraries take no signal or no bound, hide
 * the headers (ETag, rate, next page), or wait inside the call (docs/decisions/0010).
 */
import type { z } from "zod";
import type { Clock } from "../../model/clock.ts";
import {
  checked,
  hasNextLink,
  withQuery,
  type Api,
  type ApiAnswer,
  type ApiRequest,
} from "./api.ts";
import { ForgeError } from "./forge-error.ts";
import { noAnswer, toForgeError } from "./failure.ts";
import { createRatePause } from "./rate-pause.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

export interface RestOptions extends TransportOptions {
  /** Without a slash at the end. */
  readonly apiUrl: string;
  /** Asked before each request: a token may be rotated. */
  readonly authorization: () => string;
  readonly clock: Clock;
  /** Before the second attempt; grows with the square. */
  readonly retryBaseMs: number;
}

const attempts = 3;

export function createRest(options: RestOptions): Api {
  const { apiUrl, authorization, clock, retryBaseMs } = options;
  const transport = createTransport(options);
  const now = (): number => clock.now().getTime();
  const pause = createRatePause(now);

  const askOnce = async (
    request: ApiRequest,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Response> => {
    const asked = `${request.method} ${request.path}`;
    pause.check();
    const headers: Record<string, string> = {
      accept: "application/json",
      authorization: authorization(),
      "user-agent": "innominatus",
    };
    if (etag !== undefined) headers["if-none-match"] = etag;
    if (request.body !== undefined) headers["content-type"] = "application/json";
    const response = await transport
      .fetch(`${apiUrl}${withQuery(request)}`, {
        method: request.method,
        headers,
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal,
      })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw noAnswer(asked, error);
      });
    if (response.ok || (response.status === 304 && etag !== undefined)) return response;
    const message = messageOf(await response.text());
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
    throw toForgeError(asked, { status: response.status, message, header }, now());
  };

  const askPatiently = async (
    request: ApiRequest,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Response> => {
    const repeatable = request.repeatable ?? request.method !== "POST";
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await askOnce(request, etag, signal);
      } catch (error) {
        const again = repeatable && attempt < attempts && isTrouble(error);
        if (!again) pause.note(error);
        if (retryBaseMs > 0) await clock.sleep(retryBaseMs * attempt ** 2, signal);
      }
    }
  };

  return {
    budget: () => transport.budget(),
    async ask(request, schema, signal) {
      return toAnswer(request, schema, await askPatiently(request, undefined, signal));
    },
    async askIfChanged(request, etag, schema, signal) {
      const response = await askPatiently(request, etag, signal);
      return response.status === 304 ? undefined : toAnswer(request, schema, response);
    },
  };
}

async function toAnswer<T>(
  request: ApiRequest,
  schema: z.ZodType<T>,
  response: Response,
): Promise<ApiAnswer<T>> {
  return {
    value: checked(request, schema, parseBody(await response.text())),
    hasNext: hasNextLink(response.headers.get("link")),
    etag: response.headers.get("etag") ?? undefined,
  };
}

const isTrouble = (error: unknown): boolean =>
  error instanceof ForgeError && error.failure.kind === "unavailable";

function parseBody(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = "the answer is no JSON: is this the address of the forge's API?";
    throw new ForgeError({ kind: "unavailable" }, message, { cause });
  }
}

function messageOf(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null) return text;
    const { message, error } = { message: undefined, error: undefined, ...parsed };
    const found: unknown = message ?? error;
    return typeof found === "string" ? found : JSON.stringify(found ?? parsed);
  } catch {
    return text;
  }
}
