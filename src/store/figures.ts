/** What metrics tell of the record: the same from every replica. */
import { z } from "zod";
import { gateKinds } from "../model/plan.ts";
import type { Queryable } from "./database.ts";
import { outboxFigures, type OutboxFigures } from "./outbox.ts";

const queueRow = z.object({ depth: z.coerce.number(), oldest: z.coerce.number().nullable() });
const typeRow = z.object({ type: z.string(), count: z.coerce.number() });
const gateRow = z.object({ gate: z.enum(gateKinds), count: z.coerce.number() });

const lockRow = z.object({
  free: z.coerce.number(),
  held: z.coerce.number(),
  cooling: z.coerce.number(),
});

export interface Figures {
  readonly queueDepth: number;
  readonly queueOldestMs: number;
  readonly resourcesByType: Readonly<Record<string, number>>;
  readonly heldByGate: Readonly<Partial<Record<(typeof gateKinds)[number], number>>>;
  readonly locks: z.output<typeof lockRow>;
  readonly outbox: OutboxFigures | undefined;
}

/** @param hasSink whether the audit trail is delivered anywhere: without, nothing waits for it */
export async function storeFigures(db: Queryable, hasSink: boolean): Promise<Figures> {
  const queue = await db.query(
    `select count(*) as depth, extract(epoch from store_now() - min(queued_at)) * 1000 as oldest
     from runs where state = 'queued'`,
  );
  const types = await db.query(
    `select type, count(*) as count from resources where phase <> 'deleted' group by type`,
  );
  const gates = await db.query(
    `select gate ->> 'kind' as gate, count(*) as count from resources
     where gate is not null and phase <> 'deleted' group by 1`,
  );
  const locks = await db.query(
    `select count(*) filter (where run is not null) as held,
       count(*) filter (where run is null and until > store_now()) as cooling,
       count(*) filter (where run is null and coalesce(until <= store_now(), true)) as free
     from locks`,
  );
  const { depth, oldest } = queueRow.parse(queue.rows[0]);
  const byType = types.rows.map((it) => typeRow.parse(it));
  const byGate = gates.rows.map((it) => gateRow.parse(it));
  return {
    queueDepth: depth,
    queueOldestMs: oldest ?? 0,
    resourcesByType: Object.fromEntries(byType.map((it) => [it.type, it.count])),
    heldByGate: Object.fromEntries(byGate.map((it) => [it.gate, it.count])),
    locks: lockRow.parse(locks.rows[0]),
    outbox: hasSink ? await outboxFigures(db) : undefined,
  };
}
