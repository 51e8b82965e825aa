/** How a run ended, and what that makes of its resource: one transaction a fact, inside the fence. */
import { z } from "zod";
import type { Outputs } from "../model/resource.ts";
import type { Claim } from "../model/run.ts";
import type { Queryable } from "./database.ts";
import { lockOf } from "./locks.ts";

const target = `repository = $2 and environment = $3 and uid = $4`;

/** The run succeeded: the resource is what the run was asked for, with these outputs. */
export async function recordActive(tx: Queryable, claim: Claim, outputs: Outputs): Promise<void> {
  await tx.query(
    `update resources x set phase = 'active', params = r.desired -> 'params',
       template = r.desired -> 'template', depends_on = r.desired -> 'dependsOn', bundle = r.bundle,
       outputs = $5, secret_refs = $6, revision = x.revision + 1, since = store_now(),
       reason = 'RunSucceeded', message = '', attempted = null, failures = 0,
       next_attempt_at = null, stalled = false, gate = null, changed_in = pg_current_xact_id()
     from runs r where r.id = $1 and x.repository = $2 and x.environment = $3 and x.uid = $4`,
    [...keys(claim), JSON.stringify(outputs.outputs), JSON.stringify(outputs.secretRefs)],
  );
  await endRun(tx, claim, "succeeded", "RunSucceeded", "");
}

/**
 * The delete workflow succeeded, and `observe`, where there is one, says that nothing is left (law 2).
 * The revision goes on, so that a plan that saw the resource before does not delete it once more.
 */
export async function recordDeleted(tx: Queryable, claim: Claim): Promise<void> {
  await tx.query(
    `update resources set phase = 'deleted', run = $1, revision = revision + 1,
       since = store_now(), deleted_at = store_now(),
       reason = 'Deleted', message = '', outputs = '{}', secret_refs = '{}', attempted = null,
       failures = 0, next_attempt_at = null, stalled = false, gate = null, removal = null,
       delete_after = null, changed_in = pg_current_xact_id() where ${target}`,
    keys(claim),
  );
  await endRun(tx, claim, "succeeded", "RunSucceeded", "");
}

export interface Failure {
  readonly reason: string;
  /** Masked. */
  readonly message: string;
  /** `undefined`: only a person, or another wish, starts it again. */
  readonly retryAfterMs: number | undefined;
}

/** The record is kept, and the failure counted, for the next plan to try again or to leave it stalled. */
export async function recordFailed(tx: Queryable, claim: Claim, failure: Failure): Promise<void> {
  await tx.query(
    `update resources set phase = 'failed', run = $1, since = store_now(), reason = $5, message = $6,
       failures = failures + 1, stalled = $7::float8 is null,
       next_attempt_at = store_now() + $7::float8 * interval '1 ms',
       changed_in = pg_current_xact_id() where ${target}`,
    [...keys(claim), failure.reason, failure.message, failure.retryAfterMs ?? null],
  );
  await endRun(tx, claim, "failed", failure.reason, failure.message);
}

/** Ended at a safe point for a newer wish: neither success nor failure (E7). */
export async function recordSuperseded(tx: Queryable, claim: Claim, reason: string): Promise<void> {
  await tx.query(
    `update resources set phase = 'failed', run = $1, since = store_now(), reason = $5,
       message = 'ended at a safe point', changed_in = pg_current_xact_id() where ${target}`,
    [...keys(claim), reason],
  );
  await endRun(tx, claim, "superseded", reason, "");
}

/** Ended at a safe point because a person said so, after its step's own cleanup. */
export async function recordCancelled(tx: Queryable, claim: Claim, message: string): Promise<void> {
  await tx.query(
    `update resources set phase = 'failed', run = $1, since = store_now(), reason = 'Cancelled',
       message = $5, stalled = true, next_attempt_at = null,
       changed_in = pg_current_xact_id() where ${target}`,
    [...keys(claim), message],
  );
  await endRun(tx, claim, "cancelled", "Cancelled", message);
}

/** Nothing is wrong: the run goes on later, with any worker, and holds its target meanwhile (E3). */
export async function recordWaiting(
  tx: Queryable,
  claim: Claim,
  wait: { readonly reason: string; readonly message: string; readonly retryAfterMs: number },
): Promise<void> {
  await tx.query(
    `update runs set state = 'waiting', reason = $2, message = $3, holder = null,
       lease_expires_at = null, not_before = case
         when cancel is not null and $2 <> 'Stopping' then store_now()
         else least(deadline_at, store_now() + $4::float8 * interval '1 ms') end where id = $1`,
    [claim.run, wait.reason, wait.message, wait.retryAfterMs],
  );
}

async function endRun(
  tx: Queryable,
  claim: Claim,
  state: "succeeded" | "failed" | "superseded" | "cancelled",
  reason: string,
  message: string,
): Promise<void> {
  await tx.query(
    `update runs set state = $2, reason = $3, message = $4, ended_at = store_now(), holder = null,
       lease_expires_at = null where id = $1`,
    [claim.run, state, reason, message],
  );
  await tx.query(
    `update locks set run = null, state = 'free' where key = ${lockOf("$1")} and run = $2`,
    [claim.target, claim.run],
  );
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
       reason = 'Abandoned', message = $4, outputs = '{}', secret_refs = '{}', gate = null,
       attempted = null, removal = null, delete_after = null, stalled = false,
       next_attempt_at = null, changed_in = pg_current_xact_id()
     where repository = $1 and environment = $2 and uid = $3 and phase <> 'deleted' returning uid`,
    [repository, environment, uid, message],
  );
  return rows.map((it) => abandoned.parse(it)).length > 0;
}

const keys = (claim: Claim): [string, string, string, string] => [
  claim.run,
  claim.repository,
  claim.environment,
  claim.uid,
];
