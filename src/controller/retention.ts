/** Lets go of what the audit trail need not keep any more, a little at a time, once an hour. */
import { spread } from "../model/clock.ts";
import type { Queryable } from "../store/database.ts";
import { pruneDelivered, pruneReceived } from "../store/retention.ts";
import type { Services } from "./services.ts";

const intervalMs = 3_600_000;
/** Rows in one statement: milliseconds of work. */
const batch = 1_000;
const betweenMs = 100;

/** @returns when `stop` is aborted */
export async function keepAuditShort(
  { db, clock, random, log }: Pick<Services, "db" | "clock" | "random" | "log">,
  retentionMs: number,
  stop: AbortSignal,
): Promise<void> {
  const rest = (ms: number) => clock.sleep(ms, stop).catch(() => undefined);
  const all = async (prune: typeof pruneDelivered, on: Queryable): Promise<number> => {
    let sum = 0;
    while (!stop.aborted) {
      const count = await prune(on, retentionMs, batch);
      sum += count;
      if (count < batch) break;
      await rest(betweenMs);
    }
    return sum;
  };
  while (!stop.aborted) {
    try {
      const delivered = await all(pruneDelivered, db);
      const received = await all(pruneReceived, db);
      if (delivered + received > 0)
        log.info({ delivered, received }, "old audit events are pruned");
    } catch (error) {
      if (!stop.aborted) log.error({ err: error }, "pruning audit events");
    }
    await rest(spread(intervalMs, 0.1, random));
  }
}
