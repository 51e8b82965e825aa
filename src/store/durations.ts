/** How long runs took that ended well: what a forecast is made from. */
import { z } from "zod";
import type { RunOperation } from "../model/run.ts";
import type { Queryable } from "./database.ts";

export interface Duration {
  readonly type: string;
  readonly operation: RunOperation;
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
}

const row = z
  .object({
    type: z.string(),
    operation: z.enum(["create", "update", "delete"]),
    count: z.number(),
    p50: z.number(),
    p90: z.number(),
  })
  .transform(({ p50, p90, ...it }): Duration => ({ ...it, p50Ms: p50, p90Ms: p90 }));

/** By type and operation, over the latest thousand runs of the repository. */
export async function runDurations(db: Queryable, repository: string): Promise<Duration[]> {
  const { rows } = await db.query(
    `select type, operation, count(*)::integer as count,
       percentile_cont(0.5) within group (order by ms) as p50,
       percentile_cont(0.9) within group (order by ms) as p90
     from (select split_part(uid, '.', 1) as type, operation,
             extract(epoch from ended_at - started_at)::double precision * 1000 as ms
           from runs where repository = $1 and state = 'succeeded' and started_at is not null
           order by id desc limit 1000) r
     group by 1, 2 order by 1, 2`,
    [repository],
  );
  return rows.map((it) => row.parse(it));
}
