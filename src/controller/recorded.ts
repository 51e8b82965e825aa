/** An environment's recorded resources in memory, brought up to date by what was written since. */
import type { Recorded } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "../store/database.ts";
import { resourcesSince } from "../store/resources.ts";

export interface RecordedCache {
  /** All of them, the deleted among them. */
  readonly all: ReadonlyMap<Uid, Recorded>;
  /** Grows whenever something came in. */
  readonly version: number;
  refresh(db: Queryable): Promise<void>;
  /** Before the next refresh reads everything: rows were removed. */
  clear(): void;
}

export function cacheRecorded(scope: Scope): RecordedCache {
  const all = new Map<Uid, Recorded>();
  let snapshot: string | undefined;
  let version = 0;
  return {
    all,
    get version() {
      return version;
    },
    async refresh(db) {
      const { changed, snapshot: next } = await resourcesSince(db, scope, snapshot);
      snapshot = next;
      if (changed.length > 0) version += 1;
      for (const it of changed) all.set(it.uid, it);
    },
    clear() {
      all.clear();
      snapshot = undefined;
    },
  };
}
