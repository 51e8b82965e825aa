/** Which fields differ between two values, by JSON pointer (RFC 6901). */
import { isDeepStrictEqual } from "node:util";
import { escapePointer, isRecord, own, type Json } from "../model/json.ts";
import type { Change } from "../model/plan.ts";

/** Field-level differences, sorted by pointer. Lists are compared whole: order in them has meaning. */
export function diff(from: Json | undefined, to: Json | undefined, path = ""): Change[] {
  if (from === to) return [];
  if (isRecord(from) && isRecord(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted();
    return keys.flatMap((key) =>
      diff(own(from, key), own(to, key), `${path}/${escapePointer(key)}`),
    );
  }
  return isDeepStrictEqual(from, to) ? [] : [{ path, from, to }];
}

/** True where `pointer` names `path`, something inside it, or something it is inside of. */
export const covers = (pointer: string, path: string): boolean =>
  pointer === path || path.startsWith(`${pointer}/`) || pointer.startsWith(`${path}/`);
