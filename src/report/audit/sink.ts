/** Posts audit events to a configured endpoint: bounded in size and time, nothing secret in what it says. */
import { z } from "zod";
import type { Clock } from "../../model/clock.ts";
import { createMasker } from "../../secrets/mask.ts";
import { toAnswer, type SinkAnswer } from "./answer.ts";

export interface SinkOptions {
  /** Of the service; the path is the specification's. */
  readonly url: string;
  /** Secret. */
  readonly token: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/** @param body a JSON array of events; @throws the signal's reason when the process stops */
export type PostEvents = (body: string, signal: AbortSignal) => Promise<SinkAnswer>;

const path = "/api/v1/audit/events/batch";
const answerAtMost = 65_536;

export function openSink({ url, token, timeoutMs, clock, fetch }: SinkOptions): PostEvents {
  const address = `${url.replace(/\/+$/, "")}${path}`;
  const masker = createMasker();
  if (token !== undefined) masker.add(token);
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return async (body, signal) => {
    const over = new AbortController();
    const late = new AbortController();
    clock.sleep(timeoutMs, over.signal).then(
      () => late.abort(),
      () => undefined,
    );
    try {
      const response = await fetch(address, {
        method: "POST",
        headers,
        body,
        redirect: "manual",
        signal: AbortSignal.any([signal, late.signal]),
      });
      const text = masker.mask(await beginningOf(response));
      return toAnswer(response.status, response.headers, text, clock.now());
    } catch (error) {
      signal.throwIfAborted();
      const problem = late.signal.aborted ? `no answer within ${timeoutMs} ms` : codeOf(error);
      return { kind: "unavailable", problem, retryAfterMs: undefined };
    } finally {
      over.abort();
    }
  };
}

const bytes = z.instanceof(Uint8Array);

/** The rest of a long answer is left unread. */
async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    const chunk = bytes.parse(part);
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= answerAtMost) break;
  }
  return Buffer.concat(chunks).subarray(0, answerAtMost).toString("utf8");
}

const coded = z.object({ code: z.string() });
const caused = z.object({ cause: coded });

/** Never the text: fetch quotes what it was given. */
function codeOf(error: unknown): string {
  const cause = caused.safeParse(error);
  if (cause.success) return cause.data.cause.code;
  const direct = coded.safeParse(error);
  return direct.success ? direct.data.code : "the request could not be sent";
}
