/** Counts for people: what there is, and what is under way. */
import { z } from "zod";
import type { Queryable } from "./database.ts";

const row = z.object({
  applications: z.coerce.number(),
  workflows: z.coerce.number(),
  resources: z.coerce.number(),
});

/** @param workloads patterns of names as `like` has them; `null`: all */
export async function countAll(
  db: Queryable,
  workloads: readonly string[] | null,
): Promise<z.output<typeof row>> {
  const { rows } = await db.query(
    `select
       (select count(distinct name) from workloads
        where $1::text[] is null or name like any ($1)) as applications,
       (select count(*) from runs u join resources r on r.repository = u.repository
          and r.environment = u.environment and r.uid = u.uid
        where u.state in ('running', 'waiting')
          and ($1::text[] is null or r.workload like any ($1))) as workflows,
       (select count(*) from resources where phase <> 'deleted'
          and ($1::text[] is null or workload like any ($1))) as resources`,
    [workloads],
  );
  return row.parse(rows[0]);
}

const pinnedRow = z.object({ provider: z.string(), version: z.string(), count: z.coerce.number() });

/** How many resources that stand are pinned to which version of which provider. */
export async function countPinned(db: Queryable): Promise<z.output<typeof pinnedRow>[]> {
  const { rows } = await db.query(
    `select b.provider, b.version, count(*) as count
     from resources r join bundles b on b.hash = r.bundle where r.phase <> 'deleted' group by 1, 2`,
  );
  return rows.map((it) => pinnedRow.parse(it));
}
