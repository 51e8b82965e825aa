/** Consecutive failures per target and operation: what delays the next run, and counts to the stall (E13, E14). */
import { z } from "zod";
import type { Claim, RunOperation } from "../model/run.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { lockOf } from "./locks.ts";
import { time } from "./rows.ts";

const countRow = z.object({ failures: z.number() });

export async function readFailures(
  db: Queryable,
  target: string,
  operation: RunOperation,
): Promise<number> {
  const { rows } = await db.query(
    `select failures from backoffs where lock = ${lockOf("$1")} and operation = $2`,
    [target, operation],
  );
  return rows[0] === undefined ? 0 : countRow.parse(rows[0]).failures;
}

const backoffRow = z.object({ failures: z.number(), next_attempt_at: time.nullable() });

/**
 * Counts one more. With effect or without: what is tried again by itself after an effect backs off
 * and stalls by the same count (E15); what is not is never counted.
 *
 * @param retryAfterMs `undefined`: nothing follows by itself
 * @returns the count, and when the next run may begin
 */
export async function countFailure(
  tx: Queryable,
  { run }: Claim,
  retryAfterMs: number | undefined,
): Promise<{ readonly failures: number; readonly until: string | null }> {
  const { rows } = await tx.query(
    `insert into backoffs as b (lock, operation, repository, environment, uid, hash, failures, next_attempt_at)
     select lock, operation, repository, environment, uid, hash, 1,
       store_now() + $2::float8 * interval '1 ms' from runs where id = $1
     on conflict (lock, operation) do update set failures = b.failures + 1, uid = excluded.uid,
       repository = excluded.repository, environment = excluded.environment, hash = excluded.hash,
       next_attempt_at = excluded.next_attempt_at
     returning failures, next_attempt_at`,
    [run, retryAfterMs ?? null],
  );
  const { failures, next_attempt_at: until } = backoffRow.parse(rows[0]);
  return { failures, until };
}

/** A resource wants something else now: what its former wish met with is no reason to wait (E14). */
export async function forgetOtherWishes(
  tx: Queryable,
  { repository, environment }: Scope,
  wishes: readonly { readonly uid: Uid; readonly hash: string }[],
): Promise<void> {
  if (wishes.length === 0) return;
  await tx.query(
    `delete from backoffs b using jsonb_to_recordset($3) as w(uid text, hash text)
     where b.repository = $1 and b.environment = $2 and b.uid = w.uid and b.hash <> w.hash`,
    [repository, environment, JSON.stringify(wishes)],
  );
}

/** A person wants it tried again now, on whatever target it ran last. */
export async function forgetFailures(
  tx: Queryable,
  { repository, environment }: Scope,
  resources: readonly Uid[],
): Promise<void> {
  if (resources.length === 0) return;
  await tx.query(
    `delete from backoffs where lock in (
       select r.lock from resources x join runs r on r.id = x.run
       where x.repository = $1 and x.environment = $2
         and x.uid in (select jsonb_array_elements_text($3)))`,
    [repository, environment, JSON.stringify(resources)],
  );
}
