/**
 * What of the audit trail is not delivered yet, and who may deliver it: one sender over all replicas,
 * fenced by a token, with its waits in the store, so that restarts forget nothing (E23, E24).
 */
import { z } from "zod";
import type { Scope } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { eventColumns, ofBundle, parseEvents, type RecordedEvent } from "./events.ts";
import { uid } from "./rows.ts";

/** The right to deliver, until its end. */
export interface Sending {
  readonly token: bigint;
  /** Deliveries in a row that nobody took. */
  readonly failures: number;
}

/** Costs one look into an index: whoever has nothing to deliver need not claim anything. */
export async function hasPending(db: Queryable): Promise<boolean> {
  const { rows } = await db.query(`select id from events where delivery = 'pending' limit 1`);
  return rows.length > 0;
}

const sendingRow = z.object({ token: z.coerce.bigint(), failures: z.number() });

/** @returns `undefined` while another process delivers, or before the time to try again */
export async function claimSending(
  db: Queryable,
  holder: string,
  leaseMs: number,
): Promise<Sending | undefined> {
  const { rows } = await db.query(
    `update audit_sender set holder = $1, token = token + 1,
       expires_at = store_now() + $2 * interval '1 ms'
     where expires_at <= store_now() and not_before <= store_now()
     returning token::text, failures`,
    [holder, leaseMs],
  );
  return rows[0] === undefined ? undefined : sendingRow.parse(rows[0]);
}

/** Before each request. @returns whether the right is still held */
export async function renewSending(
  db: Queryable,
  token: bigint,
  leaseMs: number,
): Promise<boolean> {
  const { rows } = await db.query(
    `update audit_sender set expires_at = store_now() + $2 * interval '1 ms'
     where token = $1 and expires_at > store_now() returning id`,
    [token.toString(), leaseMs],
  );
  return rows.length > 0;
}

export interface Pause {
  readonly failures: number;
  /** Until the next try. */
  readonly delayMs: number;
  /** What the sink said, for people. */
  readonly problem: string | null;
}

/** Gives the right back. After it was lost this changes nothing. */
export async function releaseSending(db: Queryable, token: bigint, pause: Pause): Promise<void> {
  await db.query(
    `update audit_sender set holder = null, expires_at = '-infinity', failures = $2, problem = $4,
       not_before = store_now() + $3::float8 * interval '1 ms' where token = $1`,
    [token.toString(), pause.failures, pause.delayMs, pause.problem],
  );
}

/** In the order written; what follows from another event comes after it. */
export async function pendingEvents(db: Queryable, limit: number): Promise<RecordedEvent[]> {
  const { rows } = await db.query(
    `select ${eventColumns} from events e left join bundles b on ${ofBundle}
     where e.delivery = 'pending' order by e.seq limit $1`,
    [limit],
  );
  return parseEvents(rows);
}

/** Changes nothing for a sender that is none any more: the next one delivers the same ids again. */
export async function markDelivered(
  db: Queryable,
  token: bigint,
  ids: readonly string[],
): Promise<void> {
  await db.query(
    `update events e set delivery = 'delivered' from audit_sender s
     where s.token = $1 and e.id = any($2) and e.delivery = 'pending'`,
    [token.toString(), ids],
  );
}

/** Kept with the sink's problem, and not sent again. */
export async function quarantine(
  db: Queryable,
  token: bigint,
  id: string,
  problem: string,
): Promise<void> {
  await db.query(
    `update events e set delivery = 'quarantined', problem = $3 from audit_sender s
     where s.token = $1 and e.id = $2 and e.delivery = 'pending'`,
    [token.toString(), id, problem],
  );
}

/** The ids of events that the sink refused, by their ends. */
export async function quarantinedIds(
  db: Queryable,
  { repository, environment }: Scope,
  end: string,
): Promise<readonly string[]> {
  const { rows } = await db.query(
    `select id from events where delivery = 'quarantined' and repository = $1 and environment = $2
       and right(id, length($3)) = $3 order by seq`,
    [repository, environment, end],
  );
  return rows.map((it) => idRow.parse(it).id);
}

const idRow = z.object({ id: z.string() });

/**
 * Pending again, in their old places: they are sent before what was written after them.
 *
 * @returns those that were quarantined, with the problem of each
 */
export async function resendQuarantined(
  tx: Queryable,
  ids: readonly string[],
): Promise<readonly Resent[]> {
  const { rows } = await tx.query(
    `with refused as materialized (
       select id, problem from events where id = any($1) and delivery = 'quarantined' for update)
     update events e set delivery = 'pending', problem = null from refused q where e.id = q.id
     returning e.id, e.type, e.uid, e.run, e.commit, e.correlation, q.problem`,
    [ids],
  );
  return rows.map((it) => resentRow.parse(it));
}

const resentRow = z.object({
  id: z.string(),
  type: z.string(),
  uid: uid.nullable(),
  run: z.string().nullable(),
  commit: z.string().nullable(),
  correlation: z.string().nullable(),
  problem: z.string().nullable(),
});

export type Resent = Readonly<z.output<typeof resentRow>>;

const figuresRow = z
  .object({
    pending: z.coerce.number(),
    quarantined: z.coerce.number(),
    oldest: z.coerce.number().nullable(),
    failures: z.number(),
    problem: z.string().nullable(),
  })
  .transform(({ oldest, ...it }) => ({ ...it, oldestMs: Math.max(0, oldest ?? 0) }));

/** E26: how much is not delivered, since when, and why not. */
export type OutboxFigures = z.output<typeof figuresRow>;

export async function outboxFigures(db: Queryable): Promise<OutboxFigures> {
  const { rows } = await db.query(
    `select (select count(*) from events where delivery = 'pending') as pending,
       (select count(*) from events where delivery = 'quarantined') as quarantined,
       (select extract(epoch from store_now() - at) * 1000 from events where delivery = 'pending'
        order by seq limit 1) as oldest,
       failures, problem from audit_sender`,
  );
  return figuresRow.parse(rows[0]);
}
