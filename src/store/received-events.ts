/** Audit events that others sent here, each once (E25). */
import type { JsonRecord } from "../model/json.ts";
import type { Queryable } from "./database.ts";

export interface ReceivedEvent {
  readonly id: string;
  /** As it was sent. */
  readonly event: JsonRecord;
}

/** All in one statement; what was received before stays as it is. @param sender for people */
export async function saveReceived(
  db: Queryable,
  sender: string,
  events: readonly ReceivedEvent[],
): Promise<void> {
  await db.query(
    `insert into received_events (event_id, sender, event)
     select e.id, $1, e.event from jsonb_to_recordset($2) as e(id text, event jsonb)
     on conflict (event_id) do nothing`,
    [sender, JSON.stringify(events)],
  );
}
