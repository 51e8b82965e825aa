/**
 * A database for those who may be many: at most so many of their statements and transactions at once,
 * first come, first served. What the rest of the process asks never waits behind all of them: a
 * heartbeat that comes too late costs a lease.
 */
import type { Database } from "./database.ts";

export function bounded(db: Database, most: number): Database {
  let free = most;
  const waiting: (() => void)[] = [];

  async function within<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  }

  return {
    kind: db.kind,
    query: (sql, values) => within(() => db.query(sql, values)),
    transaction: (work) => within(() => db.transaction(work)),
    listen: (channel, onNotify) => db.listen(channel, onNotify),
    close: () => db.close(),
  };
}
