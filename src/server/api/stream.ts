/**
 * Server-sent events (WHATWG HTML, 9.2): what is new since the last one seen, again and again. The
 * database's notifications make it look sooner; it looks every few seconds anyway.
 */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { ApiServices } from "./services.ts";

export interface Feed {
  /** Where to begin: after this. */
  readonly from: string;
  /** What there is after `cursor`. `end`: nothing will follow. */
  read(cursor: string): Promise<{
    readonly events: readonly FeedEvent[];
    readonly cursor: string;
    readonly end: boolean;
  }>;
}

export interface FeedEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

const lookEveryMs = 1_000;
/** So that proxies keep the connection, and a client that is gone is noticed. */
const aliveEveryMs = 15_000;

export function wantsStream(context: Context, asked: "true" | "false" | undefined): boolean {
  if (asked !== undefined) return asked === "true";
  return (context.req.header("accept") ?? "").includes("text/event-stream");
}

/** As browsers send it when they connect again. */
export function lastEventId(context: Context, pattern: RegExp): string | undefined {
  const given = context.req.header("last-event-id");
  return given !== undefined && pattern.test(given) ? given : undefined;
}

export function follow(
  context: Context,
  { db, clock, stopping, log }: Pick<ApiServices, "db" | "clock" | "stopping" | "log">,
  feed: Feed,
): Response {
  context.header("cache-control", "no-store");
  context.header("x-accel-buffering", "no");
  return streamSSE(
    context,
    async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, stopping, context.req.raw.signal]);
      let wake = new AbortController();
      const stopListening = await db.listen("innominatus", () => wake.abort());
      try {
        await stream.writeSSE({ event: "open", data: "", retry: 2_000 });
        let cursor = feed.from;
        let silentMs = 0;
        while (!signal.aborted) {
          wake = new AbortController();
          const found = await feed.read(cursor);
          cursor = found.cursor;
          for (const it of found.events) await stream.writeSSE(it);
          if (found.end) return;
          silentMs = found.events.length > 0 ? 0 : silentMs + lookEveryMs;
          if (silentMs >= aliveEveryMs) {
            silentMs = 0;
            await stream.writeSSE({ event: "alive", data: "" });
          }
          const either = AbortSignal.any([signal, wake.signal]);
          await clock.sleep(lookEveryMs, either).catch(() => undefined);
        }
      } finally {
        await stopListening();
      }
    },
    async (error) => log.error({ err: error, path: context.req.path }, "streaming"),
  );
}
