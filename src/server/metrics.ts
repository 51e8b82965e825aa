/**
 * What the controller counts, in Prometheus' form (anchors: base units, `_total`, bounded labels; no
 * commit, uid or pull request is ever a label). Counted once per committed transition (E27).
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { gateKinds, type Gate } from "../model/plan.ts";
import type { RunOperation } from "../model/run.ts";
import { waitReasons, type WaitReason } from "../model/wait.ts";
import type { RateBudget } from "../report/forge/forge.ts";
import { webhookForges, type WebhookForge } from "./webhook-signature.ts";
import { webhookResults, type WebhookResult } from "./webhooks.ts";

const operations = ["create", "update", "delete"] as const satisfies readonly RunOperation[];
const runOutcomes = ["succeeded", "failed", "cancelled", "superseded"] as const;
const settledOutcomes = ["succeeded", "failed"] as const;
const reconcileResults = ["done", "requeue", "stalled"] as const;
const fetchResults = ["fetched", "unchanged", "failed"] as const;
const auditResults = ["delivered", "quarantined", "put-off"] as const;
const lockStates = ["free", "held", "cooling"] as const;
const outboxStates = ["pending", "quarantined"] as const;
const creationResults = ["created", "adopted", "conflict"] as const;
const retryKinds = ["run", "step"] as const;
const publicationResults = ["published", "unchanged", "refused", "failed"] as const;

export type RunOutcome = (typeof runOutcomes)[number];
export type SettledOutcome = (typeof settledOutcomes)[number];
export type ReconcileResult = (typeof reconcileResults)[number];
export type FetchResult = (typeof fetchResults)[number];
export type AuditResult = (typeof auditResults)[number];
export type CreationResult = (typeof creationResults)[number];
export const isWaitReason = (text: unknown): text is WaitReason =>
  waitReasons.some((it) => it === text);
export type PublicationResult = (typeof publicationResults)[number];

/** What only the store knows; the same from every replica. */
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

/** Resource types come from providers' files; beyond so many, the rest is counted as `other`. */
const maxTypes = 100;

const runSeconds = [5, 10, 20, 40, 80, 160, 320, 640, 1_800, 3_600];
const waitSeconds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const settleSeconds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
const reconcileSeconds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 30, 60];

export class Metrics {
  readonly registry = new Registry();

  readonly #startedAt: number;
  readonly #now: () => Date;
  readonly #types = new Set<string>();
  #totalSeconds = 0;
  #ended = 0;

  readonly #uptime = this.#gauge("uptime_seconds", "Seconds since this process started.");
  readonly #activeWorkers = this.#gauge("active_workers", "Runs this process is working on.");
  readonly #queueDepth = this.#gauge("queue_depth", "Runs that wait for a worker.");
  readonly #queueOldest = this.#gauge("queue_oldest_seconds", "Age of the oldest queued run.");
  readonly #resources = this.#gauge("resources_total", "Recorded resources by type.", ["type"]);
  readonly #held = this.#gauge("held_resources", "Resources held back, by gate.", ["gate"]);

  readonly #locks = this.#gauge("locks", "Targets by the state of their lock.", ["state"]);
  readonly #outbox = this.#gauge(
    "audit_outbox_events",
    "Audit events that are not delivered: yet, or at all.",
    ["state"],
  );
  readonly #outboxOldest = this.#gauge(
    "audit_outbox_oldest_seconds",
    "Age of the oldest audit event that is not delivered yet.",
  );

  readonly #deliveries = this.#counter(
    "audit_events_sent_total",
    "Audit events by what the sink made of them; put-off counts requests.",
    ["result"],
  );
  readonly #takeovers = this.#counter(
    "lease_takeovers_total",
    "Runs taken over from a worker whose lease had ended.",
  );
  readonly #leaseLosses = this.#counter(
    "lease_losses_total",
    "Runs that this process stopped at because their lease was lost.",
  );
  readonly #retries = this.#counter(
    "retries_total",
    "Attempts beyond the first: of steps, and of runs that failed and are tried again.",
    ["kind"],
  );
  readonly #waits = this.#counter("run_waits_total", "Times that a run had to wait.", ["reason"]);
  readonly #creations = this.#counter(
    "pipelinerun_creations_total",
    "PipelineRuns by how they came to be ours.",
    ["result"],
  );
  readonly #errors = this.#counter("http_errors_total", "Answers of 400 and above, by route.", [
    "path",
  ]);
  readonly #webhooks = this.#counter("webhooks_total", "Deliveries of webhooks.", [
    "forge",
    "result",
  ]);
  readonly #rateLimit = this.#gauge(
    "forge_rate_limit",
    "Requests that a forge grants until its limit is set anew.",
    ["repository"],
  );
  readonly #rateRemaining = this.#gauge("forge_rate_remaining", "Requests that are left of them.", [
    "repository",
  ]);
  readonly #rateReset = this.#gauge(
    "forge_rate_reset_timestamp_seconds",
    "When the limit is set anew.",
    ["repository"],
  );
  readonly #queries = this.#counter("db_queries_total", "Statements sent to the database.");
  readonly #queryErrors = this.#counter("db_query_errors_total", "Statements that it refused.");
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
  readonly #meanTime = this.#gauge(
    "workflow_duration_seconds_avg",
    "Mean time of the runs that ended here, since this process started.",
  );
  readonly #waitTime = this.#histogram(
    "run_wait_seconds",
    "From a run's being queued to its first start, by what it waited for.",
    ["reason"],
    waitSeconds,
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
  requestAnswered(method: string, path: string, status: number): void {
    this.#requests.inc({ method, path });
    if (status >= 400) this.#errors.inc({ path });
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
    this.#totalSeconds += durationMs / 1_000;
    this.#ended += 1;
    this.#meanTime.set(this.#totalSeconds / this.#ended);
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

  auditSent(result: AuditResult, count: number): void {
    this.#deliveries.inc({ result }, count);
  }

  leaseTakenOver(): void {
    this.#takeovers.inc();
  }

  leaseLost(): void {
    this.#leaseLosses.inc();
  }

  retried(kind: (typeof retryKinds)[number], count: number): void {
    this.#retries.inc({ kind }, count);
  }

  runWaits(reason: WaitReason): void {
    this.#waits.inc({ reason });
  }

  /** @param reason `undefined`: for nothing but a worker */
  runWaited(reason: WaitReason | undefined, ms: number): void {
    this.#waitTime.observe({ reason: reason ?? "Worker" }, ms / 1_000);
  }

  pipelineRunMade(result: CreationResult): void {
    this.#creations.inc({ result });
  }

  webhookReceived(forge: WebhookForge, result: WebhookResult): void {
    this.#webhooks.inc({ forge, result });
  }

  /** As a configured repository's forge said last. */
  setForgeBudget(repository: string, budget: RateBudget): void {
    this.#rateLimit.set({ repository }, budget.limit);
    this.#rateRemaining.set({ repository }, budget.remaining);
    this.#rateReset.set({ repository }, budget.resetAtMs / 1_000);
  }

  queried(isError: boolean): void {
    this.#queries.inc();
    if (isError) this.#queryErrors.inc();
  }

  setActiveWorkers(count: number): void {
    this.#activeWorkers.set(count);
  }

  /** `undefined`: the store did not answer; its figures are left out, rather than told as they were. */
  async render(figures: StoreFigures | undefined): Promise<string> {
    this.#uptime.set((this.#now().getTime() - this.#startedAt) / 1_000);
    this.#resources.reset();
    this.#held.reset();
    this.#locks.reset();
    this.#outbox.reset();
    if (figures?.outbox === undefined) this.#outboxOldest.remove();
    if (figures === undefined) {
      this.#queueDepth.remove();
      this.#queueOldest.remove();
      return this.registry.metrics();
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
    for (const result of auditResults) this.#deliveries.inc({ result }, 0);
    for (const result of creationResults) this.#creations.inc({ result }, 0);
    for (const reason of waitReasons) this.#waits.inc({ reason }, 0);
    for (const kind of retryKinds) this.#retries.inc({ kind }, 0);
    for (const result of reconcileResults) this.#reconciles.inc({ result }, 0);
    for (const result of fetchResults) this.#fetches.inc({ result }, 0);
    for (const result of publicationResults) this.#publications.inc({ result }, 0);
    for (const forge of webhookForges) {
      for (const result of webhookResults) this.#webhooks.inc({ forge, result }, 0);
    }
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
