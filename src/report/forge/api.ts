/** What the forges' ways of asking have in common: a request, an answer that is checked, and pages of them. */
import { z } from "zod";
import type { RateBudget } from "./forge.ts";
import { ForgeError } from "./forge-error.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Below the API's address; its variable parts are encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Asking twice is as good as once, though the method does not say so. */
  readonly repeatable?: boolean;
}

export interface ApiAnswer<T> {
  readonly value: T;
  readonly hasNext: boolean;
  /** To ask with whether it still holds. `undefined`: the forge does not say. */
  readonly etag: string | undefined;
}

export interface Api {
  /** @throws {ForgeError} */
  ask<T>(request: ApiRequest, schema: z.ZodType<T>, signal: AbortSignal): Promise<ApiAnswer<T>>;
  /** @returns `undefined` where what came with the etag still holds. @throws {ForgeError} */
  askIfChanged<T>(
    request: ApiRequest,
    etag: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<ApiAnswer<T> | undefined>;
  budget(): RateBudget | undefined;
}

type AskPage<T> = (request: ApiRequest, signal: AbortSignal) => Promise<ApiAnswer<readonly T[]>>;

/** Every page, until there is none or `enough` says so; never more than `limit` of them. */
export async function askPages<T>(
  api: Api,
  request: ApiRequest,
  item: z.ZodType<T>,
  signal: AbortSignal,
  enough?: (page: readonly T[]) => boolean,
): Promise<readonly T[]> {
  const list = z.array(item);
  return collect((page) => api.ask(page, list, signal), request, signal, enough);
}

export interface Listing<T> {
  readonly items: readonly T[];
  /** The same as the last time it was asked for. */
  readonly unchanged: boolean;
}

/** Pages kept to be asked for conditionally; the least recently asked for go first. */
const keptPages = 32;

/** A listing that is asked for again and again: a page that did not change costs a 304, and is not read anew. */
export function createListing<T>(
  api: Api,
  item: z.ZodType<T>,
): (
  request: ApiRequest,
  signal: AbortSignal,
  enough?: (page: readonly T[]) => boolean,
) => Promise<Listing<T>> {
  const list = z.array(item);
  const kept = new Map<string, ApiAnswer<readonly T[]>>();
  return async (request, signal, enough) => {
    let unchanged = true;
    const ask: AskPage<T> = async (page) => {
      const key = withQuery(page);
      const known = kept.get(key);
      const answer =
        known?.etag === undefined
          ? await api.ask(page, list, signal)
          : await api.askIfChanged(page, known.etag, list, signal);
      unchanged &&= answer === undefined;
      const current = answer ?? known ?? { value: [], hasNext: false, etag: undefined };
      kept.delete(key);
      kept.set(key, current);
      const [oldest] = kept.keys();
      if (kept.size > keptPages && oldest !== undefined) kept.delete(oldest);
      return current;
    };
    const items = await collect(ask, request, signal, enough);
    return { items, unchanged };
  };
}

const pagesAtMost = 100;

async function collect<T>(
  ask: AskPage<T>,
  request: ApiRequest,
  signal: AbortSignal,
  enough: (page: readonly T[]) => boolean = () => false,
): Promise<readonly T[]> {
  const items: T[] = [];
  for (let page = 1; page <= pagesAtMost; page += 1) {
    const query = page === 1 ? { ...request.query } : { ...request.query, page };
    const answer = await ask({ ...request, query }, signal);
    items.push(...answer.value);
    if (!answer.hasNext || enough(answer.value)) break;
  }
  return items;
}

export const withQuery = ({ path, query = {} }: ApiRequest): string => {
  const pairs = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
};

/** `Link: <…>; rel="next"` (RFC 8288). */
export const hasNextLink = (link: string | null | undefined): boolean =>
  /rel="?next"?/.test(link ?? "");

export function checked<T>(request: ApiRequest, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const message = `${request.method} ${request.path}: not such an answer as is expected`;
  throw new ForgeError({ kind: "unavailable" }, message, { cause: parsed.error });
}

export const nothing = z.unknown();
