/**
 * Events of transactions that were committed, told once each: a transaction that is rolled back, or
 * run again after a conflict, tells nothing of what it had written (E27).
 */
import type { Database, Queryable } from "./database.ts";
import type { RecordedEvent } from "./events.ts";

type Collect = (events: readonly RecordedEvent[]) => void;

const collectors = new WeakMap<Queryable, Collect>();

/** Where what is written through `tx` is kept until it is committed; `undefined`: nobody asks. */
export const collectorOf = (tx: Queryable): Collect | undefined => collectors.get(tx);

/** @param told must not throw, and not use the database: it is called on the way back from a commit */
export const tellCommitted = (
  db: Database,
  told: (events: readonly RecordedEvent[]) => void,
): Database => ({
  kind: db.kind,
  query: (sql, values) => db.query(sql, values),
  async transaction(work) {
    let written: RecordedEvent[] = [];
    const result = await db.transaction((tx) => {
      written = [];
      collectors.set(tx, (events) => void written.push(...events));
      return work(tx);
    });
    if (written.length > 0) told(written);
    return result;
  },
  listen: (channel, onNotify) => db.listen(channel, onNotify),
  close: () => db.close(),
});
