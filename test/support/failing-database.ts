/** A database that its process loses at a chosen write, as a killed one does. */
import type { Database, Queryable } from "../../src/store/database.ts";

class Killed extends Error {
  override readonly name = "Killed";
}

export interface KillPoint {
  /** The how many-th write it is; a transaction that writes is one. */
  readonly write: number;
  /** Whether the write takes effect, and nobody hears of it. */
  readonly dies: "before" | "after";
}

export interface DoomedDatabase extends Database {
  readonly killed: boolean;
  /** Statement that the kill came with; of a transaction, the first that writes. */
  readonly killedAt: string;
  /** Writes so far. */
  readonly writes: number;
  /** Aborted when it happens. */
  readonly death: AbortSignal;
}

/** `db` until the point is reached; from then on every use of it is refused. */
export function doomedDatabase(db: Database, point: KillPoint | undefined): DoomedDatabase {
  const death = new AbortController();
  let writes = 0;
  let killedAt = "";

  const expectAlive = (): void => {
    if (death.signal.aborted) throw new Killed("the process is dead");
  };
  const die = (): never => {
    death.abort();
    throw new Killed(`killed ${point?.dies} write ${point?.write}: ${killedAt}`);
  };
  const isFatal = (): boolean => writes === point?.write;
  const count = (sql: string): void => {
    writes += 1;
    if (isFatal()) killedAt = sql.trim().replaceAll(/\s+/g, " ").slice(0, 60);
  };

  return {
    kind: db.kind,
    get killed() {
      return death.signal.aborted;
    },
    get killedAt() {
      return killedAt;
    },
    get writes() {
      return writes;
    },
    death: death.signal,
    async query(sql, values) {
      expectAlive();
      if (!isWrite(sql)) return db.query(sql, values);
      count(sql);
      const fatal = isFatal();
      if (fatal && point?.dies === "before") die();
      const result = await db.query(sql, values);
      if (fatal) die();
      expectAlive();
      return result;
    },
    async transaction(work) {
      expectAlive();
      let fatal = false;
      const result = await db.transaction(async (tx: Queryable) => {
        let counted = false;
        const done = await work({
          async query(sql, values) {
            expectAlive();
            if (!counted && isWrite(sql)) {
              counted = true;
              count(sql);
              fatal = isFatal();
            }
            return tx.query(sql, values);
          },
        });
        // Rolled back: whichever of its statements was the last, none has happened.
        if (fatal && point?.dies === "before") die();
        expectAlive();
        return done;
      });
      if (fatal) die();
      return result;
    },
    listen: (channel, onNotify) =>
      db.listen(channel, (payload) => void (death.signal.aborted || onNotify(payload))),
    close: () => Promise.resolve(),
  };
}

const isWrite = (sql: string): boolean => /^\s*(insert|update|delete|with)/i.test(sql);
