/**
 * What the controller counts, in Prometheus' form (anchors: base units, `_total`, bounded labels; no
 * commit, uid or pull request is ever a label). Counted once per committed transition (E27).
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { gateKinds, type Gate } from "../model/plan.ts";
import type { RunOperation } from "../model/run.ts";

const operations = ["create", "update", "delete"] as const satisfies readonly RunOperation[];
const runOutcomes = ["succeeded", "failed", "cancelled", "superseded"] as const;
const settledOutcomes = ["succeeded", "failed"] as const;
const reconcileResults = ["done", "requeue", "stalled"] as const;
const fetchResults = ["fetched", "unchanged", "failed"] as const;
const publicationResults = ["published", "unchanged", "refused", "failed"] as const;

export type RunOutcome = (typeof runOutcomes)[number];
export type SettledOutcome = (typeof settledOutcomes)[number];
export type ReconcileResult = (typeof reconcileResults)[number];
export type FetchResult = (typeof fetchResults)[number];
export type PublicationResult = (typeof publicationResults)[number];

/** What only the store knows; the same from every replica. */
export interface StoreFigures {
  readonly queueDepth: number;
  /** Age of the oldest queued run; 0 when none is queued. */
  readonly queueOldestMs: number;
  readonly resourcesByType: Readonly<Record<string, number>>;
  readonly heldByGate: Readonly<Partial<Record<Gate["kind"], number>>>;
}

/** Resource types come from providers' files; beyond so many, the rest is counted as `other`. */
const maxTypes = 100;

const runSeconds = [5, 10, 20, 40, 80, 160, 320, 640, 1_800, 3_600];
const settleSeconds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
const reconcileSeconds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 30, 60];

export class Metrics {
  readonly registry = new Registry();

  readonly #startedAt: number;
  readonly #now: () => Date;
  readonly #types = new Set<string>();

  readonly #uptime = this.#gauge("uptime_seconds", "Seconds since this process started.");
  readonly #activeWorkers = this.#gauge("active_workers", "Runs this process is working on.");
  readonly #queueDepth = this.#gauge("queue_depth", "Runs that wait for a worker.");
  readonly #queueOldest = this.#gauge("queue_oldest_seconds", "Age of the oldest queued run.");
  readonly #resources = this.#gauge("resources_total", "Recorded resources by type.", ["type"]);
  readonly #held = this.#gauge("held_resources", "Resources held back, by gate.", ["gate"]);

  readonly #requests = this.#counter("http_requests_total", "HTTP requests by route.", [
    "method",
    "path",
  ]);
  readonly #runs = this.#counter("workflow_runs_total", "Runs that ended.", [
    "operation",
    "outcome",
  ]);
  readonly #executed = this.#counter("workflows_executed_total", "Runs that started and ended.");
  readonly #succeeded = this.#counter("workflows_succeeded_total", "Runs that succeeded.");
  readonly #failed = this.#counter("workflows_failed_total", "Runs that failed.");
  readonly #reconciles = this.#counter("reconcile_total", "Passes over an environment.", [
    "result",
  ]);
  readonly #fetches = this.#counter("git_fetches_total", "Looks at a remote.", ["result"]);
  readonly #publications = this.#counter("publications_total", "Attempts to publish status.", [
    "result",
  ]);

  readonly #runTime = this.#histogram(
    "workflow_run_duration_seconds",
    "From a run's start to its end.",
    ["outcome"],
    runSeconds,
  );
  readonly #settleTime = this.#histogram(
    "commit_to_ready_seconds",
    "From first seeing a commit to a resource being as it asks.",
    ["type", "operation", "outcome"],
    settleSeconds,
  );
  readonly #reconcileTime = this.#histogram(
    "reconcile_time_seconds",
    "Time of one pass over an environment.",
    [],
    reconcileSeconds,
  );

  constructor({ version, now }: { version: string; now: () => Date }) {
    this.#now = now;
    this.#startedAt = now().getTime();
    this.#gauge("build_info", "Version of this process; always 1.", ["version"]).set(
      { version },
      1,
    );
    collectDefaultMetrics({ register: this.registry });
    this.#startAtZero();
  }

  /** `path` is the route's pattern, never what the client sent. */
  requestAnswered(method: string, path: string): void {
    this.#requests.inc({ method, path });
  }

  /** `durationMs` is `undefined` for a run that never started: it observes no duration (E27). */
  runEnded(run: {
    readonly operation: RunOperation;
    readonly outcome: RunOutcome;
    readonly durationMs: number | undefined;
  }): void {
    const { operation, outcome, durationMs } = run;
    this.#runs.inc({ operation, outcome });
    if (durationMs === undefined) return;
    this.#runTime.observe({ outcome }, durationMs / 1_000);
    this.#executed.inc();
    if (outcome === "succeeded") this.#succeeded.inc();
    if (outcome === "failed") this.#failed.inc();
  }

  /** A resource came to rest: as the commit asks, or stalled. */
  resourceSettled(resource: {
    readonly type: string;
    readonly operation: RunOperation;
    readonly outcome: SettledOutcome;
    readonly sinceCommitMs: number;
  }): void {
    const { operation, outcome, sinceCommitMs } = resource;
    const type = this.#bounded(resource.type);
    this.#settleTime.observe({ type, operation, outcome }, sinceCommitMs / 1_000);
  }

  reconciled(result: ReconcileResult, durationMs: number): void {
    this.#reconciles.inc({ result });
    this.#reconcileTime.observe(durationMs / 1_000);
  }

  fetched(result: FetchResult): void {
    this.#fetches.inc({ result });
  }

  published(result: PublicationResult): void {
    this.#publications.inc({ result });
  }

  setActiveWorkers(count: number): void {
    this.#activeWorkers.set(count);
  }

  /** `undefined`: the store did not answer; its figures are left out, rather than told as they were. */
  async render(figures: StoreFigures | undefined): Promise<string> {
    this.#uptime.set((this.#now().getTime() - this.#startedAt) / 1_000);
    this.#resources.reset();
    this.#held.reset();
    if (figures === undefined) {
      this.#queueDepth.remove();
      this.#queueOldest.remove();
      return this.registry.metrics();
    }
    this.#queueDepth.set(figures.queueDepth);
    this.#queueOldest.set(figures.queueOldestMs / 1_000);
    for (const gate of gateKinds) this.#held.set({ gate }, figures.heldByGate[gate] ?? 0);
    for (const [name, count] of Object.entries(figures.resourcesByType)) {
      this.#resources.inc({ type: this.#bounded(name) }, count);
    }
    return this.registry.metrics();
  }

  #bounded(type: string): string {
    if (this.#types.size < maxTypes) this.#types.add(type);
    return this.#types.has(type) ? type : "other";
  }

  /** A counter that appears only with its first event hides that event from `rate()`. */
  #startAtZero(): void {
    for (const operation of operations) {
      for (const outcome of runOutcomes) this.#runs.inc({ operation, outcome }, 0);
    }
    for (const result of reconcileResults) this.#reconciles.inc({ result }, 0);
    for (const result of fetchResults) this.#fetches.inc({ result }, 0);
    for (const result of publicationResults) this.#publications.inc({ result }, 0);
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    const registers = [this.registry];
    return new Counter<Label>({ name: `innominatus_${name}`, help, labelNames, registers });
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    const registers = [this.registry];
    return new Gauge<Label>({ name: `innominatus_${name}`, help, labelNames, registers });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ) {
    const registers = [this.registry];
    return new Histogram<Label>({
      name: `innominatus_${name}`,
      help,
      labelNames,
      buckets,
      registers,
    });
  }
}
