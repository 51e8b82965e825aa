/** What the loops tell of themselves → metrics. */
import type { Observer } from "../controller/controller.ts";
import type { Metrics } from "../server/metrics.ts";

export function observerOf(metrics: Metrics, onLooked: () => void): Observer {
  return {
    worked({ run, outcome, durationMs, settled }) {
      if (outcome === "done")
        metrics.runEnded({ operation: run.operation, outcome: "succeeded", durationMs });
      if (outcome === "superseded")
        metrics.runEnded({ operation: run.operation, outcome, durationMs });
      if (outcome === "requeue" || outcome === "stalled") {
        metrics.runEnded({ operation: run.operation, outcome: "failed", durationMs });
      }
      if (settled !== undefined) metrics.resourceSettled(settled);
    },
    working: (count) => metrics.setActiveWorkers(count),
    fetched: (_, result) => metrics.fetched(result),
    passed(_, durationMs, result) {
      metrics.reconciled(result, durationMs);
      onLooked();
    },
    published: (_, result) => metrics.published(result),
  };
}
