/**
 * Delivers events in their order, at least once each. What the sink refuses is halved until a single
 * event is left, which is kept aside with the sink's problem, and the others go on (E24).
 */
import type { AuditEvent } from "../../model/audit.ts";
import type { SinkAnswer } from "./answer.ts";

/** What delivering needs of the store; each has happened when it returns. */
export interface Outbox {
  delivered(ids: readonly string[]): Promise<void>;
  quarantined(id: string, problem: string): Promise<void>;
}

export type Delivered =
  | { readonly kind: "done" }
  | Extract<SinkAnswer, { readonly kind: "unavailable" }>;

export const batchAtMost = 100;
const bytesAtMost = 1_048_576;

/** @param post what it throws is passed on: nobody knows then what arrived, and the same ids are sent again */
export async function deliver(
  events: readonly AuditEvent[],
  post: (body: string) => Promise<SinkAnswer>,
  outbox: Outbox,
): Promise<Delivered> {
  const [first] = events;
  if (first === undefined) return { kind: "done" };
  const body = JSON.stringify(events);
  const size = Buffer.byteLength(body);
  const answer: SinkAnswer =
    size <= bytesAtMost && events.length <= batchAtMost
      ? await post(body)
      : { kind: "refused", problem: `${size} bytes, where ${bytesAtMost} may be sent` };

  switch (answer.kind) {
    case "accepted":
      await outbox.delivered(events.map((it) => it.event_id));
      return { kind: "done" };
    case "unavailable":
      return answer;
    case "refused": {
      if (events.length === 1) {
        await outbox.quarantined(first.event_id, answer.problem);
        return { kind: "done" };
      }
      const middle = Math.ceil(events.length / 2);
      const before = await deliver(events.slice(0, middle), post, outbox);
      return before.kind === "done" ? deliver(events.slice(middle), post, outbox) : before;
    }
  }
}
