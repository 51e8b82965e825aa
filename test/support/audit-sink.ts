/** An audit sink for a test: a real HTTP server that takes, refuses, stalls or cuts what it is told to. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";

export type SinkFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is cut, before the events were kept or after. */
  | { readonly cut: "before" | "after" }
  /** Never answered. */
  | { readonly hangs: true };

export interface TestSink {
  readonly url: string;
  /** Ids of each request, in the order they came. */
  readonly requests: readonly (readonly string[])[];
  readonly headers: readonly IncomingMessage["headers"][];
  readonly bodies: readonly string[];
  /** Ids that were kept, in the order of their first arrival. */
  readonly kept: readonly string[];
  /** Answers to come, one a request; once they are used up, all is taken with 201. */
  readonly script: SinkFault[];
  /** Refused with 400 in whatever company. */
  readonly poisoned: Set<string>;
  /** Called with each request, before it is answered. */
  onRequest: () => Promise<void> | void;
  reset(): void;
  close(): Promise<void>;
}

const batch = z.array(z.looseObject({ event_id: z.string() }));
const keeps = new Set([201, 202, 409]);

export async function openTestSink(): Promise<TestSink> {
  const requests: string[][] = [];
  const headers: IncomingMessage["headers"][] = [];
  const bodies: string[] = [];
  const kept = new Set<string>();
  const script: SinkFault[] = [];
  const poisoned = new Set<string>();

  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const ids = batch.parse(JSON.parse(body)).map((it) => it.event_id);
      requests.push(ids);
      headers.push(request.headers);
      bodies.push(`${request.method} ${request.url}\n${body}`);
      await sink.onRequest();
      const keep = (): void => ids.forEach((it) => kept.add(it));
      const fault = script.shift() ?? { status: ids.some((it) => poisoned.has(it)) ? 400 : 201 };
      if ("hangs" in fault) return;
      if ("cut" in fault) {
        if (fault.cut === "after") keep();
        request.socket.destroy();
        return;
      }
      if (keeps.has(fault.status)) keep();
      const problem = { title: "no", errors: [{ index: 0, detail: "event_type is unknown" }] };
      const answer = keeps.has(fault.status) ? { event_ids: ids, message: "kept" } : problem;
      response.writeHead(fault.status, fault.headers ?? {}).end(JSON.stringify(answer));
    });
  });
  const sink = {
    url: `http://127.0.0.1:${await listen(server)}`,
    requests,
    headers,
    bodies,
    get kept() {
      return [...kept];
    },
    script,
    poisoned,
    onRequest: (): Promise<void> | void => undefined,
    reset() {
      for (const list of [requests, headers, bodies, script]) list.length = 0;
      kept.clear();
      poisoned.clear();
      sink.onRequest = () => undefined;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return sink;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error("the server has no port"));
    });
  });
}
