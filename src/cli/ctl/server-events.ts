/** Server-sent events (WHATWG HTML §9.2), resumed where they were cut off. */
import type { Client } from "./client.ts";
import type { CtlContext } from "./context.ts";
import { CommandError } from "../output/failure.ts";

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

const mostBuffered = 1024 * 1024;
const reconnects = 5;
const againAfterMs = 500;

/** Ends when the server says `end`, or closes the stream without having been cut off. */
export async function* serverEvents(
  context: CtlContext,
  client: Client,
  path: string,
  query: Readonly<Record<string, string>>,
): AsyncGenerator<ServerEvent> {
  let after: string | undefined;
  for (let failures = 0; ;) {
    const response = await client.open(path, {
      query: { ...query, after },
      accept: "text/event-stream",
    });
    try {
      for await (const it of eventsOf(response)) {
        failures = 0;
        if (it.id !== undefined) after = it.id;
        if (it.event === "end") return;
        if (it.data !== "") yield it;
      }
      return;
    } catch (error) {
      context.stop.throwIfAborted();
      failures += 1;
      if (error instanceof CommandError || failures > reconnects) throw error;
      await context.clock.sleep(againAfterMs, context.stop);
    }
  }
}

async function* eventsOf(
  response: Response,
): AsyncGenerator<ServerEvent & { readonly id: string | undefined }> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return;
  const decoder = new TextDecoder();
  let buffered = "";
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true }).replaceAll("\r\n", "\n");
    const blocks = buffered.split("\n\n");
    buffered = blocks.pop() ?? "";
    if (buffered.length > mostBuffered) throw new Error("an event is longer than 1 MiB");
    for (const block of blocks) yield eventOf(block);
  }
}

function eventOf(block: string): ServerEvent & { readonly id: string | undefined } {
  const fields = block.split("\n").map((line) => {
    const colon = line.indexOf(":");
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    return [colon < 0 ? line : line.slice(0, colon), value] as const;
  });
  const last = (name: string) => fields.findLast(([key]) => key === name)?.[1];
  const data = fields.filter(([key]) => key === "data").map(([, value]) => value);
  return { event: last("event") ?? "message", id: last("id"), data: data.join("\n") };
}
