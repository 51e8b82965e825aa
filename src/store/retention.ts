/**
 * What of the audit trail may go: events that the sink has taken, and those that others sent, once they
 * are old enough. What is pending or quarantined has no copy elsewhere, and stays.
 */
import { z } from "zod";
import type { Queryable } from "./database.ts";

const row = z.object({ count: z.coerce.number() });

/** A batch of the oldest, so that no lock is held for long. @returns how many went */
export async function pruneDelivered(
  db: Queryable,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const { rows } = await db.query(
    `with gone as (
       delete from events where id in (
         select id from events where delivery = 'delivered'
           and at < (select store_now()) - $1::float8 * interval '1 ms'
         order by at limit $2 for update skip locked) returning id)
     select count(*) as count from gone`,
    [retentionMs, atMost],
  );
  return row.parse(rows[0]).count;
}

/** As `pruneDelivered`, of what others sent. */
export async function pruneReceived(
  db: Queryable,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const { rows } = await db.query(
    `with gone as (
       delete from received_events where event_id in (
         select event_id from received_events
         where received_at < (select store_now()) - $1::float8 * interval '1 ms'
         order by received_at limit $2 for update skip locked) returning event_id)
     select count(*) as count from gone`,
    [retentionMs, atMost],
  );
  return row.parse(rows[0]).count;
}
