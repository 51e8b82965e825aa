/** Pages of runs over all environments, newest first; a run's id says its age. */
import { z } from "zod";
import { runStates } from "../model/run.ts";
import type { Queryable } from "./database.ts";
import { maybeTime, time, uid } from "./rows.ts";

const row = z
  .object({
    id: z.string(),
    repository: z.string(),
    environment: z.string(),
    uid,
    resource_id: z.string().nullable(),
    workload: z.string(),
    operation: z.enum(["create", "update", "delete"]),
    workflow: z.string(),
    provider: z.string(),
    commit: z.string(),
    plan: z.string(),
    state: z.enum(runStates),
    reason: z.string(),
    message: z.string(),
    attempt: z.number(),
    queued_at: time,
    started_at: maybeTime,
    ended_at: maybeTime,
    declared: z.array(z.object({ name: z.string(), type: z.string() })).nullable(),
  })
  .transform(({ resource_id, queued_at, started_at, ended_at, declared, ...it }) => ({
    ...it,
    resourceId: resource_id,
    queuedAt: queued_at,
    startedAt: started_at,
    endedAt: ended_at,
    /** The workflow's steps, as the run's bundle has them. */
    declared: declared ?? [],
  }));

export type ListedRun = Readonly<z.output<typeof row>>;

const select = `select u.id, u.repository, u.environment, u.uid, r.id as resource_id,
    coalesce(r.workload, '') as workload, u.operation, u.workflow, u.provider, u.commit, u.plan,
    u.state, u.reason, u.message, u.attempt, u.queued_at, u.started_at, u.ended_at,
    (select jsonb_agg(jsonb_build_object('name', s -> 'name', 'type', s -> 'type'))
     from jsonb_array_elements(b.content -> 'workflows' -> u.operation -> 'steps') s) as declared
  from runs u join bundles b on b.hash = u.bundle
  left join resources r on r.repository = u.repository and r.environment = u.environment
    and r.uid = u.uid`;

export interface RunFilter {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
  readonly workload?: string | undefined;
  readonly states?: readonly string[] | undefined;
  /** Part of the workflow's or the workload's name. */
  readonly search?: string | undefined;
  /** Id or uid. */
  readonly resource?: string | undefined;
  readonly workloads: readonly string[] | null;
}

export async function pageOfRuns(
  db: Queryable,
  filter: RunFilter,
  before: string | undefined,
  limit: number,
): Promise<ListedRun[]> {
  const { rows } = await db.query(
    `${select}
     where ($1::text is null or u.repository = $1) and ($2::text is null or u.environment = $2)
       and ($3::text is null or r.workload = $3) and ($4::text[] is null or u.state = any ($4))
       and ($5::text is null or position(lower($5) in lower(u.workflow || ' ' || coalesce(r.workload, ''))) > 0)
       and ($6::text is null or r.id = $6 or u.uid = $6)
       and ($7::text[] is null or r.workload like any ($7))
       and ($8::text is null or u.id < $8)
     order by u.id desc limit $9`,
    [
      filter.repository,
      filter.environment,
      filter.workload,
      filter.states,
      filter.search,
      filter.resource,
      filter.workloads,
      before,
      limit,
    ],
  );
  return rows.map((it) => row.parse(it));
}

/** By id, or by the end of one; two at most. */
export async function findListedRuns(
  db: Queryable,
  given: string,
  workloads: readonly string[] | null,
): Promise<ListedRun[]> {
  const { rows } = await db.query(
    `${select} where u.id = $1 and ($2::text[] is null or r.workload like any ($2))`,
    [given, workloads],
  );
  if (rows.length > 0 || given.length < 8) return rows.map((it) => row.parse(it));
  // No index has the ends of ids: only who has typed one waits for that.
  const { rows: ending } = await db.query(
    `${select} where right(u.id, length($1)) = $1
       and ($2::text[] is null or r.workload like any ($2)) limit 2`,
    [given, workloads],
  );
  return ending.map((it) => row.parse(it));
}

const stepRow = z
  .object({
    run: z.string(),
    index: z.number(),
    name: z.string(),
    type: z.string(),
    state: z.enum(["started", "waiting", "ended", "failed", "skipped"]),
    attempts: z.number(),
    started_at: time,
    ended_at: maybeTime,
    error: z.string().nullable(),
  })
  .transform(({ started_at, ended_at, ...it }) => ({
    ...it,
    startedAt: started_at,
    endedAt: ended_at,
  }));

export type ListedStep = Readonly<z.output<typeof stepRow>>;

/** Of several runs at once, each in the order they began. */
export async function stepsOfRuns(
  db: Queryable,
  runs: readonly string[],
): Promise<ReadonlyMap<string, readonly ListedStep[]>> {
  const { rows } = await db.query(
    `select run, index, name, type, state, attempts, started_at, ended_at, error from steps
     where run = any ($1) order by run, started_at, index`,
    [runs],
  );
  const byRun = new Map<string, ListedStep[]>();
  for (const found of rows) {
    const it = stepRow.parse(found);
    const known = byRun.get(it.run);
    if (known === undefined) byRun.set(it.run, [it]);
    else known.push(it);
  }
  return byRun;
}
