/**
 * Which worker may go on with which run (execution semantics E2–E6). A claim takes the target's lock
 * for the run, raises the target's fencing token, and leases the run to the worker. There is no
 * recovery pass: a run whose lease ended is simply claimable.
 */
import { z } from "zod";
import { CancelledError, LeaseLostError, SupersededError } from "../model/errors.ts";
import type { Claim } from "../model/run.ts";
import type { Database, Queryable } from "./database.ts";
import { lockOf } from "./locks.ts";
import { uid } from "./rows.ts";

export interface ClaimOptions {
  readonly holder: string;
  readonly leaseMs: number;
  /** Runs of one provider under way at once, over all workers. */
  readonly perProvider: number;
  /** From a run's first claim to its deadline (E3). */
  readonly runTimeoutMs: number;
}

const candidateRow = z.object({
  id: z.string(),
  repository: z.string(),
  environment: z.string(),
  uid,
  target: z.string(),
});
const tokenRow = z.object({ token: z.coerce.bigint() });

/** Terminal and missing holders hold nothing (E3). */
const lockIsFree = `(l.run is null and coalesce(l.until <= store_now(), true) or l.run = r.id
  or l.run is not null and not exists (select 1 from runs h where h.id = l.run
    and h.state in ('queued', 'running', 'waiting')))`;

/** Dependencies are asked for once: a run that has started goes on. */
const dependenciesAreDone = `(r.started_at is not null or not exists (
  select 1 from jsonb_array_elements_text(r.depends_on) d(uid) where
    exists (select 1 from runs o where o.repository = r.repository and o.environment = r.environment
      and o.uid = d.uid and o.state in ('queued', 'running', 'waiting'))
    or exists (select 1 from resources x where x.repository = r.repository
      and x.environment = r.environment and x.uid = d.uid and x.phase not in ('active', 'deleted'))))`;

/** Claims the run that has waited longest, if there is one that may go on. */
export async function claimRun(db: Database, options: ClaimOptions): Promise<Claim | undefined> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query(
      // In the order of the index runs_open, so that a long queue is not looked at to its end.
      `with busy as materialized (
         select provider from runs where state = 'running' and lease_expires_at > store_now()
         group by provider having count(*) >= $1)
       select r.id, r.repository, r.environment, r.uid, r.target from runs r
       left join locks l on l.key = r.lock
       where r.state in ('queued', 'running', 'waiting') and r.not_before <= store_now()
         and (r.state <> 'running' or r.lease_expires_at <= store_now())
         and ${lockIsFree} and ${dependenciesAreDone}
         and r.provider not in (select provider from busy)
       order by r.not_before, r.id limit 1 for update of r skip locked`,
      [options.perProvider],
    );
    if (rows[0] === undefined) return undefined;
    const run = candidateRow.parse(rows[0]);
    const token = await takeLock(tx, run);
    if (token === undefined) return undefined;
    await tx.query(
      `update runs set state = 'running', holder = $2, token = $3, attempt = attempt + 1,
         lease_expires_at = store_now() + $4 * interval '1 ms',
         started_at = coalesce(started_at, store_now()),
         deadline_at = coalesce(deadline_at, store_now() + $5::float8 * interval '1 ms')
       where id = $1`,
      [run.id, options.holder, token.toString(), options.leaseMs, options.runTimeoutMs],
    );
    await tx.query(
      `update resources x set touched = true, run = r.id, commit = r.commit, since = store_now(),
         phase = case r.operation when 'create' then 'provisioning' when 'update' then 'updating'
                 else 'deleting' end,
         reason = 'RunStarted', message = '', changed_in = pg_current_xact_id(),
         bundle = case when x.revision = 0 then r.bundle else x.bundle end,
         failures = case when x.attempted ->> 'hash' = r.hash then x.failures else 0 end,
         stalled = false, next_attempt_at = null, operation = r.operation,
         attempted = jsonb_build_object('operation', r.operation, 'hash', r.hash)
       from runs r where r.id = $1 and x.repository = r.repository
         and x.environment = r.environment and x.uid = r.uid
         and (x.run is distinct from r.id or x.phase not in ('provisioning', 'updating', 'deleting'))`,
      [run.id],
    );
    const { id, ...rest } = run;
    return { ...rest, run: id, token };
  });
}

/** One conditional write: of any number of attempts, one wins (E2). */
async function takeLock(
  tx: Queryable,
  run: { readonly id: string; readonly target: string },
): Promise<bigint | undefined> {
  const { rows } = await tx.query(
    `insert into locks as l (key, target, run, token, state) values (${lockOf("$1")}, $1, $2, 1, 'held')
     on conflict (key) do update set run = excluded.run, token = l.token + 1, until = null, state = 'held'
       where (l.run is null and coalesce(l.until <= store_now(), true)) or l.run = excluded.run
         or l.run is not null and not exists (select 1 from runs h where h.id = l.run
           and h.state in ('queued', 'running', 'waiting'))
     returning token::text`,
    [run.target, run.id],
  );
  return rows[0] === undefined ? undefined : tokenRow.parse(rows[0]).token;
}

/** Heartbeat. @throws {LeaseLostError} */
export async function renewLease(db: Queryable, claim: Claim, leaseMs: number): Promise<void> {
  const { rows } = await db.query(
    `update runs set lease_expires_at = store_now() + $3 * interval '1 ms'
     where id = $1 and token = $2 and state = 'running' and lease_expires_at > store_now()
     returning id`,
    [claim.run, claim.token.toString(), leaseMs],
  );
  if (rows.length === 0) throw new LeaseLostError(claim.target, claim.token);
}

const fenceRow = z.object({ cancel: z.string().nullable(), since_ms: z.coerce.number() });

/** Why the run should end at its next safe point, and for how long it should already. */
export interface Cancel {
  readonly reason: string;
  readonly elapsedMs: number;
}

/**
 * Runs `write` in a transaction that holds the run's row, so that no other claim fits in between.
 * Every write about a run goes through here (E4).
 *
 * @param write is told why the run should end at its next safe point, if it should
 * @throws {LeaseLostError} before `write` is called; nothing is written then
 */
export async function fenced<T>(
  db: Database,
  claim: Claim,
  write: (tx: Queryable, cancel: Cancel | null) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query(
      `select r.cancel,
         coalesce(extract(epoch from store_now() - r.cancelled_at) * 1000, 0) as since_ms from runs r join locks l on l.key = r.lock
       where r.id = $1 and r.token = $2 and l.run = r.id and l.token = $2
         and r.state = 'running' and r.lease_expires_at > store_now() for update of r`,
      [claim.run, claim.token.toString()],
    );
    if (rows[0] === undefined) throw new LeaseLostError(claim.target, claim.token);
    const { cancel: reason, since_ms: elapsedMs } = fenceRow.parse(rows[0]);
    return write(tx, reason === null ? null : { reason, elapsedMs });
  });
}

/**
 * As `fenced`, at a safe point.
 *
 * @throws {SupersededError} {CancelledError} when a newer wish, or a person, wants the run to end
 */
export async function fencedAtSafePoint<T>(
  db: Database,
  claim: Claim,
  write: (tx: Queryable) => Promise<T>,
): Promise<T> {
  return fenced(db, claim, async (tx, cancel) => {
    if (cancel === null) return write(tx);
    const message = `run ${claim.run} ends at a safe point: ${cancel.reason}`;
    throw cancel.reason === "Cancelled"
      ? new CancelledError(message, cancel.elapsedMs)
      : new SupersededError(message, cancel.elapsedMs);
  });
}

/** Gives the run back unfinished: at a drain, another worker goes on with it at once. */
export async function releaseRun(db: Queryable, claim: Claim): Promise<void> {
  await db.query(
    `update runs set lease_expires_at = store_now()
     where id = $1 and token = $2 and state = 'running'`,
    [claim.run, claim.token.toString()],
  );
}

/**
 * Gives back every run that is in hand: only for whoever knows that all other processes are gone.
 *
 * @returns how many
 */
export async function releaseRuns(db: Queryable): Promise<number> {
  const { rows } = await db.query(
    `update runs set lease_expires_at = store_now()
     where state = 'running' and lease_expires_at > store_now() returning id`,
  );
  return rows.length;
}

const dueRow = z.object({ ms: z.coerce.number().nullable() });

/**
 * How long until something that nobody will tell about becomes due; `undefined`: nothing will. What
 * is due already is not counted: the next look finds it, and what cannot go on yet must not keep
 * loops spinning.
 */
export async function nextDueMs(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query(
    `select extract(epoch from min(at) - store_now()) * 1000 as ms from (
       select not_before as at from runs where state in ('queued', 'waiting') and not_before > store_now()
       union all select lease_expires_at from runs where state = 'running'
         and lease_expires_at > store_now()
       union all select next_attempt_at from resources where next_attempt_at > store_now()
       union all select delete_after from resources where delete_after > store_now()
         and phase <> 'deleted') due`,
  );
  const { ms } = dueRow.parse(rows[0]);
  return ms === null ? undefined : Math.max(0, Math.ceil(ms));
}
