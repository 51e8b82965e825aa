/** One transaction on one connection, for both databases: order, end, retries, and misuse. */
import { AsyncLocalStorage } from "node:async_hooks";
import { codeOf, DatabaseUnavailableError, type Queryable } from "./database.ts";

const attempts = 5;
const retried = new Set(["40001", "40P01"]);

/** One's own for one attempt; `release` is told whether it is left in a state that nobody knows. */
export interface Connection extends Queryable {
  release(broken: boolean): void;
}

interface Open {
  open: boolean;
}

/** Which databases have a transaction open in the current chain of calls. */
export class TransactionContext {
  readonly #current = new AsyncLocalStorage<Open | undefined>();

  /** @throws {Error} inside a transaction: on one connection, waiting for it to end would never end */
  refuseNesting(): void {
    if (this.#current.getStore()?.open === true) {
      throw new Error(
        "the database is used inside its own transaction: use the transaction's query",
      );
    }
  }

  /** Runs `callback` as if no transaction were open: what it starts is not part of one. */
  outside(callback: () => void): void {
    this.#current.run(undefined, callback);
  }

  /** Database.transaction, on connections of `acquire`'s. */
  async transact<T>(
    acquire: () => Promise<Connection>,
    work: (tx: Queryable) => Promise<T>,
  ): Promise<T> {
    this.refuseNesting();
    for (let attempt = 1; ; attempt++) {
      const connection = await acquire();
      const state: Open = { open: true };
      try {
        return await this.#current.run(state, () => attemptOnce(connection, state, work));
      } catch (error) {
        // Tried again at once: whoever won has already gone on, and row locks do the waiting.
        if (attempt >= attempts || !isConflict(error)) throw error;
      }
    }
  }
}

/** Also where whoever called it has added what was going on. */
function isConflict(error: unknown): boolean {
  if (retried.has(codeOf(error) ?? "")) return true;
  return error instanceof Error && isConflict(error.cause);
}

async function attemptOnce<T>(
  connection: Connection,
  state: Open,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let failed = false;
  const tx: Queryable = {
    query(sql, values) {
      if (!state.open) {
        return Promise.reject(new Error("the transaction has ended: await all of its queries"));
      }
      const next = last.then(() => connection.query(sql, values));
      last = next.catch(() => {
        failed = true;
      });
      return next;
    },
  };
  let broken = true;
  try {
    await connection.query("begin");
    const result = await work(tx);
    state.open = false;
    await last;
    // After an error that `work` swallowed, commit would roll back and say nothing; this throws.
    if (failed) await connection.query("select 1");
    await connection.query("commit");
    broken = false;
    return result;
  } catch (error) {
    state.open = false;
    await last;
    broken = error instanceof DatabaseUnavailableError || !(await rolledBack(connection));
    throw error;
  } finally {
    connection.release(broken);
  }
}

const rolledBack = (connection: Connection): Promise<boolean> =>
  connection.query("rollback").then(
    () => true,
    () => false,
  );
