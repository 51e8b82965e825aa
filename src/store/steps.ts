/** The journal of a run's steps: one row a step, written before and after what it does. */
import { z } from "zod";
import { LeaseLostError, type Fault } from "../model/errors.ts";
import type { Json } from "../model/json.ts";
import type { Claim, StepRecord } from "../model/run.ts";
import type { Queryable } from "./database.ts";
import { maybeTime, time } from "./rows.ts";

export interface JournaledStep extends StepRecord {
  /** Milliseconds since the step first started, by the store's clock. */
  readonly elapsedMs: number;
  readonly sealed: Uint8Array | null;
  readonly note: Json;
  readonly failure: Fault | null;
}

const fault: z.ZodType<Fault> = z.object({
  reason: z.string(),
  retryable: z.boolean(),
  effect: z.boolean(),
  detail: z.string(),
  task: z.string().exactOptional(),
  step: z.string().exactOptional(),
  exitCode: z.number().exactOptional(),
  logTail: z.string().exactOptional(),
  at: z.string().exactOptional(),
});

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
    note: z.json(),
    failure: fault.nullable(),
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
       note, failure, extract(epoch from store_now() - started_at) * 1000 as elapsed_ms
     from steps where run = $1 order by started_at, index`,
    [run],
  );
  return rows.map((it) => row.parse(it));
}

export interface StartedStep {
  readonly index: number;
  readonly name: string;
  readonly type: string;
  readonly readOnly: boolean;
}

export async function startStep(tx: Queryable, run: string, step: StartedStep): Promise<void> {
  await tx.query(
    `insert into steps (run, index, name, type, state, attempts, effect)
     values ($1, $2, $3, $4, 'started', 1, not $5::boolean)
     on conflict (run, name) do update set state = 'started', failure = null, ended_at = null, effect = excluded.effect,
       error = case when steps.state = 'waiting' then steps.error end,
       attempts = steps.attempts + case when steps.state = 'waiting' then 0 else 1 end`,
    [run, step.index, step.name, step.type, step.readOnly],
  );
}

/**
 * SQL: when a step was over. The engine's time counts, where it told one, unless our clock is behind
 * it, or was past it when the step began (E9).
 */
export const endedAt = (told: string): string =>
  `least(store_now(), greatest(started_at, coalesce(${told}::timestamptz, store_now())))`;

export interface EndedStep {
  readonly step: string;
  readonly sealed: Uint8Array;
  readonly names: readonly string[];
  /** By the engine's clock. */
  readonly completedAt?: string;
}

export async function skipStep(
  tx: Queryable,
  run: string,
  step: Omit<StartedStep, "readOnly">,
): Promise<void> {
  await tx.query(
    `insert into steps (run, index, name, type, state, effect, ended_at)
     values ($1, $2, $3, $4, 'skipped', false, store_now())
     on conflict (run, name) do update set state = 'skipped', ended_at = store_now()`,
    [run, step.index, step.name, step.type],
  );
}

/** @param error what is being stopped and why, where it is; for people */
export async function waitStep(
  tx: Queryable,
  run: string,
  step: string,
  error: string | null,
): Promise<void> {
  await tx.query(`update steps set state = 'waiting', error = $3 where run = $1 and name = $2`, [
    run,
    step,
    error,
  ]);
}

/** @param failure masked; `undefined`: nothing is known of it but its message */
export async function failStep(
  tx: Queryable,
  run: string,
  step: string,
  error: string,
  failure: Fault | undefined,
): Promise<void> {
  await tx.query(
    `update steps set state = 'failed', error = $3, failure = $4,
       ended_at = ${endedAt("($4::jsonb ->> 'at')")},
       effect = coalesce(($4::jsonb ->> 'effect')::boolean, effect) where run = $1 and name = $2`,
    [run, step, error, failure === undefined ? null : JSON.stringify(failure)],
  );
}

export async function noteStep(
  tx: Queryable,
  run: string,
  step: string,
  note: Json,
): Promise<void> {
  await tx.query(`update steps set note = $3 where run = $1 and name = $2`, [
    run,
    step,
    JSON.stringify(note),
  ]);
}

export interface LogLine {
  readonly id: string;
  readonly step: string;
  readonly at: string;
  readonly text: string;
}

const logRow = z.object({ id: z.coerce.string(), step: z.string(), at: time, text: z.string() });

/** Characters kept of a step, over all its attempts and looks. */
const logAtMost = 2_097_152;

/**
 * Fenced by itself, in one statement: a talkative step writes often. What goes beyond `atMost` is
 * dropped, and the log says so once.
 *
 * @param text masked already
 * @throws {LeaseLostError}
 */
export async function appendLog(
  db: Queryable,
  { run, target, token }: Pick<Claim, "run" | "target" | "token">,
  step: string,
  text: string,
  atMost = logAtMost,
): Promise<void> {
  const cut = `\n… log cut: this step has printed more than ${atMost} characters\n`;
  const { rows } = await db.query(
    `with fence as (
       select id from runs
       where id = $1 and token = $4 and state = 'running' and lease_expires_at > store_now()),
     room as (select log_size as used from steps where run = $1 and name = $2),
     counted as (
       update steps s set log_size = least(s.log_size + length($3), $5::int + 1) from fence
       where s.run = fence.id and s.name = $2 and s.log_size <= $5),
     written as (
       insert into step_logs (run, step, text)
       select fence.id, $2, case when coalesce(used, 0) + length($3) <= $5 then $3
         else left($3, $5 - used) || $6 end
       from fence left join room on true where coalesce(used, 0) <= $5)
     select id from fence`,
    [run, step, text, token.toString(), atMost, cut],
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

/** A page of them, of one step or of all. */
export async function pageOfLogs(
  db: Queryable,
  run: string,
  page: { readonly after: string; readonly step: string | undefined; readonly limit: number },
): Promise<LogLine[]> {
  const { rows } = await db.query(
    `select id, step, at, text from step_logs
     where run = $1 and id > $2 and ($3::text is null or step = $3) order by id limit $4`,
    [run, page.after, page.step, page.limit],
  );
  return rows.map((it) => logRow.parse(it));
}
