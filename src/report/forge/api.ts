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
  /** The same as the last time it was asked for. */
  readonly unchanged: boolean;
  readonly hasNext: boolean;
}

export interface Api {
  /** @throws {ForgeError} */
  ask<T>(request: ApiRequest, schema: z.ZodType<T>, signal: AbortSignal): Promise<ApiAnswer<T>>;
  budget(): RateBudget | undefined;
}

export interface Pages<T> {
  readonly items: readonly T[];
  readonly unchanged: boolean;
}

/** Every page, until there is none or `enough` says so; never more than `limit` of them. */
export async function askPages<T>(
  api: Api,
  request: ApiRequest,
  item: z.ZodType<T>,
  signal: AbortSignal,
  enough: (page: readonly T[]) => boolean = () => false,
  limit = 100,
): Promise<Pages<T>> {
  const items: T[] = [];
  let unchanged = true;
  for (let page = 1; page <= limit; page += 1) {
    const query = page === 1 ? { ...request.query } : { ...request.query, page };
    const answer = await api.ask({ ...request, query }, z.array(item), signal);
    items.push(...answer.value);
    unchanged &&= answer.unchanged;
    if (!answer.hasNext || enough(answer.value)) break;
  }
  return { items, unchanged };
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
