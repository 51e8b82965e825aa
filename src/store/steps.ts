/** The journal of a run's steps: one row a step, written before and after what it does. */
import { z } from "zod";
import { LeaseLostError } from "../model/errors.ts";
import type { Claim, StepRecord } from "../model/run.ts";
import type { Queryable } from "./database.ts";
import { maybeTime, time } from "./rows.ts";

export interface JournaledStep extends StepRecord {
  /** Milliseconds since the step first started, by the store's clock. */
  readonly elapsedMs: number;
  readonly sealed: Uint8Array | null;
}

const row = z
  .object({
    run: z.string(),
    index: z.number(),
    name: z.string(),
    type: z.string(),
    state: z.enum(["started", "waiting", "ended", "failed", "skipped"]),
    attempts: z.number(),
    started_at: time,
    ended_at: maybeTime,
    sealed: z.instanceof(Uint8Array).nullable(),
    output_names: z.array(z.string()),
    error: z.string().nullable(),
    elapsed_ms: z.coerce.number(),
  })
  .transform(({ started_at, ended_at, output_names, elapsed_ms, ...it }): JournaledStep => ({
    ...it,
    startedAt: started_at,
    endedAt: ended_at,
    outputNames: output_names,
    elapsedMs: elapsed_ms,
  }));

/** In the order they began, which is the workflow's; a deletion's `observe` comes after it. */
export async function listSteps(db: Queryable, run: string): Promise<JournaledStep[]> {
  const { rows } = await db.query(
    `select run, index, name, type, state, attempts, started_at, ended_at, sealed, output_names, error,
       extract(epoch from store_now() - started_at) * 1000 as elapsed_ms
     from steps where run = $1 order by started_at, index`,
    [run],
  );
  return rows.map((it) => row.parse(it));
}

export async function startStep(
  tx: Queryable,
  run: string,
  step: { readonly index: number; readonly name: string; readonly type: string },
): Promise<void> {
  await tx.query(
    `insert into steps (run, index, name, type, state, attempts) values ($1, $2, $3, $4, 'started', 1)
     on conflict (run, name) do update set state = 'started', error = null,
       attempts = steps.attempts + case when steps.state = 'waiting' then 0 else 1 end`,
    [run, step.index, step.name, step.type],
  );
}

export async function endStep(
  tx: Queryable,
  run: string,
  step: string,
  sealed: Uint8Array,
  outputNames: readonly string[],
): Promise<void> {
  await tx.query(
    `update steps set state = 'ended', ended_at = store_now(), sealed = $3, output_names = $4,
       error = null where run = $1 and name = $2`,
    [run, step, sealed, JSON.stringify(outputNames)],
  );
}

export async function skipStep(
  tx: Queryable,
  run: string,
  step: { readonly index: number; readonly name: string; readonly type: string },
): Promise<void> {
  await tx.query(
    `insert into steps (run, index, name, type, state, ended_at) values ($1, $2, $3, $4, 'skipped', store_now())
     on conflict (run, name) do update set state = 'skipped', ended_at = store_now()`,
    [run, step.index, step.name, step.type],
  );
}

export async function markStep(
  tx: Queryable,
  run: string,
  step: string,
  state: "waiting" | "failed",
  error: string | null,
): Promise<void> {
  await tx.query(`update steps set state = $3, error = $4 where run = $1 and name = $2`, [
    run,
    step,
    state,
    error,
  ]);
}

export interface LogLine {
  readonly id: string;
  readonly step: string;
  readonly at: string;
  readonly text: string;
}

const logRow = z.object({ id: z.coerce.string(), step: z.string(), at: time, text: z.string() });

/**
 * Fenced by itself, in one statement: a talkative step writes often.
 *
 * @param text masked and bounded already
 * @throws {LeaseLostError}
 */
export async function appendLog(
  db: Queryable,
  { run, target, token }: Pick<Claim, "run" | "target" | "token">,
  step: string,
  text: string,
): Promise<void> {
  const { rows } = await db.query(
    `insert into step_logs (run, step, text) select $1, $2, $3 from runs
     where id = $1 and token = $4 and state = 'running' and lease_expires_at > store_now()
     returning run`,
    [run, step, text, token.toString()],
  );
  if (rows.length === 0) throw new LeaseLostError(target, token);
}

/** In the order written; `after` is the id of the last line seen. */
export async function listLogs(db: Queryable, run: string, after = "0"): Promise<LogLine[]> {
  const { rows } = await db.query(
    `select id, step, at, text from step_logs where run = $1 and id > $2 order by id`,
    [run, after],
  );
  return rows.map((it) => logRow.parse(it));
}
