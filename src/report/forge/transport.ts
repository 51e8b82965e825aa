/**
 * One HTTP exchange with a forge: bounded in time and size, and with an eye on the rate that is left.
 */
import type { RateBudget } from "./forge.ts";
import { ForgeError } from "./forge-error.ts";

export interface Transport {
  readonly fetch: typeof fetch;
  budget(): RateBudget | undefined;
}

export interface TransportOptions {
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

export function createTransport(options: TransportOptions = {}): Transport {
  const { fetch: send = fetch, timeoutMs = 30_000, maxBytes = 20_000_000 } = options;
  let budget: RateBudget | undefined;
  return {
    budget: () => budget,
    async fetch(input, init = {}) {
      const { answer, body } = await withTimeout(timeoutMs, init.signal, async (signal) => {
        const response = await send(input, { ...init, signal });
        return { answer: response, body: await readAtMost(response, maxBytes) };
      });
      budget = budgetOf(answer.headers) ?? budget;
      const headers = new Headers(answer.headers);
      headers.delete("content-encoding");
      const { status, statusText } = answer;
      return new Response(body.length === 0 ? null : body, { status, statusText, headers });
    },
  };
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

async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
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
