/** The database, with every statement counted. */
import type { Database, Queryable } from "../store/database.ts";

export function countQueries(db: Database, counted: (isError: boolean) => void): Database {
  const counting = (on: Queryable): Queryable => ({
    async query(sql, values) {
      try {
        const result = await on.query(sql, values);
        counted(false);
        return result;
      } catch (error) {
        counted(true);
        throw error;
      }
    },
  });
  return {
    kind: db.kind,
    ...counting(db),
    transaction: (work) => db.transaction((tx) => work(counting(tx))),
    listen: (channel, onNotify) => db.listen(channel, onNotify),
    close: () => db.close(),
  };
}
