/** Whether anything that an environment's status is made of was written, without reading all of it. */
import { z } from "zod";
import type { Scope } from "../model/uid.ts";
import type { Queryable } from "./database.ts";

const row = z.object({ mark: z.string() });

/**
 * Equal marks: nothing was written between them but the conditions, which a publication itself writes.
 * A row's `changed_in` only grows, so that with the same number of rows their sum tells of every write,
 * whichever transaction commits first.
 */
export async function statusMark(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<string> {
  const { rows } = await db.query(
    `select jsonb_build_array(
       (select jsonb_build_array(observed_commit, applied_commit, plan_hash, md5(problems::text))
        from environments where repository = $1 and environment = $2),
       (select jsonb_build_array(count(*), sum(changed_in::text::numeric))
        from resources where repository = $1 and environment = $2),
       (select jsonb_build_array(count(*), sum(hashtextextended(jsonb_build_array(identity, name, file)::text, 0)))
        from workloads where repository = $1 and environment = $2)
     )::text as mark`,
    [repository, environment],
  );
  return row.parse(rows[0]).mark;
}
