/** The audit trail: what was decided and done, by whom, for which commit. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { newId } from "./ids.ts";
import { jsonRecord, time } from "./rows.ts";

export interface Fact extends Scope {
  /** CamelCase, past tense: `RunStarted`, `PlanApproved`. */
  readonly type: string;
  readonly actor: string;
  readonly uid?: Uid;
  readonly run?: string;
  readonly commit?: string;
  /** One per plan: its hash. */
  readonly correlation?: string;
  readonly data?: JsonRecord;
}

/** In the transaction of the fact itself (E22). */
export async function appendEvents(
  tx: Queryable,
  facts: readonly Fact[],
  nowMs: number,
): Promise<void> {
  if (facts.length === 0) return;
  const rows = facts.map((it) => ({ ...it, id: newId(nowMs), data: it.data ?? {} }));
  await tx.query(
    `insert into events (id, repository, environment, type, actor, uid, run, commit, correlation, data)
     select id, repository, environment, type, actor, uid, run, commit, correlation, data
     from jsonb_to_recordset($1) as e(id text, repository text, environment text, type text,
       actor text, uid text, run text, commit text, correlation text, data jsonb)`,
    [JSON.stringify(rows)],
  );
}

const row = z.object({
  id: z.string(),
  at: time,
  type: z.string(),
  actor: z.string(),
  uid: z.string().nullable(),
  run: z.string().nullable(),
  commit: z.string().nullable(),
  data: jsonRecord,
});

export type RecordedEvent = z.output<typeof row>;

/** Newest first. */
export async function listEvents(
  db: Queryable,
  { repository, environment }: Scope,
  filter: { readonly uid?: Uid; readonly limit: number },
): Promise<RecordedEvent[]> {
  const { rows } = await db.query(
    `select id, at, type, actor, uid, run, commit, data from events
     where repository = $1 and environment = $2 and ($3::text is null or uid = $3)
     order by id desc limit $4`,
    [repository, environment, filter.uid ?? null, filter.limit],
  );
  return rows.map((it) => row.parse(it));
}
