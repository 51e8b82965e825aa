/** What only the store knows, as gauges: the same from every replica, read when somebody asks. */
import type { Gauge } from "prom-client";
import { gateKinds, type Gate } from "../model/plan.ts";
import type { Instruments } from "./instruments.ts";

const lockStates = ["free", "held", "cooling"] as const;
const outboxStates = ["pending", "quarantined"] as const;

export interface StoreFigures {
  readonly queueDepth: number;
  /** Age of the oldest queued run; 0 when none is queued. */
  readonly queueOldestMs: number;
  readonly resourcesByType: Readonly<Record<string, number>>;
  readonly heldByGate: Readonly<Partial<Record<Gate["kind"], number>>>;
  readonly locks: Readonly<Record<(typeof lockStates)[number], number>>;
  /** `undefined`: the audit trail is delivered nowhere. */
  readonly outbox:
    | { readonly pending: number; readonly quarantined: number; readonly oldestMs: number }
    | undefined;
}

export class StoreGauges {
  readonly #bounded: (type: string) => string;

  readonly #queueDepth: Gauge<never>;
  readonly #queueOldest: Gauge<never>;
  readonly #resources: Gauge<"type">;
  readonly #held: Gauge<"gate">;
  readonly #locks: Gauge<"state">;
  readonly #outbox: Gauge<"state">;
  readonly #outboxOldest: Gauge<never>;

  /** @param bounded the label that a resource type is counted under */
  constructor(make: Instruments, bounded: (type: string) => string) {
    this.#bounded = bounded;
    this.#queueDepth = make.gauge("queue_depth", "Runs that wait for a worker.");
    this.#queueOldest = make.gauge("queue_oldest_seconds", "Age of the oldest queued run.");
    this.#resources = make.gauge("resources_total", "Recorded resources by type.", ["type"]);
    this.#held = make.gauge("held_resources", "Resources held back, by gate.", ["gate"]);
    this.#locks = make.gauge("locks", "Targets by the state of their lock.", ["state"]);
    this.#outbox = make.gauge(
      "audit_outbox_events",
      "Audit events that are not delivered: yet, or at all.",
      ["state"],
    );
    this.#outboxOldest = make.gauge(
      "audit_outbox_oldest_seconds",
      "Age of the oldest audit event that is not delivered yet.",
    );
  }

  /** `undefined`: the store did not answer; its figures are left out, rather than told as they were. */
  show(figures: StoreFigures | undefined): void {
    this.#resources.reset();
    this.#held.reset();
    this.#locks.reset();
    this.#outbox.reset();
    if (figures?.outbox === undefined) this.#outboxOldest.remove();
    if (figures === undefined) {
      this.#queueDepth.remove();
      this.#queueOldest.remove();
      return;
    }
    this.#queueDepth.set(figures.queueDepth);
    this.#queueOldest.set(figures.queueOldestMs / 1_000);
    for (const gate of gateKinds) this.#held.set({ gate }, figures.heldByGate[gate] ?? 0);
    for (const state of lockStates) this.#locks.set({ state }, figures.locks[state]);
    if (figures.outbox !== undefined) {
      for (const state of outboxStates) this.#outbox.set({ state }, figures.outbox[state]);
      this.#outboxOldest.set(figures.outbox.oldestMs / 1_000);
    }
    for (const [name, count] of Object.entries(figures.resourcesByType)) {
      this.#resources.inc({ type: this.#bounded(name) }, count);
    }
  }
}
