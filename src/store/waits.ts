/** Who waits for what (E8): the gates that `candidates.ts` keeps, told one by one, with who is in the way. */
import { z } from "zod";
import type { Scope, Uid } from "../model/uid.ts";
import { waitReasons, type Wait } from "../model/wait.ts";
import { now } from "./candidates.ts";
import type { Queryable } from "./database.ts";
import { maybeTime, uid } from "./rows.ts";

/** The run that is to start: the queued one or, where a failure is to be tried again, the one that failed. */
const subjects = `select x.repository, x.environment, x.uid, r.id, r.lock, r.operation,
    r.state <> 'queued' as again, x.reason, x.stalled, x.next_attempt_at
  from resources x cross join lateral (
    select q.id, q.lock, q.operation, q.state from runs q where q.repository = x.repository
      and q.environment = x.environment and q.uid = x.uid and q.state = 'queued'
    union all
    select f.id, f.lock, f.operation, f.state from runs f where f.id = x.run and x.phase = 'failed'
      and (not x.stalled or x.reason in ('PreviousExecutionFailed', 'ExhaustedRetries'))
      and not exists (select 1 from runs o where o.repository = x.repository
        and o.environment = x.environment and o.uid = x.uid
        and o.state in ('queued', 'running', 'waiting'))) r
  where x.repository = $1 and x.environment = $2 and ($3::text is null or x.uid = $3)`;

const stalledBy = (reason: string): string => `s.again and s.stalled and s.reason = '${reason}'`;

/** One row per reason, numbered as they are in `waitReasons`. */
const reasons = `
  select s.uid, 1 as place, null::timestamptz as until,
    case when ${stalledBy("PreviousExecutionFailed")} then s.id else b.id end as blocker
  from subjects s left join locks l on l.key = s.lock left join runs b on b.id = l.blocked_by
  where ${stalledBy("PreviousExecutionFailed")}
    or s.operation <> 'delete' and b.id is not null and (b.repository, b.environment, b.uid)
      is distinct from (s.repository, s.environment, s.uid)
  union all
  select s.uid, 2, null, s.id from subjects s where ${stalledBy("ExhaustedRetries")}
  union all
  select s.uid, 3, greatest(k.next_attempt_at, case when s.again then s.next_attempt_at end),
    case when k.lock is null then s.id else (select max(f.id) from runs f
      where f.repository = k.repository and f.environment = k.environment and f.uid = k.uid
        and f.lock = k.lock and f.operation = k.operation and f.state = 'failed') end
  from subjects s left join backoffs k on k.lock = s.lock and k.operation = s.operation
  where k.next_attempt_at > ${now} or s.again and s.next_attempt_at > ${now}
  union all
  select s.uid, 4, null, h.id from subjects s join locks l on l.key = s.lock
    join runs h on h.id = l.run
  where l.state = 'held' and h.id <> s.id and h.state in ('queued', 'running', 'waiting')
  union all
  select s.uid, 5, l.until, l.last_run from subjects s join locks l on l.key = s.lock
  where l.state = 'cooling' and l.until > ${now} and s.operation <> 'delete'`;

const row = z
  .object({
    uid,
    place: z.number(),
    until: maybeTime,
    run: z.string().nullable(),
    repository: z.string().nullable(),
    environment: z.string().nullable(),
    blocker: uid.nullable(),
  })
  .transform(({ uid: of, place, until, run, repository, environment, blocker }) => {
    const reason = waitReasons[place - 1];
    if (reason === undefined) throw new Error(`no reason to wait is number ${place}`);
    const known = run !== null && repository !== null && environment !== null && blocker !== null;
    const wait: Wait = {
      reason,
      blocker: known ? { repository, environment, uid: blocker, run } : null,
      until,
    };
    return { uid: of, wait };
  });

/**
 * What keeps the runs of one resource, or of all of the environment, from starting.
 *
 * @returns by resource, the first reason first; who waits for nothing is not in it
 */
export async function listWaits(
  db: Queryable,
  { repository, environment }: Scope,
  resource?: Uid,
): Promise<ReadonlyMap<Uid, readonly Wait[]>> {
  const { rows } = await db.query(
    `with subjects as materialized (${subjects}), found as (${reasons})
     select f.uid, f.place, f.until, r.id as run, r.repository, r.environment, r.uid as blocker
     from found f left join runs r on r.id = f.blocker order by f.uid, f.place`,
    [repository, environment, resource ?? null],
  );
  const waits = new Map<Uid, Wait[]>();
  for (const found of rows) {
    const { uid: of, wait } = row.parse(found);
    waits.set(of, [...(waits.get(of) ?? []), wait]);
  }
  return waits;
}
