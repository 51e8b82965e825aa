/** Pages of a list: opaque cursors that hold the last item's key, and the headers that lead on. */
import type { Context } from "hono";
import type { z } from "zod";
import { ApiError } from "./problem.ts";

export interface Page<Key> {
  readonly limit: number;
  readonly after: Key | undefined;
}

/** @throws {ApiError} for a cursor that this list never gave */
export function readPage<Key>(
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  key: z.ZodType<Key>,
): Page<Key> {
  if (cursor === undefined) return { limit, after: undefined };
  const read = key.safeParse(decoded(cursor));
  if (read.success) return { limit, after: read.data };
  throw new ApiError(400, {
    code: "invalid-cursor",
    detail: "the cursor is none that this list gave",
    hint: "leave it out to begin at the start",
  });
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

/**
 * Cuts what was read, one item more than asked for, to the page, and says where it goes on.
 *
 * @param keyOf of the last item of a page, where the next begins
 */
export function endPage<Item>(
  context: Context,
  { limit }: Page<unknown>,
  found: readonly Item[],
  keyOf: (item: Item) => unknown,
): readonly Item[] {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length > limit && last !== undefined) {
    const cursor = Buffer.from(JSON.stringify(keyOf(last))).toString("base64url");
    const { pathname, searchParams } = new URL(context.req.url);
    searchParams.set("cursor", cursor);
    context.header("link", `<${pathname}?${searchParams.toString()}>; rel="next"`);
    context.header("x-next-cursor", cursor);
  }
  return items;
}
