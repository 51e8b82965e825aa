/** Plans that were recorded with their commits, and environments as the last look at them was. */
import { z } from "zod";
import { gateKinds, reasons } from "../model/plan.ts";
import type { Queryable } from "./database.ts";
import { time } from "./rows.ts";

const operation = z.object({
  uid: z.string(),
  operation: z.enum(["create", "update", "delete", "replace", "adopt", "none"]),
  workload: z.string(),
  provider: z.string(),
  workflow: z.string().nullable(),
  reason: z.enum(reasons),
  changes: z.array(
    z.object({ path: z.string(), from: z.json().optional(), to: z.json().optional() }),
  ),
  dependsOn: z.array(z.string()),
  gate: z
    .object({ kind: z.enum(gateKinds), message: z.string(), until: z.string().exactOptional() })
    .nullable(),
});

const plan = z.object({
  hash: z.string(),
  operations: z.array(operation),
  summary: z.object({
    create: z.number(),
    update: z.number(),
    delete: z.number(),
    replace: z.number(),
    none: z.number(),
    held: z.number(),
  }),
});

const row = z
  .object({
    repository: z.string(),
    environment: z.string(),
    commit: z.string(),
    author: z.string(),
    subject: z.string(),
    seen_at: time,
    seen_key: z.string(),
    plan,
    current: z.boolean(),
    approved: z.boolean(),
  })
  .transform(({ seen_at, seen_key, ...it }) => ({
    ...it,
    seenAt: seen_at,
    /** For the next page: the time as exact as the database has it. */
    seenKey: seen_key,
  }));

export type ListedPlan = Readonly<z.output<typeof row>>;

export interface PlanFilter {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
  /** The beginning of its hash. */
  readonly hash?: string | undefined;
  /** Only what an environment's last look planned. */
  readonly current?: boolean;
}

export type PlanKey = readonly [
  seen: string,
  repository: string,
  environment: string,
  commit: string,
];

/** By when their commits were seen, newest first. */
export async function pageOfPlans(
  db: Queryable,
  filter: PlanFilter,
  after: PlanKey | undefined,
  limit: number,
): Promise<ListedPlan[]> {
  const { rows } = await db.query(
    `select v.repository, v.environment, v.commit, v.author, v.subject, v.seen_at,
       to_char(v.seen_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as seen_key, v.plan,
       coalesce(e.plan_hash = v.plan ->> 'hash' and e.observed_commit = v.commit, false) as current,
       exists (select 1 from approvals a where a.repository = v.repository
         and a.environment = v.environment and a.plan = v.plan ->> 'hash') as approved
     from revisions v left join environments e
       on e.repository = v.repository and e.environment = v.environment
     where v.plan is not null
       and ($1::text is null or v.repository = $1) and ($2::text is null or v.environment = $2)
       and ($3::text is null or starts_with(v.plan ->> 'hash', $3))
       and (not $4::boolean or e.plan_hash = v.plan ->> 'hash' and e.observed_commit = v.commit)
       and ($5::text is null
            or (v.seen_at, v.repository, v.environment, v.commit) < ($5::timestamptz, $6, $7, $8))
     order by v.seen_at desc, v.repository desc, v.environment desc, v.commit desc limit $9`,
    [
      filter.repository,
      filter.environment,
      filter.hash,
      filter.current ?? false,
      after?.[0],
      after?.[1],
      after?.[2],
      after?.[3],
      limit,
    ],
  );
  return rows.map((it) => row.parse(it));
}
