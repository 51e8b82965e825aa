/**
 * How many runs of a provider are under way, over all workers. A slot is a row: who has it locked
 * decides alone, so that of any number of claims at one moment no more win than there are slots.
 */
import { z } from "zod";
import type { Queryable } from "./database.ts";

/** Makes what slots there are to be; none is ever taken away. */
export async function makeSlots(db: Queryable, provider: string, count: number): Promise<void> {
  await db.query(
    `insert into provider_slots (provider, slot) select $1, generate_series(1, $2::int)
     on conflict do nothing`,
    [provider, count],
  );
}

/**
 * SQL of two queries for a `with`: `taken` has a row when the run has a slot, a new one or its own.
 *
 * @param run, provider, count parameters, like `$1`
 */
export const takeSlot = (run: string, provider: string, count: string): string => `
  own_slot as (select slot from provider_slots where run = ${run} limit 1),
  free_slot as (
    select slot from provider_slots where provider = ${provider} and run is null
      and slot <= ${count} and not exists (select 1 from own_slot)
    order by slot limit 1 for update skip locked),
  new_slot as (
    update provider_slots s set run = ${run} from free_slot f
    where s.provider = ${provider} and s.slot = f.slot and s.run is null returning s.slot),
  taken as (select slot from own_slot union all select slot from new_slot)`;

const countRow = z.object({ count: z.coerce.number() });

/** Of one provider, over all workers. */
export async function runsUnderWay(db: Queryable, provider: string): Promise<number> {
  const { rows } = await db.query(
    `select count(*) as count from provider_slots where provider = $1 and run is not null`,
    [provider],
  );
  return countRow.parse(rows[0]).count;
}
