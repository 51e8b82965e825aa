/** Runs: queued with the plan that wants them, superseded by the plan that does not. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import { reasons, type Reason } from "../model/plan.ts";
import { runStates, type Run, type RunOperation } from "../model/run.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./ids.ts";
import { jsonRecord, maybeTime, time, uid, uids } from "./rows.ts";
import { forgetOtherWishes } from "./backoffs.ts";
import { lockOf } from "./locks.ts";

/** What the resource will be recorded as once the run has succeeded. */
export interface RunDesired {
  readonly params: JsonRecord;
  readonly template: JsonRecord;
  readonly dependsOn: readonly Uid[];
  /** Why the plan wanted it. */
  readonly reason?: Reason;
  /** How its provider and workflows were chosen; empty for a deletion, whose bundle is pinned. */
  readonly rule?: readonly string[];
}

export interface QueuedRun {
  readonly uid: Uid;
  readonly operation: RunOperation;
  readonly workflow: string;
  readonly provider: string;
  readonly bundle: string;
  readonly commit: string;
  readonly plan: string;
  readonly hash: string;
  readonly desired: RunDesired;
  /** Runs of these resources end first. */
  readonly dependsOn: readonly Uid[];
  readonly target: string;
  /** The workflow names the target; it is not the resource itself. */
  readonly declared?: boolean;
  /** From its first claim to its deadline; absent: as the controller's settings say. */
  readonly timeoutMs?: number;
  /** What the plan saw: a resource that some run has finished with since is left to the next plan. */
  readonly seen: { readonly revision: number; readonly run: string | null };
}

const queuedRow = z.object({ id: z.string(), uid });

/**
 * Queues runs for what nothing is under way for yet.
 *
 * @param arrivals of resources whose queued run is replaced by this one: it keeps its place (E7)
 * @returns what was queued
 */
export async function enqueueRuns(
  tx: Queryable,
  { repository, environment }: Scope,
  runs: readonly QueuedRun[],
  nowMs: number,
  arrivals: ReadonlyMap<Uid, string> = new Map(),
): Promise<readonly { readonly id: string; readonly uid: Uid }[]> {
  if (runs.length === 0) return [];
  const rows = runs.map((it) => ({
    ...it,
    id: newId(nowMs),
    declared: it.declared ?? false,
    timeoutMs: it.timeoutMs ?? null,
    arrivedAt: arrivals.get(it.uid) ?? null,
  }));
  const { rows: queued } = await tx.query(
    `insert into runs (id, repository, environment, uid, operation, workflow, provider, bundle,
       commit, plan, hash, desired, depends_on, target, lock, declared, timeout_ms, not_before)
     select q.id, $1, $2, q.uid, q.operation, q.workflow, q.provider, q.bundle, q.commit, q.plan,
       q.hash, q.desired, q."dependsOn", q.target, ${lockOf("q.target")}, q.declared, q."timeoutMs",
       coalesce(q."arrivedAt", store_now())
     from jsonb_to_recordset($3) as q(id text, uid text, operation text, workflow text,
       provider text, bundle text, commit text, plan text, hash text, desired jsonb,
       "dependsOn" jsonb, target text, declared boolean, "timeoutMs" bigint, "arrivedAt" timestamptz,
       seen jsonb)
     join resources x on x.repository = $1 and x.environment = $2 and x.uid = q.uid
     where x.revision = (q.seen ->> 'revision')::int and x.run is not distinct from q.seen ->> 'run'
       and (x.attempted is null or x.attempted ->> 'hash' <> q.hash
            or not x.stalled and coalesce(x.next_attempt_at <= store_now(), true))
       and not exists (select 1 from runs o where o.repository = $1 and o.environment = $2
         and o.uid = q.uid and o.state in ('queued', 'running', 'waiting')
         and (o.state = 'queued' or o.hash = q.hash and o.cancel is null))
     order by q.id
     returning id, uid`,
    [repository, environment, JSON.stringify(rows)],
  );
  const entered = queued.map((it) => queuedRow.parse(it));
  const wanted = new Set(entered.map((it) => it.uid));
  await forgetOtherWishes(
    tx,
    { repository, environment },
    runs.filter((it) => wanted.has(it.uid)),
  );
  return entered;
}

export interface OpenRun {
  readonly id: string;
  readonly uid: Uid;
  readonly hash: string;
  readonly commit: string;
  readonly state: "queued" | "running" | "waiting";
}

const openRow = z.object({
  id: z.string(),
  uid,
  hash: z.string(),
  commit: z.string(),
  state: z.enum(["queued", "running", "waiting"]),
});

export async function openRuns(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<OpenRun[]> {
  const { rows } = await db.query(
    `select id, uid, hash, commit, state from runs where repository = $1 and environment = $2
       and state in ('queued', 'running', 'waiting')`,
    [repository, environment],
  );
  return rows.map((it) => openRow.parse(it));
}

/**
 * Ends what no plan wants any more (E7): a run that has not begun at once, one that has at its next
 * safe point: the end of its current step, or the cleanup of what it waits for.
 *
 * @returns those that ended, with when they had come to wait
 */
export async function supersedeRuns(
  tx: Queryable,
  ids: readonly string[],
): Promise<readonly EndedInQueue[]> {
  if (ids.length === 0) return [];
  const list = JSON.stringify(ids);
  // None changes hands between the two statements that follow.
  await tx.query(
    `select id from runs where id in (select jsonb_array_elements_text($1)) order by id for update`,
    [list],
  );
  await tx.query(
    `update runs set cancel = 'Superseded', cancelled_at = store_now(),
       not_before = case when state = 'waiting' then least(not_before, store_now()) else not_before end
     where id in (select jsonb_array_elements_text($1)) and state in ('running', 'waiting')
       and cancel is null`,
    [list],
  );
  const { rows } = await tx.query(
    `update runs set state = 'superseded', reason = 'Superseded', ended_at = store_now()
     where id in (select jsonb_array_elements_text($1)) and state = 'queued'
     returning id, uid, (not_before - interval '1 microsecond')::text as arrived_at`,
    [list],
  );
  return rows.map((it) => endedRow.parse(it));
}

export interface EndedInQueue {
  readonly id: string;
  readonly uid: Uid;
  /** Whatever came at the same moment came after it: to the microsecond, as the database writes it. */
  readonly arrivedAt: string;
}

const endedRow = z
  .object({ id: z.string(), uid, arrived_at: z.string() })
  .transform(({ arrived_at, ...it }): EndedInQueue => ({ ...it, arrivedAt: arrived_at }));

/** Makes a waiting run claimable at once, unless it waits for a further attempt. A hint only. */
export async function wakeRun(db: Queryable, run: string): Promise<void> {
  await db.query(
    `with woken as (
       update runs set not_before = store_now() where id = $1 and state = 'waiting'
         and not_before > store_now() and reason not in ('StepRetry', 'ObserveRetry') returning id)
     select pg_notify('innominatus', 'woken') from woken`,
    [run],
  );
}

const uidRow = z.object({ uid });

/** Resources whose deletion began within the last hour, for the budget (law 4). */
export async function recentDeletions(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<ReadonlySet<Uid>> {
  const { rows } = await db.query(
    `select distinct uid from runs where repository = $1 and environment = $2
       and operation = 'delete' and started_at is not null
       and coalesce(ended_at, store_now()) > store_now() - interval '1 hour'`,
    [repository, environment],
  );
  return new Set(rows.map((it) => uidRow.parse(it).uid));
}

export interface RecordedRun extends Run {
  /** What it excludes others on. */
  readonly target: string;
  readonly desired: RunDesired;
}

const row = z
  .object({
    id: z.string(),
    repository: z.string(),
    environment: z.string(),
    uid,
    operation: z.enum(["create", "update", "delete"]),
    workflow: z.string(),
    provider: z.string(),
    bundle: z.string(),
    commit: z.string(),
    plan: z.string(),
    target: z.string(),
    state: z.enum(runStates),
    reason: z.string(),
    message: z.string(),
    attempt: z.number(),
    queued_at: time,
    started_at: maybeTime,
    ended_at: maybeTime,
    desired: z.object({
      params: jsonRecord,
      template: jsonRecord,
      dependsOn: uids,
      reason: z.enum(reasons).exactOptional(),
      rule: z.array(z.string()).exactOptional(),
    }),
  })
  .transform(({ queued_at, started_at, ended_at, ...it }): RecordedRun => ({
    ...it,
    queuedAt: queued_at,
    startedAt: started_at,
    endedAt: ended_at,
  }));

const columns = `id, repository, environment, uid, operation, workflow, provider, bundle, commit, plan,
  target, state, reason, message, attempt, queued_at, started_at, ended_at, desired`;

/** Newest first. */
export async function listRuns(
  db: Queryable,
  { repository, environment }: Scope,
  filter: { readonly uid?: Uid; readonly limit: number },
): Promise<RecordedRun[]> {
  const { rows } = await db.query(
    `select ${columns} from runs where repository = $1 and environment = $2
       and ($3::text is null or uid = $3) order by id desc limit $4`,
    [repository, environment, filter.uid ?? null, filter.limit],
  );
  return rows.map((it) => row.parse(it));
}

/** The last run of each of these resources. */
export async function lastRuns(
  db: Queryable,
  { repository, environment }: Scope,
  resources: readonly Uid[],
): Promise<RecordedRun[]> {
  if (resources.length === 0) return [];
  const { rows } = await db.query(
    `select distinct on (uid) ${columns} from runs where repository = $1 and environment = $2
       and uid in (select jsonb_array_elements_text($3)) order by uid, id desc`,
    [repository, environment, JSON.stringify(resources)],
  );
  return rows.map((it) => row.parse(it));
}

/** The last run of each resource that the commit led to a run of. */
export async function runsOfCommit(
  db: Queryable,
  { repository, environment }: Scope,
  commit: string,
): Promise<RecordedRun[]> {
  const { rows } = await db.query(
    `select distinct on (uid) ${columns} from runs where repository = $1 and environment = $2
       and commit = $3 order by uid, id desc`,
    [repository, environment, commit],
  );
  return rows.map((it) => row.parse(it));
}

export interface ClaimedRun {
  readonly run: RecordedRun;
  /** Milliseconds until its deadline, by the store's clock. */
  readonly leftMs: number | undefined;
  /** Whether secret values of its resource are stored, also of one that was here before it. */
  readonly hasSecrets: boolean;
}

const claimedRow = z.object({ left_ms: z.coerce.number().nullable(), has_secrets: z.boolean() });

/** @throws where there is none of that id */
export async function readClaimed(db: Queryable, id: string): Promise<ClaimedRun> {
  const { rows } = await db.query(
    `select ${columns}, extract(epoch from deadline_at - store_now()) * 1000 as left_ms,
       exists (select 1 from secrets s where s.repository = r.repository
         and s.environment = r.environment and s.uid = r.uid) as has_secrets
     from runs r where id = $1`,
    [id],
  );
  if (rows[0] === undefined) throw new Error(`run ${id} was claimed, and is not recorded`);
  const { left_ms: leftMs, has_secrets: hasSecrets } = claimedRow.parse(rows[0]);
  return { run: row.parse(rows[0]), leftMs: leftMs ?? undefined, hasSecrets };
}

/** By id, or by the only run whose id ends with `id`. */
export async function findRuns(db: Queryable, id: string): Promise<RecordedRun[]> {
  const { rows } = await db.query(
    `select ${columns} from runs where id = $1 or right(id, length($1)) = $1 limit 2`,
    [id],
  );
  return rows.map((it) => row.parse(it));
}
