/** Pages of workloads over all environments, each with its resources in short. */
import { z } from "zod";
import { phases } from "../model/resource.ts";
import type { Queryable } from "./database.ts";

const row = z.object({
  repository: z.string(),
  environment: z.string(),
  name: z.string(),
  file: z.string(),
  commit: z.string(),
  conditions: z.array(
    z.looseObject({
      type: z.string(),
      status: z.enum(["True", "False", "Unknown"]),
      reason: z.string(),
      message: z.string(),
    }),
  ),
  resources: z
    .array(
      z.object({
        id: z.string(),
        uid: z.string(),
        name: z.string(),
        type: z.string(),
        phase: z.enum(phases).exclude(["held"]),
      }),
    )
    .nullable(),
});

export type ListedWorkload = Readonly<z.output<typeof row>>;

const select = `select w.repository, w.environment, w.name, w.file, w.commit, w.conditions,
    (select jsonb_agg(jsonb_build_object('id', r.id, 'uid', r.uid, 'name', r.name, 'type', r.type,
       'phase', r.phase) order by r.uid)
     from resources r where r.repository = w.repository and r.environment = w.environment
       and r.workload = w.name and r.phase <> 'deleted') as resources
  from workloads w`;

export interface WorkloadFilter {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
  readonly workloads: readonly string[] | null;
}

export async function pageOfWorkloads(
  db: Queryable,
  filter: WorkloadFilter,
  after: readonly [name: string, repository: string, environment: string] | undefined,
  limit: number,
): Promise<ListedWorkload[]> {
  const { rows } = await db.query(
    `${select}
     where ($1::text is null or w.repository = $1) and ($2::text is null or w.environment = $2)
       and ($3::text[] is null or w.name like any ($3))
       and ($4::text is null or (w.name, w.repository, w.environment) > ($4, $5, $6))
     order by w.name, w.repository, w.environment limit $7`,
    [
      filter.repository,
      filter.environment,
      filter.workloads,
      after?.[0],
      after?.[1],
      after?.[2],
      limit,
    ],
  );
  return rows.map((it) => row.parse(it));
}

/** Of one name; two at most. */
export async function findWorkloads(
  db: Queryable,
  filter: WorkloadFilter,
  name: string,
): Promise<ListedWorkload[]> {
  const { rows } = await db.query(
    `${select}
     where w.name = $4 and ($1::text is null or w.repository = $1)
       and ($2::text is null or w.environment = $2) and ($3::text[] is null or w.name like any ($3))
     order by w.repository, w.environment limit 2`,
    [filter.repository, filter.environment, filter.workloads, name],
  );
  return rows.map((it) => row.parse(it));
}
