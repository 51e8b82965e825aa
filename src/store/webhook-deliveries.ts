/** Which webhook deliveries were taken already, over all replicas, for as long as forges send them again. */
import type { Queryable } from "./database.ts";

export interface WebhookDelivery {
  readonly forge: string;
  /** The forge's own. */
  readonly id: string;
  /** Of its body. */
  readonly digest: string;
}

/** GitHub offers the deliveries of the last three days to be sent again. */
const keptDays = 7;

/**
 * Takes a delivery. What is older than a week goes, some of it with every delivery that comes.
 *
 * @returns false: it was taken before, by its id or by what it says
 */
export async function takeDelivery(
  db: Queryable,
  { forge, id, digest }: WebhookDelivery,
): Promise<boolean> {
  const { rows } = await db.query(
    `with old as (
       delete from webhook_deliveries where (forge, id) in (
         select forge, id from webhook_deliveries
         where received_at < store_now() - $4 * interval '1 day'
         order by received_at limit 100 for update skip locked))
     insert into webhook_deliveries (forge, id, digest) values ($1, $2, $3)
     on conflict do nothing returning id`,
    [forge, id, digest, keptDays],
  );
  return rows.length > 0;
}
