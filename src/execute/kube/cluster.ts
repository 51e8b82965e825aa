/**
 * One cluster's API over HTTPS: bounded calls, and watches. Who we are there comes from a kubeconfig
 * or from the pod itself, and may be somebody else by impersonation.
 */
import { request, Agent, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { isRecord, type Json, type JsonRecord } from "../../model/json.ts";
import { KubeError, readRefusal } from "./kube-error.ts";

/** Gives address and credentials; asked before each call, since tokens are renewed. */
export interface KubeAccess {
  /** Base URL without a slash at its end. */
  readonly server: string;
  apply(options: RequestOptions): Promise<void>;
}

export interface KubeCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute, of the API: `/api/v1/…`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly contentType?: string;
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: JsonRecord;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: JsonRecord;
}

export interface Cluster {
  readonly name: string;
  /** Distinguishes what is remembered about it: cluster and who we are in it. */
  readonly key: string;
  /** @throws {KubeError}, or the signal's reason */
  call(call: KubeCall, signal: AbortSignal): Promise<KubeAnswer>;
  /** As `call`, of what is no JSON: a log. @throws {KubeError}, or the signal's reason */
  text(call: KubeCall, signal: AbortSignal): Promise<string>;
  /** Ends when the server ends it. @throws {KubeError}, or the signal's reason */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
}

/** A user or service account to act as; what it may do is what RBAC grants it. */
export interface Impersonation {
  readonly user: string;
  readonly groups: readonly string[];
}

export interface ClusterOptions {
  readonly name: string;
  readonly access: () => Promise<KubeAccess>;
  /** The credentials were refused: read them anew before the next call. */
  readonly refresh: () => void;
  readonly impersonate?: Impersonation;
  /** Told of every request that is made. */
  readonly onCall?: (call: Pick<KubeCall, "method" | "path">) => void;
}

const timeoutMs = 30_000;
const bodyAtMost = 8 * 1_048_576;

/** Connections are shared and kept; how many at a time bounds what one replica asks of a server. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export function openCluster(options: ClusterOptions): Cluster {
  const { name, access, refresh, impersonate, onCall = () => undefined } = options;

  const send = async (call: KubeCall, signal: AbortSignal): Promise<IncomingMessage> => {
    const what = `${call.method} ${call.path}`;
    onCall(call);
    const reached = await access().catch((error: unknown) => {
      throw noAnswer(`cluster ${name}`, error);
    });
    const text = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers: Record<string, string | string[]> = {
      accept: "application/json",
      "user-agent": "innominatus",
      ...(text === undefined
        ? {}
        : {
            "content-type": call.contentType ?? "application/json",
            // Of a DELETE's body Node says no length by itself.
            "content-length": String(Buffer.byteLength(text)),
          }),
      ...(impersonate === undefined
        ? {}
        : { "impersonate-user": impersonate.user, "impersonate-group": [...impersonate.groups] }),
    };
    const sent: RequestOptions = { method: call.method, headers, signal };
    await reached.apply(sent).catch((error: unknown) => {
      throw noAnswer(`cluster ${name}`, error);
    });
    const query = new URLSearchParams(call.query).toString();
    const url = `${reached.server}${call.path}${query === "" ? "" : `?${query}`}`;
    return new Promise((resolve, reject) => {
      // The library makes an agent for each call, which keeps no connection; one for a proxy stays.
      const { agent: given } = sent;
      const shared = given === undefined || Object.getPrototypeOf(given) === Agent.prototype;
      const asked = request(url, { ...sent, ...(shared ? { agent } : {}) }, resolve);
      asked.on("error", (error) => reject(signal.aborted ? signal.reason : noAnswer(what, error)));
      asked.end(text);
    });
  };

  const ask = async <T>(
    call: KubeCall,
    signal: AbortSignal,
    read: (text: string, status: number) => T | undefined,
  ): Promise<T> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const both = AbortSignal.any([signal, timeout]);
    const what = `${call.method} ${call.path}`;
    try {
      const answer = await send(call, both);
      const text = await readAll(answer, what);
      const status = answer.statusCode ?? 0;
      if (status === 401) refresh();
      const value = status >= 200 && status < 300 ? read(text, status) : undefined;
      if (value !== undefined) return value;
      const refusal = readRefusal(status, parse(text), text, answer.headers["retry-after"]);
      throw new KubeError(what, refusal);
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted) throw noAnswer(what, new Error(`no answer in ${timeoutMs / 1_000} s`));
      throw error instanceof KubeError ? error : noAnswer(what, error);
    }
  };

  return {
    name,
    key: `${name} ${impersonate?.user ?? ""}`,
    call: (call, signal) =>
      ask(call, signal, (text, status) => {
        const body = parse(text);
        return isRecord(body) ? { status, body } : undefined;
      }),
    text: (call, signal) => ask(call, signal, (text) => text),
    async *watch(path, query, signal) {
      const call = { method: "GET", path, query: { ...query, watch: "true" } } as const;
      const answer = await send(call, signal);
      const what = `watching ${path}`;
      if (answer.statusCode !== 200) {
        const text = await readAll(answer, what);
        const status = answer.statusCode ?? 0;
        throw new KubeError(what, readRefusal(status, parse(text), text, undefined));
      }
      try {
        yield* eventsIn(answer, what);
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof KubeError ? error : noAnswer(what, error);
      }
    },
  };
}

const noAnswer = (what: string, error: unknown): KubeError => {
  const message = `no answer: ${error instanceof Error ? error.message : String(error)}`;
  const refusal = { status: 0, reason: "", message, causes: [], retryAfterMs: undefined };
  return new KubeError(what, refusal, { cause: error });
};

const bytes = z.instanceof(Uint8Array);

async function readAll(answer: IncomingMessage, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer) {
    const chunk = bytes.parse(part);
    size += chunk.byteLength;
    if (size > bodyAtMost) {
      answer.destroy();
      throw noAnswer(what, new Error("the answer is larger than 8 MiB"));
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): Json | undefined {
  try {
    return z.json().parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const watchEvent = z.object({ type: z.string(), object: z.record(z.string(), z.json()) });

async function* eventsIn(answer: IncomingMessage, what: string): AsyncIterable<WatchEvent> {
  answer.setEncoding("utf8");
  let rest = "";
  for await (const part of answer) {
    rest += String(part);
    if (rest.length > bodyAtMost) throw noAnswer(what, new Error("an event larger than 8 MiB"));
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = watchEvent.safeParse(parse(line));
      if (!event.success) continue;
      if (event.data.type === "ERROR") {
        throw new KubeError(what, readRefusal(410, event.data.object, line, undefined));
      }
      yield event.data;
    }
  }
}
