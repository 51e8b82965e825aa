/**
 * One HTTP exchange with a forge: bounded in time and size, asked conditionally (ETag), so that what
 * did not change costs a 304, and with an eye on the rate that is left.
 */
import type { RateBudget } from "./forge.ts";
import { ForgeError } from "./forge-error.ts";

/** On an answer that was had from memory, since the forge said that it still holds. */
export const unchangedHeader = "innominatus-unchanged";

export interface Transport {
  readonly fetch: typeof fetch;
  budget(): RateBudget | undefined;
}

export interface TransportOptions {
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** Answers kept to be asked for conditionally; the least recently asked for go first. */
const remembered = 64;

interface Kept {
  readonly etag: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

export function createTransport(options: TransportOptions = {}): Transport {
  const { fetch: send = fetch, timeoutMs = 30_000, maxBytes = 20_000_000 } = options;
  const kept = new Map<string, Kept>();
  let budget: RateBudget | undefined;

  return {
    budget: () => budget,
    async fetch(input, init = {}) {
      const url = input instanceof Request ? input.url : String(input);
      const conditional = (init.method ?? "GET") === "GET";
      const known = conditional ? kept.get(url) : undefined;
      const headers = new Headers(init.headers);
      if (known !== undefined) headers.set("if-none-match", known.etag);

      const { answer, body } = await withTimeout(timeoutMs, init.signal, async (signal) => {
        const response = await send(url, { ...init, headers, signal });
        return { answer: response, body: await readAtMost(response, maxBytes) };
      });
      budget = budgetOf(answer.headers) ?? budget;
      if (answer.status === 304 && known !== undefined) {
        kept.delete(url);
        kept.set(url, known);
        const told = new Headers(known.headers);
        told.set(unchangedHeader, "true");
        return new Response(known.body, { status: 200, headers: told });
      }
      if (conditional) keep(kept, url, answer, body);
      const told = new Headers(answer.headers);
      told.delete("content-encoding");
      const { status, statusText } = answer;
      return new Response(body.length === 0 ? null : body, { status, statusText, headers: told });
    },
  };
}

function keep(
  kept: Map<string, Kept>,
  url: string,
  { status, headers }: Response,
  body: Kept["body"],
): void {
  const etag = headers.get("etag");
  kept.delete(url);
  if (status !== 200 || etag === null) return;
  const told = new Headers(headers);
  told.delete("content-encoding");
  kept.set(url, { etag, headers: told, body });
  const [oldest] = kept.keys();
  if (kept.size > remembered && oldest !== undefined) kept.delete(oldest);
}

/** Not AbortSignal.any: on a signal that lives as long as the process it leaves something behind (Node 20). */
async function withTimeout<T>(
  ms: number,
  signal: AbortSignal | null | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const slow = setTimeout(() => {
    stop.abort(new ForgeError({ kind: "unavailable" }, `no answer within ${ms / 1_000} s`));
  }, ms);
  try {
    return await work(stop.signal);
  } catch (error) {
    // fetch gives the reason as it is, or wrapped, or not at all.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(slow);
    signal?.removeEventListener("abort", abort);
  }
}

async function readAtMost(response: Response, maxBytes: number): Promise<Kept["body"]> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream: ReadableStream<Uint8Array> | null = response.body;
  const reader = stream?.getReader();
  for (;;) {
    const chunk = (await reader?.read())?.value;
    if (chunk === undefined) break;
    size += chunk.length;
    if (size > maxBytes) {
      const message = `the answer is larger than ${maxBytes} bytes`;
      throw new ForgeError({ kind: "refused", status: response.status }, message);
    }
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** GitHub and Gitea say `x-ratelimit-…`, GitLab `ratelimit-…`. */
function budgetOf(headers: Headers): RateBudget | undefined {
  const read = (name: string): number =>
    Number(headers.get(`x-ratelimit-${name}`) ?? headers.get(`ratelimit-${name}`) ?? Number.NaN);
  const [limit, remaining, reset] = [read("limit"), read("remaining"), read("reset")];
  if (Number.isNaN(limit + remaining + reset)) return undefined;
  return { limit, remaining, resetAtMs: reset * 1_000 };
}
