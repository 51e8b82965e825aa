/** What the loops tell of themselves → metrics. What they commit is counted from its events (E27). */
import type { DeliveryObserver } from "../controller/audit-sender.ts";
import type { Observer } from "../controller/controller.ts";
import type { Metrics } from "../server/metrics.ts";

export function observerOf(metrics: Metrics, onLooked: () => void): Observer {
  return {
    worked(outcome) {
      if (outcome === "lost") metrics.leaseLost();
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

export const deliveryObserverOf = (metrics: Metrics): DeliveryObserver => ({
  delivered: (count) => metrics.auditSent("delivered", count),
  quarantined: () => metrics.auditSent("quarantined", 1),
  putOff: () => metrics.auditSent("put-off", 1),
});
