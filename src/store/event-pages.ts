/** Pages of the audit trail over all environments, backwards for lists and forwards for streams. */
import { z } from "zod";
import type { Queryable } from "./database.ts";
import { jsonRecord, time } from "./rows.ts";

const row = z.object({
  seq: z.coerce.string(),
  id: z.string(),
  at: time,
  type: z.string(),
  actor: z.string(),
  repository: z.string(),
  environment: z.string(),
  uid: z.string().nullable(),
  run: z.string().nullable(),
  commit: z.string().nullable(),
  data: jsonRecord,
});

export type ListedEvent = Readonly<z.output<typeof row>>;

export interface ListedEventFilter {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
  readonly workload?: string | undefined;
  readonly type?: string | undefined;
  readonly uid?: string | undefined;
  /** `null`: all of them, those of no resource too. */
  readonly workloads: readonly string[] | null;
  /** Events about users, which are of no environment, are an administrator's. */
  readonly ofUsers: boolean;
}

const select = `select e.seq, e.id, e.at, e.type, e.actor, e.repository, e.environment, e.uid, e.run,
    e.commit, e.data
  from events e left join resources r on r.repository = e.repository
    and r.environment = e.environment and r.uid = e.uid
  where ($1::text is null or e.repository = $1) and ($2::text is null or e.environment = $2)
    and ($3::text is null or r.workload = $3 or e.data ->> 'workload' = $3)
    and ($4::text is null or e.type = $4) and ($5::text is null or e.uid = $5)
    and ($6::text[] is null or coalesce(r.workload, e.data ->> 'workload') like any ($6))
    and ($7::boolean or e.repository <> '')`;

const values = (it: ListedEventFilter): unknown[] => [
  it.repository,
  it.environment,
  it.workload,
  it.type,
  it.uid,
  it.workloads,
  it.ofUsers,
];

/** Newest first. */
export async function pageOfEvents(
  db: Queryable,
  filter: ListedEventFilter,
  before: string | undefined,
  limit: number,
): Promise<ListedEvent[]> {
  const { rows } = await db.query(
    `${select} and ($8::bigint is null or e.seq < $8) order by e.seq desc limit $9`,
    [...values(filter), before, limit],
  );
  return rows.map((it) => row.parse(it));
}

/** Oldest first, after `seq`. */
export async function eventsAfter(
  db: Queryable,
  filter: ListedEventFilter,
  seq: string,
  limit: number,
): Promise<ListedEvent[]> {
  const { rows } = await db.query(`${select} and e.seq > $8 order by e.seq limit $9`, [
    ...values(filter),
    seq,
    limit,
  ]);
  return rows.map((it) => row.parse(it));
}

const lastRow = z.object({ seq: z.coerce.string().nullable() });

/** Of the event that was written last; `0` before there is one. */
export async function lastEvent(db: Queryable): Promise<string> {
  const { rows } = await db.query(`select max(seq) as seq from events`);
  const { seq } = lastRow.parse(rows[0]);
  return seq ?? "0";
}
