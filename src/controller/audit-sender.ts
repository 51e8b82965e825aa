/**
 * Delivers the audit trail to a configured sink, in a loop of its own, so that a dead sink delays no
 * run (E26). One replica delivers at a time; how long to wait is in the store, and holds for all.
 */
import { toAuditEvent } from "../model/audit.ts";
import type { Random } from "../model/clock.ts";
import { spread } from "../model/clock.ts";
import { batchAtMost, deliver } from "../report/audit/deliver.ts";
import type { PostEvents } from "../report/audit/sink.ts";
import type { Database } from "../store/database.ts";
import {
  claimSending,
  hasPending,
  markDelivered,
  pendingEvents,
  quarantine,
  releaseSending,
  renewSending,
  type Pause,
} from "../store/outbox.ts";
import type { Services } from "./services.ts";

export interface SenderOptions {
  readonly post: PostEvents;
  readonly intervalMs: number;
  readonly observe: DeliveryObserver;
}

export interface DeliveryObserver {
  delivered(count: number): void;
  quarantined(): void;
  /** The sink took nothing: it is asked again later. */
  putOff(): void;
}

/** Much longer than one request may take. */
const leaseMs = 30_000;
const baseMs = 1_000;
const capMs = 300_000;

/** @returns when `stop` is aborted */
export async function sendAudit(
  services: Pick<Services, "db" | "clock" | "random" | "log" | "holder">,
  options: SenderOptions,
  stop: AbortSignal,
): Promise<void> {
  const { clock, log } = services;
  let told: string | null = null;
  while (!stop.aborted) {
    try {
      const pause = await sendPending(services, options, stop);
      if (pause !== undefined && pause.problem !== told) {
        told = pause.problem;
        if (told === null) log.info("audit events are delivered again");
        else log.warn({ problem: told }, "audit events are not delivered, and kept");
      }
    } catch (error) {
      if (!stop.aborted) log.error({ err: error }, "delivering audit events");
    }
    await clock.sleep(options.intervalMs, stop).catch(() => undefined);
  }
}

/**
 * Delivers all there is, or as much as the sink takes.
 *
 * @returns `undefined` where there was nothing to do, or another process is at it
 */
export async function sendPending(
  {
    db,
    holder,
    random,
  }: { readonly db: Database; readonly holder: string; readonly random: Random },
  { post, observe }: Pick<SenderOptions, "post" | "observe">,
  stop: AbortSignal,
): Promise<Pause | undefined> {
  if (!(await hasPending(db))) return undefined;
  const sending = await claimSending(db, holder, leaseMs);
  if (sending === undefined) return undefined;
  const { token } = sending;
  let { failures } = sending;
  const outbox = {
    async delivered(ids: readonly string[]) {
      await markDelivered(db, token, ids);
      failures = 0;
      observe.delivered(ids.length);
    },
    async quarantined(id: string, problem: string) {
      await quarantine(db, token, id, problem);
      observe.quarantined();
    },
  };
  const postHeld = async (body: string) => {
    stop.throwIfAborted();
    if (!(await renewSending(db, token, leaseMs))) throw new Error("another process delivers now");
    return post(body, stop);
  };

  let pause: Pause = { failures, delayMs: 0, problem: null };
  try {
    for (;;) {
      const events = await pendingEvents(db, batchAtMost);
      if (events.length === 0) {
        pause = { failures: 0, delayMs: 0, problem: null };
        return pause;
      }
      const answer = await deliver(events.map(toAuditEvent), postHeld, outbox);
      if (answer.kind === "done") continue;
      observe.putOff();
      failures += 1;
      const delayMs = answer.retryAfterMs ?? backoffMs(failures, random);
      pause = { failures, delayMs, problem: answer.problem };
      return pause;
    }
  } finally {
    await releaseSending(db, token, pause);
  }
}

/** 1 s, 2 s, 4 s, … up to 5 min, spread by ±10 % within these bounds. */
function backoffMs(failures: number, random: Random): number {
  const ms = spread(baseMs * 2 ** Math.min(failures - 1, 20), 0.1, random);
  return Math.min(Math.max(ms, baseMs), capMs);
}
