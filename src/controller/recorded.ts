/** An environment's recorded resources in memory, brought up to date by what was written since. */
import { isDeepStrictEqual } from "node:util";
import type { Recorded } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "../store/database.ts";
import { resourcesSince } from "../store/resources.ts";

export interface RecordedCache {
  /** All of them, the deleted among them; another map whenever something came in. */
  readonly all: ReadonlyMap<Uid, Recorded>;
  /** Grows whenever something came in. */
  readonly version: number;
  refresh(db: Queryable): Promise<void>;
  /** Before the next refresh reads everything: rows were removed. */
  clear(): void;
}

export function cacheRecorded(scope: Scope): RecordedCache {
  let all: ReadonlyMap<Uid, Recorded> = new Map();
  let snapshot: string | undefined;
  let version = 0;
  return {
    get all() {
      return all;
    },
    get version() {
      return version;
    },
    async refresh(db) {
      const { changed, snapshot: seen } = await resourcesSince(db, scope, snapshot);
      snapshot = seen;
      // A long transaction elsewhere makes rows come again that nobody has written since.
      const news = changed.filter((it) => !isDeepStrictEqual(all.get(it.uid), it));
      if (news.length === 0) return;
      version += 1;
      const next = new Map(all);
      for (const it of news) next.set(it.uid, it);
      all = next;
    },
    clear() {
      all = new Map();
      snapshot = undefined;
    },
  };
}
