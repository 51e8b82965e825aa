/**
 * Which runs may go on, and whose turn it is: the gates of E7 and E8 as conditions in SQL. A queue is
 * a lane of one repository's runs at one provider, so that a long one is not looked at to its end.
 */

/** The time once per statement: a volatile function is asked per row, and no index is used for it. */
export const now = "(select store_now())";

/** A run for another uid holds the target, waits there for its end, or has left it unsettled. */
const targetIsTaken = (
  r: string,
): string => `exists (select 1 from locks l where l.key = ${r}.lock and (
  l.state = 'held' and l.run <> ${r}.id and exists (select 1 from runs h where h.id = l.run
    and h.state in ('queued', 'running', 'waiting'))
  or l.state = 'cooling' and l.until > ${now} and ${r}.operation <> 'delete'
  or l.blocked_by is not null and ${r}.operation <> 'delete' and exists (select 1 from runs b
    where b.id = l.blocked_by and (b.repository, b.environment, b.uid)
      is distinct from (${r}.repository, ${r}.environment, ${r}.uid))))`;

const isBackingOff = (r: string): string => `exists (select 1 from backoffs k
  where k.lock = ${r}.lock and k.operation = ${r}.operation and k.next_attempt_at > ${now})`;

/** Dependencies are asked for once: a run that has started goes on. */
const dependenciesAreDone = (r: string): string => `(${r}.depends_on = '[]' or not exists (
  select 1 from jsonb_array_elements_text(${r}.depends_on) d(uid) where
    exists (select 1 from runs o where o.repository = ${r}.repository
      and o.environment = ${r}.environment and o.uid = d.uid
      and o.state in ('queued', 'running', 'waiting'))
    or exists (select 1 from resources x where x.repository = ${r}.repository
      and x.environment = ${r}.environment and x.uid = d.uid and x.phase not in ('active', 'deleted'))))`;

/** Planned while another run was making the resource: the next plan wants an update in its place. */
const isMadeAlready = (r: string): string => `(${r}.operation = 'create' and exists (
  select 1 from resources x where x.repository = ${r}.repository
    and x.environment = ${r}.environment and x.uid = ${r}.uid and x.phase = 'active'))`;

const mayStart = (r: string): string =>
  `not ${targetIsTaken(r)} and not ${isBackingOff(r)} and ${dependenciesAreDone(r)}
    and not ${isMadeAlready(r)}`;

/** Resources that share a target start in order of arrival (E7). */
const isFirst = `(not r.declared or not exists (select 1 from runs e where e.lock = r.lock
  and e.state = 'queued' and (e.not_before, e.id) < (r.not_before, r.id) and ${mayStart("e")}))`;

/** More than one, because others may be claiming the first of a lane just now. */
const perLane = 8;
/** Few enough for each to be looked up by its id. */
const atMost = 16;

/**
 * What a run that starts now had waited for beside a worker (E8), told by what ended since it was
 * queued. Its lock is `l`.
 */
const waitedFor = `case
  when exists (select 1 from backoffs k where k.lock = r.lock and k.operation = r.operation
    and k.next_attempt_at > r.queued_at) then 'BackoffActive'
  when l.state = 'held' or l.completed_at > r.queued_at
    or l.since > r.queued_at and (l.state = 'cooling' or l.cooldown_ms = 0) then 'ResourceBusy'
  when r.operation <> 'delete' and (l.since > r.queued_at or l.until > r.queued_at)
    then 'CooldownActive' end`;

/**
 * A few runs, locked. Of several repositories the one with the fewest runs under way is served, then
 * who has waited longest; each run that is chosen counts for the next one.
 *
 * $1: how many runs of a provider may be under way; $2: providers to leave out, as a JSON list;
 * $3: how many runs
 */
export const nextCandidates = `with recursive
  lanes (repository, provider) as (
    (select repository, provider from runs where state = 'queued'
     order by repository, provider limit 1)
    union all
    select n.repository, n.provider from lanes l cross join lateral (
      select r.repository, r.provider from runs r where r.state = 'queued'
        and (r.repository, r.provider) > (l.repository, l.provider)
      order by r.repository, r.provider limit 1) n),
  used as materialized (
    select provider, count(*) as count from provider_slots where run is not null and slot <= $1
    group by provider),
  busy as materialized (
    select provider from used where count >= $1 union select jsonb_array_elements_text($2)),
  under_way as materialized (
    select repository, count(*) as count from runs where state = 'running' group by repository),
  found as (
    (select r.id, r.state, r.not_before, r.repository, r.provider from runs r
     where r.state = 'running' and r.lease_expires_at <= ${now}
     order by r.lease_expires_at limit ${perLane})
    union all
    (select r.id, r.state, r.not_before, r.repository, r.provider from runs r
     where r.state = 'waiting' and r.not_before <= ${now} and not ${targetIsTaken("r")}
       and r.provider not in (select provider from busy)
     order by r.not_before, r.id limit ${perLane})
    union all
    select q.id, q.state, q.not_before, l.repository, l.provider from lanes l cross join lateral (
      select r.id, r.state, r.not_before from runs r where r.state = 'queued' and r.repository = l.repository
        and r.provider = l.provider and r.not_before <= ${now} and ${mayStart("r")} and ${isFirst}
      order by r.not_before, r.id limit ${perLane}) q
    where l.provider not in (select provider from busy)),
  shared as (
    select f.id, f.state, f.provider, f.not_before,
      case f.state when 'queued' then coalesce(u.count, 0) - 1 + row_number() over (
        partition by f.repository, f.state order by f.not_before, f.id) else 0 end as share
    from found f left join under_way u on u.repository = f.repository),
  placed as (
    select s.*, row_number() over (
      partition by s.provider, s.state = 'running' order by s.share, s.not_before, s.id) as place
    from shared s),
  candidates as materialized (
    select p.id, p.state, p.share, p.not_before from placed p left join used n on n.provider = p.provider
    where p.state = 'running' or p.place <= $1 - coalesce(n.count, 0)
    order by p.share, p.not_before, p.id limit ${atMost})
  select r.id, r.repository, r.environment, r.uid, r.target, r.lock, r.declared, r.provider,
    r.operation, r.workflow, r.commit, r.plan, r.attempt, r.holder, r.timeout_ms,
    (select x.phase from resources x where x.repository = r.repository
       and x.environment = r.environment and x.uid = r.uid) as phase,
    l.state as lock_state, ${waitedFor} as waited_for
  from candidates c join runs r on r.id = c.id and r.state = c.state
    left join locks l on l.key = r.lock
  where r.state <> 'running' or r.lease_expires_at <= store_now()
  order by c.share, c.not_before, c.id
  limit $3 for update of r skip locked`;
