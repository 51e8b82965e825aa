/** From one step to the next in one statement: what a run costs the store (two writes a step at most). */
import { z } from "zod";
import { LeaseLostError } from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Claim } from "../model/run.ts";
import { cancelOf, fence, type Cancel } from "./claims.ts";
import type { Queryable } from "./database.ts";
import { endedAt, endStep, type EndedStep, type StartedStep } from "./steps.ts";
import { saveResolved } from "./runs.ts";

/** What is known, and goes into the record with the next write about the run. */
export interface Unwritten {
  ended: EndedStep | undefined;
  /** As they were resolved when the run started. */
  params: JsonRecord | undefined;
}

export const nothingUnwritten = (): Unwritten => ({ ended: undefined, params: undefined });

/** With another write of the same transaction. */
export async function writeUnwritten(
  tx: Queryable,
  { run }: Claim,
  { ended, params }: Unwritten,
): Promise<void> {
  if (params !== undefined) await saveResolved(tx, run, params);
  if (ended !== undefined) await endStep(tx, run, ended);
}

/**
 * Writes what is unwritten and starts `step`, unless the run is told to end here: then it starts
 * nothing, and says why.
 *
 * @throws {LeaseLostError} nothing is written then
 */
export async function advanceRun(
  db: Queryable,
  claim: Claim,
  { ended, params }: Unwritten,
  step: StartedStep,
): Promise<Cancel | null> {
  const { rows } = await db.query(
    `with fence as (${fence}),
     resolved as (
       update runs r set desired = jsonb_set(r.desired, '{params}', $10) from fence
       where r.id = fence.id and $10::jsonb is not null),
     ended as (
       update steps s set state = 'ended', ended_at = ${endedAt("$11")}, sealed = $8, output_names = $9,
         error = null where s.run = $1 and s.name = $7 and exists (select 1 from fence)),
     started as (
       insert into steps (run, index, name, type, state, attempts, effect)
       select id, $3, $4, $5, 'started', 1, not $6::boolean from fence where cancel is null
       on conflict (run, name) do update set state = 'started', failure = null, ended_at = null,
         effect = excluded.effect, error = case when steps.state = 'waiting' then steps.error end,
         attempts = steps.attempts + case when steps.state = 'waiting' then 0 else 1 end)
     select cancel, since_ms from fence`,
    [
      claim.run,
      claim.token.toString(),
      step.index,
      step.name,
      step.type,
      step.readOnly,
      ended?.step ?? null,
      ended?.sealed ?? null,
      ended === undefined ? null : JSON.stringify(ended.names),
      params === undefined ? null : JSON.stringify(params),
      ended?.completedAt ?? null,
    ],
  );
  if (rows[0] === undefined) throw new LeaseLostError(claim.target, claim.token);
  return cancelOf(z.unknown().parse(rows[0]));
}
