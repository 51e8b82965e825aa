/** The one clock of leases, grace and backoff (execution semantics, Time). */
import { z } from "zod";
import type { Queryable } from "./database.ts";
import { time } from "./rows.ts";

const row = z.object({ now: time });

/** ISO 8601, UTC. */
export async function storeNow(db: Queryable): Promise<string> {
  const { rows } = await db.query(`select store_now() as now`);
  return row.parse(rows[0]).now;
}
