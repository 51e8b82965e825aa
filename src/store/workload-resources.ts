/** What a workload's resources are and need, wherever in its environment: found by following, not by reading all. */
import { z } from "zod";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { uid } from "./rows.ts";

const scopeRow = z.object({ repository: z.string(), environment: z.string() });

export interface WorkloadPlace {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
}

/** Every environment that has, or had, a workload of this name. */
export async function scopesOfWorkload(
  db: Queryable,
  workload: string,
  { repository, environment }: WorkloadPlace,
): Promise<Scope[]> {
  const { rows } = await db.query(
    `select repository, environment from (
       select repository, environment from workloads where name = $1
       union select repository, environment from resources where workload = $1) known
     where ($2::text is null or repository = $2) and ($3::text is null or environment = $3)
     order by repository, environment`,
    [workload, repository, environment],
  );
  return rows.map((it) => scopeRow.parse(it));
}

const uidRow = z.object({ uid });

/** Its own that stand and those they depend on, however far away; sorted. */
export async function resourcesOfWorkload(
  db: Queryable,
  { repository, environment }: Scope,
  workload: string,
): Promise<Uid[]> {
  const { rows } = await db.query(
    `with recursive used as (
       select uid, depends_on from resources
       where repository = $1 and environment = $2 and workload = $3 and phase <> 'deleted'
       union
       select r.uid, r.depends_on
       from used u cross join lateral jsonb_array_elements_text(u.depends_on) needed (uid)
       join resources r on r.repository = $1 and r.environment = $2 and r.uid = needed.uid
         and r.phase <> 'deleted')
     select uid from used order by uid`,
    [repository, environment, workload],
  );
  return rows.map((it) => uidRow.parse(it).uid);
}
