/**
 * Which worker may go on with which run (execution semantics E2–E6). A claim takes the target's lock
 * for the run, raises the target's fencing token, and leases the run to the worker. There is no
 * recovery pass: a run whose lease ended is simply claimable.
 */
import { z } from "zod";
import { CancelledError, LeaseLostError, SupersededError } from "../model/errors.ts";
import type { Claim } from "../model/run.ts";
import { waitReasons } from "../model/wait.ts";
import { nextCandidates, now } from "./candidates.ts";
import type { Database, Queryable } from "./database.ts";
import { appendEvents, type Fact } from "./events.ts";
import { cooldownOf, releaseCooled, type Cooldowns } from "./locks.ts";
import { phaseDuring } from "./outcomes.ts";
import { uid } from "./rows.ts";
import { makeSlots, takeSlot } from "./slots.ts";

export interface ClaimOptions {
  readonly holder: string;
  readonly leaseMs: number;
  /** Runs to claim at once. */
  readonly atMost: number;
  /** Runs of one provider under way at once, over all workers. */
  readonly perProvider: number;
  /** From a run's first claim to its deadline (E3), where its workflow does not say. */
  readonly runTimeoutMs: number;
  readonly cooldowns: Cooldowns;
  /** For the ids of events. */
  readonly nowMs: number;
}

const candidateRow = z.object({
  id: z.string(),
  repository: z.string(),
  environment: z.string(),
  uid,
  target: z.string(),
  lock: z.string(),
  declared: z.boolean(),
  provider: z.string(),
  operation: z.enum(["create", "update", "delete"]),
  workflow: z.string(),
  commit: z.string(),
  plan: z.string(),
  attempt: z.number(),
  holder: z.string().nullable(),
  timeout_ms: z.coerce.number().nullable(),
  phase: z.string().nullable(),
  lock_state: z.string().nullable(),
  waited_for: z.enum(waitReasons).nullable(),
});
type Candidate = z.output<typeof candidateRow>;

const takenRow = z.object({ slots: z.coerce.number(), token: z.coerce.bigint().nullable() });

/** What was there to take was taken by others meanwhile; the transaction leaves nothing. */
class Missed extends Error {
  /** There is no slot of this one. */
  readonly provider: string | undefined;

  constructor(provider?: string) {
    super("missed");
    this.provider = provider;
  }
}

/** Whoever loses this often to others finds more to do at the next look. */
const tries = 20;

/** Claims the runs whose turn it is, if there are some that may go on. */
export async function claimRuns(db: Database, options: ClaimOptions): Promise<Claim[]> {
  let { atMost } = options;
  const made = new Set<string>();
  const full = new Set<string>();
  for (let attempt = 1; attempt <= tries; attempt++) {
    try {
      const fewer = { ...options, atMost };
      return await db.transaction((tx) => claimNext(tx, fewer, [...full]));
    } catch (error) {
      if (!(error instanceof Missed)) throw error;
      const { provider } = error;
      const isNew = provider !== undefined && !made.has(provider);
      // One that is missed gives back all that were claimed with it.
      if (!isNew) atMost = 1;
      if (provider === undefined) continue;
      // The first claim for a provider finds no slots at all, and makes them.
      if (isNew) await makeSlots(db, provider, options.perProvider);
      else full.add(provider);
      made.add(provider);
    }
  }
  return [];
}

async function claimNext(
  tx: Queryable,
  options: ClaimOptions,
  full: readonly string[],
): Promise<Claim[]> {
  const { perProvider, atMost } = options;
  const { rows } = await tx.query(nextCandidates, [perProvider, JSON.stringify(full), atMost]);
  const claims: Claim[] = [];
  const facts: Fact[] = [];
  for (const row of rows) {
    const run = candidateRow.parse(row);
    if (run.lock_state === "cooling") await releaseCooled(tx, options.nowMs, run.lock);
    const token = await take(tx, run, options);
    facts.push(...claimFacts(run, token));
    const { id, repository, environment, uid: of, target, commit, plan } = run;
    claims.push({ run: id, repository, environment, uid: of, target, token, commit, plan });
  }
  await appendEvents(tx, facts, options.nowMs);
  return claims;
}

/** Slot, lock, lease and resource in one statement: of any number of attempts, one wins (E2). */
async function take(tx: Queryable, run: Candidate, options: ClaimOptions): Promise<bigint> {
  const { rows } = await tx.query(
    `with ${takeSlot("$1", "$2", "$3")},
     lock as (
       insert into locks as l (key, target, declared, run, token, state, cooldown_ms)
       select $4, $5, $6, $1, 1, 'held', $7 from taken
       on conflict (key) do update set run = excluded.run, token = l.token + 1, state = 'held',
         since = case when l.run = excluded.run then l.since else store_now() end,
         completed_at = null, until = null, cooldown_ms = excluded.cooldown_ms, blocked_by = null
         where l.state = 'free' or l.run = excluded.run
           or l.state = 'held' and not exists (select 1 from runs h where h.id = l.run
             and h.state in ('queued', 'running', 'waiting'))
       returning token),
     claimed as (
       update runs set state = 'running', holder = $8, token = lock.token, attempt = attempt + 1,
         lease_expires_at = store_now() + $9 * interval '1 ms',
         started_at = coalesce(started_at, store_now()),
         deadline_at = coalesce(deadline_at, store_now() + $10::float8 * interval '1 ms')
       from lock where id = $1),
     touched as (
       update resources x set touched = true, run = r.id, commit = r.commit, since = store_now(),
         phase = case r.operation when 'create' then 'provisioning' when 'update' then 'updating'
                 else 'deleting' end,
         reason = 'RunStarted', message = '', changed_in = pg_current_xact_id(),
         bundle = case when x.revision = 0 then r.bundle else x.bundle end,
         failures = case when x.attempted ->> 'hash' = r.hash then x.failures else 0 end,
         stalled = false, next_attempt_at = null, operation = r.operation,
         attempted = jsonb_build_object('operation', r.operation, 'hash', r.hash)
       from runs r, lock where r.id = $1 and x.repository = r.repository
         and x.environment = r.environment and x.uid = r.uid
         and (x.run is distinct from r.id or x.phase not in ('provisioning', 'updating', 'deleting')))
     select (select count(*) from taken) as slots, (select token::text from lock) as token`,
    [
      run.id,
      run.provider,
      options.perProvider,
      run.lock,
      run.target,
      run.declared,
      cooldownOf(options.cooldowns, run),
      options.holder,
      options.leaseMs,
      run.timeout_ms ?? options.runTimeoutMs,
    ],
  );
  const { slots, token } = takenRow.parse(rows[0]);
  if (slots === 0) throw new Missed(run.provider);
  if (token === null) throw new Missed();
  return token;
}

function claimFacts(run: Candidate, token: bigint): Fact[] {
  const { repository, environment, operation, workflow, target, phase } = run;
  const about = { repository, environment, actor: "innominatus", uid: run.uid, run: run.id };
  const fact = (type: string, data: Fact["data"] = {}): Fact => ({
    ...about,
    type,
    commit: run.commit,
    correlation: run.plan,
    data: { operation, workflow, target, ...data },
  });
  if (run.attempt === 0) {
    return [
      fact("RunStarted", {
        token: token.toString(),
        ...(run.waited_for === null ? {} : { reason: run.waited_for }),
      }),
      fact("PhaseTransition", { from: phase, to: phaseDuring[operation] }),
    ];
  }
  // Whoever gives a run back, or waits, leaves no holder; who is still named has lost the lease.
  return run.holder === null ? [] : [fact("LeaseLost", { holder: run.holder })];
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

/** SQL: the run's row, locked, for who has the lease; $1 is the run, $2 the token. */
export const fence = `select r.id, r.cancel,
    coalesce(extract(epoch from store_now() - r.cancelled_at) * 1000, 0) as since_ms
  from runs r join locks l on l.key = r.lock
  where r.id = $1 and r.token = $2::bigint and l.run = r.id and l.token = $2::bigint
    and r.state = 'running' and r.lease_expires_at > store_now() for update of r`;

const fenceRow = z.object({ cancel: z.string().nullable(), since_ms: z.coerce.number() });

/** Why the run should end at its next safe point, and for how long it should already. */
export interface Cancel {
  readonly reason: string;
  readonly elapsedMs: number;
}

/** @param found a row of `fence` */
export function cancelOf(found: unknown): Cancel | null {
  const { cancel: reason, since_ms: elapsedMs } = fenceRow.parse(found);
  return reason === null ? null : { reason, elapsedMs };
}

/**
 * Runs `write` in a transaction that holds the run's row, so that no other claim fits in between.
 * Every write about a run goes through here, or through `fence` itself (E4).
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
    const { rows } = await tx.query(fence, [claim.run, claim.token.toString()]);
    if (rows[0] === undefined) throw new LeaseLostError(claim.target, claim.token);
    return write(tx, cancelOf(rows[0]));
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
    endHere(claim, cancel);
    return write(tx);
  });
}

/** @throws {SupersededError} {CancelledError} where the run is told to end */
export function endHere({ run }: Claim, cancel: Cancel | null): void {
  if (cancel === null) return;
  const message = `run ${run} ends at a safe point: ${cancel.reason}`;
  throw cancel.reason === "Cancelled"
    ? new CancelledError(message, cancel.elapsedMs)
    : new SupersededError(message, cancel.elapsedMs);
}

/** Gives the run back unfinished: at a drain, another worker is told, and goes on with it at once. */
export async function releaseRun(db: Queryable, claim: Claim): Promise<void> {
  await db.query(
    `with released as (update runs set lease_expires_at = store_now(), holder = null
       where id = $1 and token = $2 and state = 'running' returning id)
     select pg_notify('innominatus', 'released') from released`,
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
    `update runs set lease_expires_at = store_now(), holder = null
     where state = 'running' and lease_expires_at > store_now() returning id`,
  );
  return rows.length;
}

const dueRow = z.object({ ms: z.coerce.number().nullable(), cooled: z.boolean() });

export interface Due {
  /**
   * How long until something that nobody will tell about becomes due; `undefined`: nothing will. What
   * is due already is not counted: the next look finds it, and what cannot go on yet must not keep
   * loops spinning.
   */
  readonly nextMs: number | undefined;
  /** Whether there is a lock whose cooling is over, to be freed. */
  readonly isCoolingOver: boolean;
}

export async function readDue(db: Queryable): Promise<Due> {
  const { rows } = await db.query(
    `select extract(epoch from min(at) - store_now()) * 1000 as ms,
       exists (select 1 from locks where state = 'cooling' and until <= ${now}) as cooled from (
       select min(not_before) as at from runs where state = 'waiting' and not_before > ${now}
       union all select min(lease_expires_at) from runs where state = 'running'
         and lease_expires_at > ${now}
       union all select min(until) from locks where state = 'cooling' and until > ${now}
       union all select min(next_attempt_at) from backoffs where next_attempt_at > ${now}
       union all select min(next_attempt_at) from resources where next_attempt_at > ${now}
       union all select min(delete_after) from resources where delete_after > ${now}
         and delete_after is not null and phase <> 'deleted') due`,
  );
  const { ms, cooled } = dueRow.parse(rows[0]);
  return {
    nextMs: ms === null ? undefined : Math.max(0, Math.ceil(ms)),
    isCoolingOver: cooled,
  };
}

export const nextDueMs = async (db: Queryable): Promise<Due["nextMs"]> =>
  (await readDue(db)).nextMs;
