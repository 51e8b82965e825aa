/** The audit trail: what was decided and done, by whom, for which commit (execution semantics §5). */
import { z } from "zod";
import { actorTypes, type ActorType, type AuditSource, type EventContext } from "../model/audit.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Scope, Uid } from "../model/uid.ts";
import { collectorOf } from "./committed.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./ids.ts";
import { jsonRecord, time } from "./rows.ts";

export interface Fact extends Scope {
  /** CamelCase, past tense: `RunStarted`, `PlanApproved`. */
  readonly type: string;
  readonly actor: string;
  /** Absent: `service` where innominatus acts by itself, else `user`. */
  readonly actorType?: ActorType;
  readonly uid?: Uid;
  readonly run?: string;
  /** Absent: the run's. */
  readonly commit?: string;
  /** One per plan: its hash. Absent: the run's. */
  readonly correlation?: string;
  /** Of a failure: `reason` and `message`, or `failure` (E21); `engineObject`; else what there is to say. */
  readonly data?: JsonRecord;
}

const services = new Set(["innominatus", "sync"]);
const actorTypeOf = ({ actor, actorType }: Fact): ActorType =>
  actorType ?? (services.has(actor) ? "service" : "user");

const ends = `('RunCompleted', 'RunFailed', 'RunCancelled', 'RunSuperseded')`;

/** The run, its resource and its commit as the transaction leaves them. */
const contextColumns = `jsonb_strip_nulls(jsonb_build_object('operation', r.operation,
  'workflow', r.workflow, 'bundle', r.bundle, 'target', r.target, 'attempt', r.attempt,
  'queuedAt', r.queued_at, 'startedAt', r.started_at, 'endedAt', r.ended_at, 'phase', x.phase,
  'reason', x.reason, 'stalled', x.stalled, 'seenAt', (select v.seen_at from revisions v
    where v.repository = e.repository and v.environment = e.environment
      and v.commit = coalesce(e.commit, r.commit)), 'waitsFor',
  case when e.type = 'RunQueued' then (select case when l.run is not null then 'ResourceBusy'
    when l.until > store_now() then 'CooldownActive' end from locks l where l.key = r.lock) end, 'retries', case when e.type in ${ends} then
    (select sum(greatest(s.attempts - 1, 0)) from steps s where s.run = e.run) end))`;

/**
 * In the transaction of the fact itself, after the writes it speaks of (E22): what the event tells of
 * its run and resource is read from the store.
 */
export async function appendEvents(
  tx: Queryable,
  facts: readonly Fact[],
  nowMs: number,
): Promise<void> {
  if (facts.length === 0) return;
  const rows = facts.map((it) => ({
    ...it,
    actorType: actorTypeOf(it),
    id: newId(nowMs),
    data: it.data ?? {},
  }));
  const collect = collectorOf(tx);
  // The limit tells the planner how few there are: it takes 100 for granted, and reads whole tables.
  const { rows: written } = await tx.query(
    `insert into events (id, repository, environment, type, actor, actor_type, uid, run, commit,
       correlation, data, context)
     select e.id, e.repository, e.environment, e.type, e.actor, e."actorType", e.uid, e.run,
       coalesce(e.commit, r.commit), coalesce(e.correlation, r.plan), e.data, ${contextColumns}
     from (select * from jsonb_to_recordset($1) as f(id text, repository text, environment text,
       type text, actor text, "actorType" text, uid text, run text, commit text, correlation text,
       data jsonb) limit ${rows.length}) e
     left join runs r on r.id = e.run
     left join resources x on x.repository = e.repository and x.environment = e.environment
       and x.uid = e.uid
     order by e.id ${collect === undefined ? "" : `returning ${columns}, null as version`}`,
    [JSON.stringify(rows)],
  );
  collect?.(written.map((it) => row.parse(it)));
}

const columns = `id, at, repository, environment, type, actor, actor_type, uid, run, commit,
  correlation, data, context, delivery, problem`;

const moment = time.optional();

const context: z.ZodType<EventContext> = z.object({
  operation: z.string().optional(),
  workflow: z.string().optional(),
  bundle: z.string().optional(),
  target: z.string().optional(),
  attempt: z.number().optional(),
  queuedAt: moment,
  startedAt: moment,
  endedAt: moment,
  phase: z.string().optional(),
  reason: z.string().optional(),
  stalled: z.boolean().optional(),
  waitsFor: z.string().optional(),
  seenAt: moment,
  retries: z.number().optional(),
});

const deliveries = ["pending", "delivered", "quarantined"] as const;

const row = z
  .object({
    id: z.string(),
    at: time,
    repository: z.string(),
    environment: z.string(),
    type: z.string(),
    actor: z.string(),
    actor_type: z.enum(actorTypes),
    uid: z.string().nullable(),
    run: z.string().nullable(),
    commit: z.string().nullable(),
    correlation: z.string().nullable(),
    data: jsonRecord,
    context,
    version: z.string().nullable(),
    delivery: z.enum(deliveries),
    problem: z.string().nullable(),
  })
  .transform(({ actor_type, ...it }) => ({ ...it, actorType: actor_type }) satisfies AuditSource);

export type RecordedEvent = z.output<typeof row>;

export const parseEvents = (rows: readonly unknown[]): RecordedEvent[] =>
  rows.map((it) => row.parse(it));

/** For `from events e left join bundles b on ${ofBundle}`. */
export const eventColumns = `${columns.replaceAll(/\w+/g, "e.$&")}, b.version`;
export const ofBundle = `b.hash = e.context ->> 'bundle'`;

export interface EventFilter {
  readonly uid?: Uid;
  /** Its id, or the end of it. */
  readonly run?: string;
  /** Any of them. */
  readonly types?: readonly string[];
  /** Not before. */
  readonly since?: Date;
  /** Neither delivered nor given up. */
  readonly undelivered?: boolean;
  /** Written after this event. */
  readonly after?: string;
  readonly limit: number;
}

/** Newest first. */
export async function listEvents(
  db: Queryable,
  { repository, environment }: Scope,
  filter: EventFilter,
): Promise<RecordedEvent[]> {
  const { rows } = await db.query(
    `select ${eventColumns} from events e left join bundles b on ${ofBundle}
     where e.repository = $1 and e.environment = $2 and ($3::text is null or e.uid = $3)
       and ($4::text is null or e.run = $4 or right(e.run, length($4)) = $4)
       and ($5::text[] is null or e.type = any($5)) and ($6::timestamptz is null or e.at >= $6)
       and (not $7::boolean or e.delivery <> 'delivered')
       and ($8::text is null or e.seq > (select seq from events where id = $8))
     order by e.seq desc limit $9`,
    [
      repository,
      environment,
      filter.uid ?? null,
      filter.run ?? null,
      filter.types ?? null,
      filter.since ?? null,
      filter.undelivered ?? false,
      filter.after ?? null,
      filter.limit,
    ],
  );
  return parseEvents(rows);
}
