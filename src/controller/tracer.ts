/**
 * Committed events → spans. A run's spans are made from its record once it has ended, so that a run
 * which several replicas performed, or which was killed in between, is one span with all its steps.
 */
import type { Logger } from "pino";
import type { Clock } from "../model/clock.ts";
import type { SpanExport } from "../report/trace/otlp.ts";
import { endsRun, planSpans, runSpans } from "../report/trace/spans.ts";
import type { Queryable } from "../store/database.ts";
import type { RecordedEvent } from "../store/events.ts";
import { listSteps } from "../store/steps.ts";

export interface Tracer {
  /** Returns at once: what has to be read is read later, and holds nobody up. */
  tell(events: readonly RecordedEvent[]): void;
  /** Resolves when all that was told is sent, or after 5 s: a collector that is away holds nobody up. */
  close(): Promise<void>;
}

const closeMs = 5_000;

/** Plans whose spans were written, so that each is written once by this process. */
const plansRemembered = 10_000;

export function openTracer(
  db: Queryable,
  spans: SpanExport,
  clock: Clock,
  log: Pick<Logger, "warn">,
): Tracer {
  const plans = new Set<string>();
  let last: Promise<void> = Promise.resolve();

  const trace = async (event: RecordedEvent): Promise<void> => {
    const { type, correlation, run } = event;
    const decides = type === "CommitPlanned" || type === "RunQueued";
    if (decides && correlation !== null && !plans.has(correlation)) {
      if (plans.size >= plansRemembered) plans.clear();
      plans.add(correlation);
      spans.write(planSpans(event));
    }
    if (run !== null && endsRun(event)) spans.write(runSpans(event, await listSteps(db, run)));
  };
  const traceAll = async (events: readonly RecordedEvent[]): Promise<void> => {
    try {
      for (const event of events) await trace(event);
    } catch (error) {
      log.warn({ err: error }, "tracing");
    }
  };
  return {
    tell(events) {
      last = last.then(() => traceAll(events));
    },
    async close() {
      const sent = new AbortController();
      const sending = last
        .then(() => spans.close())
        .catch((error: unknown) => log.warn({ err: error }, "sending spans"))
        .finally(() => sent.abort());
      await Promise.race([sending, clock.sleep(closeMs, sent.signal).catch(() => undefined)]);
    },
  };
}
