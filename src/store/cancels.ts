/** Runs that a person ends early: at once before they have begun, and at a safe point once they have. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import type { Queryable } from "./database.ts";
import { appendEvents } from "./events.ts";
import { uid } from "./rows.ts";

export interface Cancellation {
  readonly actor: string;
  readonly reason: string;
}

const row = z.object({
  repository: z.string(),
  environment: z.string(),
  uid,
  state: z.string(),
  cancel: z.string().nullable(),
});

/** `ended`: it had not begun; `ending`: at its next safe point; `over`: it has ended, or is ending, anyway. */
export type Cancelled = "ended" | "ending" | "over";

/** What a cancelled resource wants is not tried again before it changes, or somebody says so. */
export async function cancelRun(
  tx: Queryable,
  run: string,
  { actor, reason }: Cancellation,
  nowMs: number,
): Promise<Cancelled> {
  const { rows } = await tx.query(
    `select repository, environment, uid, state, cancel from runs where id = $1 for update`,
    [run],
  );
  if (rows[0] === undefined) return "over";
  const { state, cancel, ...about } = row.parse(rows[0]);
  if (cancel !== null || !["queued", "running", "waiting"].includes(state)) return "over";
  const told = { ...about, actor, run, data: { reason } };
  if (state === "queued") {
    await endQueued(tx, run, { actor, reason });
    await appendEvents(tx, [{ ...told, type: "RunCancelled" }], nowMs);
  } else {
    await tx.query(
      `update runs set cancel = 'Cancelled', cancelled_at = store_now(), cancelled_by = $2,
         cancel_reason = $3, not_before = least(not_before, store_now()) where id = $1`,
      [run, actor, reason],
    );
    await appendEvents(tx, [{ ...told, type: "CancelRequested" }], nowMs);
  }
  await tx.query(`select pg_notify('innominatus', 'cancelled')`);
  return state === "queued" ? "ended" : "ending";
}

async function endQueued(tx: Queryable, run: string, by: Cancellation): Promise<void> {
  await tx.query(
    `update runs set state = 'cancelled', reason = 'Cancelled', message = $3, cancelled_by = $2,
       cancel_reason = $3, cancelled_at = store_now(), ended_at = store_now(), effect = false
     where id = $1`,
    [run, by.actor, by.reason],
  );
  await tx.query(
    `update resources x set stalled = true, next_attempt_at = null, reason = 'Cancelled',
       message = 'its run was cancelled before it began', run = r.id, operation = r.operation,
       attempted = jsonb_build_object('operation', r.operation, 'hash', r.hash),
       changed_in = pg_current_xact_id()
     from runs r where r.id = $1 and x.repository = r.repository and x.environment = r.environment
       and x.uid = r.uid`,
    [run],
  );
}

const cancelRow = z.object({
  cancelled_by: z.string().nullable(),
  cancel_reason: z.string().nullable(),
});

/** Who cancelled the run, and why: for the event of its end. */
export async function readCancel(db: Queryable, run: string): Promise<JsonRecord> {
  const { rows } = await db.query(`select cancelled_by, cancel_reason from runs where id = $1`, [
    run,
  ]);
  const { cancelled_by: by, cancel_reason: reason } = cancelRow.parse(rows[0]);
  return { by, reason };
}
