/**
 * Calls of the HTTP API: bounded in time and size, and every refusal said in three parts. Answers are
 * read loosely: what a newer server adds is passed over, what an older one lacks has a default.
 */
import { z } from "zod";
import { CommandError } from "../output/failure.ts";
import { version } from "../version.ts";
import { serverOf, type CtlContext, type CtlFlags } from "./context.ts";
import { findToken, type FoundToken } from "./credentials.ts";
import { refusalOf, unreachable } from "./refusal.ts";

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: { readonly type: string; readonly text: string };
  readonly accept?: string;
}

export interface Client {
  readonly server: string;
  call<S extends z.ZodType>(path: string, answer: S, call?: Call): Promise<z.output<S>>;
  /** All pages of a list, at most `limit` rows. */
  list<S extends z.ZodType>(
    path: string,
    row: S,
    query?: Call["query"],
    limit?: number,
  ): Promise<z.output<S>[]>;
  text(path: string, call?: Call): Promise<string>;
  /** An open answer, for events as they come; it has no limit but the signal's. */
  open(path: string, call: Call): Promise<Response>;
}

const answerWithinMs = 30_000;
const mostBytes = 64 * 1024 * 1024;
const pageSize = "100";

/** JSON bodies, with the header they need. */
export const jsonBody = (value: unknown): NonNullable<Call["body"]> => ({
  type: "application/json",
  text: JSON.stringify(value),
});

/** @throws {CommandError} where nobody is signed in, unless told that it does not matter */
export async function createClient(
  context: CtlContext,
  flags: CtlFlags,
  { anonymous = false }: { readonly anonymous?: boolean } = {},
): Promise<Client> {
  const server = serverOf(context, flags);
  const token = anonymous ? undefined : await findToken(context, server);
  if (!anonymous && token === undefined) {
    const next = "run `innominatus-ctl login`, or set INNOMINATUS_API_TOKEN";
    throw new CommandError("you are not signed in", server, next, { exitCode: 4 });
  }
  return clientOn(context, server, token);
}

function clientOn(context: CtlContext, server: string, token: FoundToken | undefined): Client {
  const open = async (path: string, call: Call, signal: AbortSignal): Promise<Response> => {
    const url = urlOf(server, path, call.query);
    const { method = "GET", body, accept = "application/json" } = call;
    const response = await context
      .fetch(url, {
        method,
        headers: {
          accept: `${accept}, application/problem+json`,
          "user-agent": `innominatus-ctl/${version}`,
          ...(token === undefined ? {} : { authorization: `Bearer ${token.token}` }),
          ...(body === undefined ? {} : { "content-type": body.type }),
        },
        ...(body === undefined ? {} : { body: body.text }),
        // A redirect would turn a POST into a GET, or take the token along: a person decides.
        redirect: "manual",
        signal,
      })
      .catch((error: unknown) => {
        context.stop.throwIfAborted();
        throw unreachable(server, error);
      });
    if (response.ok) return response;
    throw refusalOf({
      server,
      call: `${method} ${url.pathname}`,
      status: response.status,
      headers: response.headers,
      body: await bounded(response).catch(() => ""),
      token,
      now: context.clock.now(),
    });
  };
  const brief = (): AbortSignal =>
    AbortSignal.any([context.stop, AbortSignal.timeout(answerWithinMs)]);
  const whole = async (path: string, call: Call): Promise<{ text: string; headers: Headers }> => {
    const response = await open(path, call, brief());
    const text = await bounded(response).catch((error: unknown) => {
      context.stop.throwIfAborted();
      throw unreachable(server, error);
    });
    return { text, headers: response.headers };
  };
  const parsed = <S extends z.ZodType>(path: string, schema: S, text: string): z.output<S> => {
    const found = schema.safeParse(jsonOf(text));
    if (found.success) return found.data;
    const next = `is this innominatus? if so, its version may be too far from ${version}, this command's`;
    const [issue] = found.error.issues;
    const at = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
    throw new CommandError(`the answer is not understood${at}`, `${server}${path}`, next);
  };

  return {
    server,
    call: async (path, answer, call = {}) => parsed(path, answer, (await whole(path, call)).text),
    text: async (path, call = {}) => (await whole(path, call)).text,
    open: (path, call) => open(path, call, context.stop),
    async list(path, row, query = {}, limit = Number.POSITIVE_INFINITY) {
      const rows: z.output<typeof row>[] = [];
      let next: string | undefined = path;
      let given: Call["query"] = { limit: pageSize, ...query };
      while (next !== undefined && rows.length < limit) {
        const page: { text: string; headers: Headers } = await whole(next, { query: given });
        const found = rowsOf(parsed(next, z.unknown(), page.text));
        rows.push(...parsed(next, z.array(row), JSON.stringify(found)));
        const link = nextPage(server, page.headers.get("link"));
        // A page of a server that goes round in circles would be read for ever.
        next = found.length === 0 || link === next ? undefined : link;
        given = {};
      }
      return rows.slice(0, limit);
    },
  };
}

function urlOf(server: string, path: string, query: Call["query"] = {}): URL {
  const url = new URL(`${server}${path}`);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(key, value);
  }
  return url;
}

/** A list comes bare, under one of these keys, by name or, as upstream has it, as lists by application. */
const listKeys = ["data", "items", "resources", "runs", "workflows", "events", "plans"];
const records = z.record(z.string(), z.record(z.string(), z.unknown()));

function rowsOf(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  const record = z.record(z.string(), z.unknown()).safeParse(answer);
  if (!record.success) return [answer];
  for (const key of listKeys) {
    const found = record.data[key];
    if (Array.isArray(found)) return found;
  }
  const byName = records.safeParse(answer);
  if (byName.success) {
    return Object.entries(byName.data).map(([name, it]): unknown => ({ name, ...it }));
  }
  return Object.values(record.data).flatMap((it) => z.array(z.unknown()).catch([]).parse(it));
}

/** RFC 8288: path and query of `rel="next"`, on this server whatever host the link names. */
function nextPage(server: string, link: string | null): string | undefined {
  const found = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link ?? "")?.[1];
  if (found === undefined || !URL.canParse(found, server)) return undefined;
  const { pathname, search } = new URL(found, server);
  const base = new URL(server).pathname.replace(/\/$/, "");
  return `${pathname.startsWith(base) ? pathname.slice(base.length) : pathname}${search}`;
}

async function bounded(response: Response): Promise<string> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
