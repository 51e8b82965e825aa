/**
 * How a run ended, and what that makes of its resource and its target: one transaction a fact, inside
 * the fence. Each says what there is to tell of it beside the end itself.
 */
import { z } from "zod";
import type { Fault } from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Outputs } from "../model/resource.ts";
import type { Claim } from "../model/run.ts";
import type { Queryable } from "./database.ts";
import { countFailure } from "./backoffs.ts";
import { parseUid } from "../model/uid.ts";
import { clearBlock, releasedOf, releaseLock } from "./locks.ts";

const target = `repository = $2 and environment = $3 and uid = $4`;

/** An event about the run, but for whose it is. */
export interface Told {
  readonly type: string;
  readonly data: JsonRecord;
}

const moved = (from: string, to: string): Told => ({ type: "PhaseTransition", data: { from, to } });

/** Whether a step of the run may have changed anything: in doubt, yes. */
export async function hadEffect(db: Queryable, run: string): Promise<boolean> {
  const { rows } = await db.query(`select ${effectOf("$1")} as effect`, [run]);
  return effectRow.parse(rows[0]).effect;
}

const effectRow = z.object({ effect: z.boolean() });

/** To observe is no effect, whatever its steps are made of. */
const effectOf = (run: string): string =>
  `exists (select 1 from steps where run = ${run} and effect and name not like 'observe:%')`;

/** Told once the transaction is committed: there is a slot, and maybe a lock, for who waits. */
const notify = `pg_notify('innominatus', 'ended')::text as notified`;

/** The run succeeded: the resource is what the run was asked for, with these outputs. */
export async function recordActive(
  tx: Queryable,
  claim: Claim,
  outputs: Outputs,
): Promise<readonly Told[]> {
  const { rows } = await tx.query(
    `update resources x set phase = 'active', params = r.desired -> 'params',
       template = r.desired -> 'template', depends_on = r.desired -> 'dependsOn', bundle = r.bundle,
       outputs = $5, secret_refs = $6,
       credentials_secret = $7, revision = x.revision + 1, since = store_now(),
       reason = 'RunSucceeded', message = '', attempted = null, failures = 0,
       next_attempt_at = null, stalled = false, gate = null, changed_in = pg_current_xact_id()
     from runs r where r.id = $1 and x.repository = $2 and x.environment = $3 and x.uid = $4
     returning r.operation`,
    [
      ...keys(claim),
      JSON.stringify(outputs.outputs),
      JSON.stringify(outputs.secretRefs),
      outputs.credentialsSecret ?? null,
    ],
  );
  const told = await endRun(tx, claim, { state: "succeeded", reason: "RunSucceeded", message: "" });
  const { operation } = operationRow.parse(rows[0]);
  return [moved(phaseDuring[operation], "active"), ...told];
}

const operationRow = z.object({ operation: z.enum(["create", "update", "delete"]) });

/** Of a resource, while a run of the operation is under way. */
export const phaseDuring = {
  create: "provisioning",
  update: "updating",
  delete: "deleting",
} as const;

/**
 * The delete workflow succeeded, and `observe`, where there is one, says that nothing is left (law 2).
 * The revision goes on, so that a plan that saw the resource before does not delete it once more.
 */
export async function recordDeleted(tx: Queryable, claim: Claim): Promise<readonly Told[]> {
  await tx.query(
    `update resources set phase = 'deleted', run = $1, revision = revision + 1,
       since = store_now(), deleted_at = store_now(),
       reason = 'Deleted', message = '', outputs = '{}', secret_refs = '{}', credentials_secret = null, attempted = null,
       failures = 0, next_attempt_at = null, stalled = false, gate = null, removal = null,
       delete_after = null, changed_in = pg_current_xact_id() where ${target}`,
    keys(claim),
  );
  const told = await endRun(tx, claim, { state: "succeeded", reason: "RunSucceeded", message: "" });
  return [moved("deleting", "deleted"), ...told];
}

export interface Failure {
  /** Of the run: what went wrong. */
  readonly reason: string;
  /** Of the resource, where what holds it from now on is something else (E8). */
  readonly held?: string;
  /** Masked. */
  readonly message: string;
  /** `undefined`: only a person, or another wish, starts it again. */
  readonly retryAfterMs: number | undefined;
  /** Counts as one of the failures in a row that lead to a stall. */
  readonly counts?: boolean;
  /** Nothing else may follow on the target: nobody knows how it was left. */
  readonly blocks?: boolean;
  /** Masked. */
  readonly fault?: Fault | undefined;
}

/** The record is kept, and the failure counted, for the next plan to try again or to leave it stalled. */
export async function recordFailed(
  tx: Queryable,
  claim: Claim,
  failure: Failure,
): Promise<readonly Told[]> {
  const { reason, held = reason, message, retryAfterMs, fault } = failure;
  const { counts = true, blocks = false } = failure;
  // One moment for both: the resource is tried again when its target may be.
  const counted = counts ? await countFailure(tx, claim, retryAfterMs) : undefined;
  await tx.query(
    `update resources set phase = 'failed', run = $1, since = store_now(), reason = $5, message = $6,
       failures = failures + 1, stalled = $7::float8 is null,
       next_attempt_at = coalesce($8::timestamptz, store_now() + $7::float8 * interval '1 ms'),
       changed_in = pg_current_xact_id() where ${target}`,
    [...keys(claim), held, message, retryAfterMs ?? null, counted?.until ?? null],
  );
  const told = await endRun(tx, claim, { state: "failed", reason, message, blocks, fault });
  const backoff: readonly Told[] =
    counted === undefined || counted.until === null
      ? []
      : [{ type: "BackoffActive", data: { target: claim.target, ...counted } }];
  return [...told, ...backoff];
}

/** Ended at a safe point for a newer wish: neither success nor failure (E7). */
export async function recordSuperseded(
  tx: Queryable,
  claim: Claim,
  reason: string,
): Promise<readonly Told[]> {
  await tx.query(
    `update resources set phase = 'failed', run = $1, since = store_now(), reason = $5,
       message = 'ended at a safe point', changed_in = pg_current_xact_id() where ${target}`,
    [...keys(claim), reason],
  );
  return endRun(tx, claim, { state: "superseded", reason, message: "" });
}

/** Ended at a safe point because a person said so, after its step's own cleanup. */
export async function recordCancelled(
  tx: Queryable,
  claim: Claim,
  message: string,
): Promise<readonly Told[]> {
  await tx.query(
    `update resources set phase = 'failed', run = $1, since = store_now(), reason = 'Cancelled',
       message = $5, stalled = true, next_attempt_at = null,
       changed_in = pg_current_xact_id() where ${target}`,
    [...keys(claim), message],
  );
  return endRun(tx, claim, { state: "cancelled", reason: "Cancelled", message });
}

/** Nothing is wrong: the run goes on later, with any worker, and holds its target meanwhile (E3). */
export async function recordWaiting(
  tx: Queryable,
  claim: Claim,
  wait: { readonly reason: string; readonly message: string; readonly retryAfterMs: number },
): Promise<void> {
  await tx.query(
    `with slot as (update provider_slots set run = null where run = $1)
     update runs set state = 'waiting', reason = $2, message = $3, holder = null,
       lease_expires_at = null, not_before = case
         when cancel is not null and $2 <> 'Stopping' then store_now()
         else least(deadline_at, store_now() + $4::float8 * interval '1 ms') end where id = $1
     returning ${notify}`,
    [claim.run, wait.reason, wait.message, wait.retryAfterMs],
  );
}

interface End {
  readonly state: "succeeded" | "failed" | "superseded" | "cancelled";
  readonly reason: string;
  readonly message: string;
  readonly blocks?: boolean;
  readonly fault?: Fault | undefined;
}

/** A success forgets the failures before it; what was superseded arms no cooldown (E9). */
async function endRun(tx: Queryable, claim: Claim, end: End): Promise<readonly Told[]> {
  const { state, reason, message, blocks = false, fault } = end;
  const { rows } = await tx.query(
    `with ended as (
       update runs set state = $2, reason = $3, message = $4, failure = $5, ended_at = store_now(),
         holder = null, lease_expires_at = null, effect = ${effectOf("$1")} where id = $1
       returning lock, operation, effect and $2 <> 'superseded' as effect),
     slot as (update provider_slots set run = null where run = $1),
     reset as (delete from backoffs b using ended e
       where $2 = 'succeeded' and b.lock = e.lock and b.operation = e.operation),
     released as (${releaseLock({ run: "$1", token: "$6", blocks: "$7" })})
     select ${notify}, r.* from ended left join released r on true`,
    [
      claim.run,
      state,
      reason,
      message,
      fault === undefined ? null : JSON.stringify(fault),
      claim.token.toString(),
      blocks,
    ],
  );
  return releasedOf(claim, rows[0]);
}

const abandoned = z.object({ uid: z.string() });

/** The last resort (law 2): forgets a resource, and leaves the thing itself alone. */
export async function abandonResource(
  tx: Queryable,
  { repository, environment }: Pick<Claim, "repository" | "environment">,
  uid: string,
  message: string,
): Promise<boolean> {
  const { rows } = await tx.query(
    `update resources set phase = 'deleted', deleted_at = store_now(), since = store_now(),
       reason = 'Abandoned', message = $4, outputs = '{}', secret_refs = '{}', credentials_secret = null, gate = null,
       attempted = null, removal = null, delete_after = null, stalled = false,
       next_attempt_at = null, changed_in = pg_current_xact_id()
     where repository = $1 and environment = $2 and uid = $3 and phase <> 'deleted' returning uid`,
    [repository, environment, uid, message],
  );
  await clearBlock(tx, { repository, environment, uid: parseUid(uid) });
  return rows.map((it) => abandoned.parse(it)).length > 0;
}

const keys = (claim: Claim): [string, string, string, string] => [
  claim.run,
  claim.repository,
  claim.environment,
  claim.uid,
];
