/** From one step to the next in one statement: what a run costs the store (two writes a step at most). */
import { LeaseLostError } from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Claim } from "../model/run.ts";
import { cancelOf, fence, type Cancel } from "./claims.ts";
import type { Database, Queryable } from "./database.ts";
import { endedAt, type EndedStep, type StartedStep } from "./steps.ts";

/** What is known, and goes into the record with the next write about the run. */
export interface Unwritten {
  ended: EndedStep | undefined;
  /** As they were resolved when the run started. */
  params: JsonRecord | undefined;
}

export const nothingUnwritten = (): Unwritten => ({ ended: undefined, params: undefined });

/** SQL of the parts of a `with`, and their parameters from $1 on: the fence, and what goes behind it. */
const fencedParts = `fence as (${fence}),
     resolved as (
       update runs r set desired = jsonb_set(r.desired, '{params}', $3) from fence
       where r.id = fence.id and $3::jsonb is not null),
     ended as (
       update steps s set state = 'ended', ended_at = ${endedAt("$4")}, sealed = $5, output_names = $6,
         error = null where s.run = $1 and s.name = $7 and exists (select 1 from fence))`;

const parametersOf = ({ run, token }: Claim, { ended, params }: Unwritten) => [
  run,
  token.toString(),
  params === undefined ? null : JSON.stringify(params),
  ended?.completedAt ?? null,
  ended?.sealed ?? null,
  ended === undefined ? null : JSON.stringify(ended.names),
  ended?.step ?? null,
];

/**
 * As `fenced`, behind what is unwritten.
 *
 * @throws {LeaseLostError} before `write` is called; nothing is written then
 */
export async function fencedAfter<T>(
  db: Database,
  claim: Claim,
  unwritten: Unwritten,
  write: (tx: Queryable, cancel: Cancel | null) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query(
      `with ${fencedParts} select cancel, since_ms from fence`,
      parametersOf(claim, unwritten),
    );
    return write(tx, cancelOf(foundFor(claim, rows)));
  });
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
  unwritten: Unwritten,
  step: StartedStep,
): Promise<Cancel | null> {
  const { rows } = await db.query(
    `with ${fencedParts},
     started as (
       insert into steps (run, index, name, type, state, attempts, effect)
       select id, $8, $9, $10, 'started', 1, not $11::boolean from fence where cancel is null
       on conflict (run, name) do update set state = 'started', failure = null, ended_at = null,
         effect = excluded.effect, error = case when steps.state = 'waiting' then steps.error end,
         attempts = steps.attempts + case when steps.state = 'waiting' then 0 else 1 end)
     select cancel, since_ms from fence`,
    [...parametersOf(claim, unwritten), step.index, step.name, step.type, step.readOnly],
  );
  return cancelOf(foundFor(claim, rows));
}

function foundFor({ target, token }: Claim, [row]: readonly unknown[]): unknown {
  if (row === undefined) throw new LeaseLostError(target, token);
  return row;
}
