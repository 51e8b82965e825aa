/**
 * What the controller counts, in Prometheus' form (anchors: base units, `_total`, bounded labels; no
 * commit, uid or pull request is ever a label). Counted once per committed transition (E27).
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { RunOperation } from "../model/run.ts";
import { waitReasons, type WaitReason } from "../model/wait.ts";
import type { RateBudget } from "../report/forge/forge.ts";
import { instrumentsOn } from "./instruments.ts";
import { StoreGauges, type StoreFigures } from "./store-gauges.ts";
import { webhookForges, type WebhookForge } from "./webhook-signature.ts";
import { webhookResults, type WebhookResult } from "./webhooks.ts";

const operations = ["create", "update", "delete"] as const satisfies readonly RunOperation[];
const runOutcomes = ["succeeded", "failed", "cancelled", "superseded"] as const;
const settledOutcomes = ["succeeded", "failed"] as const;
const reconcileResults = ["done", "requeue", "stalled"] as const;
const fetchResults = ["fetched", "unchanged", "failed"] as const;
const auditResults = ["delivered", "quarantined", "put-off"] as const;
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

/** Resource types come from providers' files; beyond so many, the rest is counted as `other`. */
const maxTypes = 100;

const runSeconds = [5, 10, 20, 40, 80, 160, 320, 640, 1_800, 3_600];
const waitSeconds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const settleSeconds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
const reconcileSeconds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 30, 60];

export class Metrics {
  readonly registry = new Registry();
  readonly #make = instrumentsOn(this.registry);
  readonly #store = new StoreGauges(this.#make, (type) => this.#bounded(type));

  readonly #startedAt: number;
  readonly #now: () => Date;
  readonly #types = new Set<string>();
  #totalSeconds = 0;
  #ended = 0;

  readonly #uptime = this.#make.gauge("uptime_seconds", "Seconds since this process started.");
  readonly #activeWorkers = this.#make.gauge("active_workers", "Runs this process is working on.");
  readonly #deliveries = this.#make.counter(
    "audit_events_sent_total",
    "Audit events by what the sink made of them; put-off counts requests.",
    ["result"],
  );
  readonly #takeovers = this.#make.counter(
    "lease_takeovers_total",
    "Runs taken over from a worker whose lease had ended.",
  );
  readonly #leaseLosses = this.#make.counter(
    "lease_losses_total",
    "Runs that this process stopped at because their lease was lost.",
  );
  readonly #retries = this.#make.counter(
    "retries_total",
    "Attempts beyond the first: of steps, and of runs that failed and are tried again.",
    ["kind"],
  );
  readonly #waits = this.#make.counter("run_waits_total", "Times that a run had to wait.", [
    "reason",
  ]);
  readonly #creations = this.#make.counter(
    "pipelinerun_creations_total",
    "PipelineRuns by how they came to be ours.",
    ["result"],
  );
  readonly #errors = this.#make.counter(
    "http_errors_total",
    "Answers of 400 and above, by route.",
    ["path"],
  );
  readonly #webhooks = this.#make.counter("webhooks_total", "Deliveries of webhooks.", [
    "forge",
    "result",
  ]);
  readonly #rateLimit = this.#make.gauge(
    "forge_rate_limit",
    "Requests that a forge grants until its limit is set anew.",
    ["repository"],
  );
  readonly #rateRemaining = this.#make.gauge(
    "forge_rate_remaining",
    "Requests that are left of them.",
    ["repository"],
  );
  readonly #rateReset = this.#make.gauge(
    "forge_rate_reset_timestamp_seconds",
    "When the limit is set anew.",
    ["repository"],
  );
  readonly #queries = this.#make.counter("db_queries_total", "Statements sent to the database.");
  readonly #queryErrors = this.#make.counter(
    "db_query_errors_total",
    "Statements that it refused.",
  );
  readonly #requests = this.#make.counter("http_requests_total", "HTTP requests by route.", [
    "method",
    "path",
  ]);
  readonly #runs = this.#make.counter("workflow_runs_total", "Runs that ended.", [
    "operation",
    "outcome",
  ]);
  readonly #executed = this.#make.counter(
    "workflows_executed_total",
    "Runs that started and ended.",
  );
  readonly #succeeded = this.#make.counter("workflows_succeeded_total", "Runs that succeeded.");
  readonly #failed = this.#make.counter("workflows_failed_total", "Runs that failed.");
  readonly #reconciles = this.#make.counter("reconcile_total", "Passes over an environment.", [
    "result",
  ]);
  readonly #fetches = this.#make.counter("git_fetches_total", "Looks at a remote.", ["result"]);
  readonly #publications = this.#make.counter("publications_total", "Attempts to publish status.", [
    "result",
  ]);

  readonly #runTime = this.#make.histogram(
    "workflow_run_duration_seconds",
    "From a run's start to its end.",
    ["outcome"],
    runSeconds,
  );
  readonly #meanTime = this.#make.gauge(
    "workflow_duration_seconds_avg",
    "Mean time of the runs that ended here, since this process started.",
  );
  readonly #waitTime = this.#make.histogram(
    "run_wait_seconds",
    "From a run's being queued to its first start, by what it waited for.",
    ["reason"],
    waitSeconds,
  );
  readonly #settleTime = this.#make.histogram(
    "commit_to_ready_seconds",
    "From first seeing a commit to a resource being as it asks.",
    ["type", "operation", "outcome"],
    settleSeconds,
  );
  readonly #reconcileTime = this.#make.histogram(
    "reconcile_time_seconds",
    "Time of one pass over an environment.",
    [],
    reconcileSeconds,
  );

  constructor({ version, now }: { version: string; now: () => Date }) {
    this.#now = now;
    this.#startedAt = now().getTime();
    this.#make
      .gauge("build_info", "Version of this process; always 1.", ["version"])
      .set({ version }, 1);
    // Its default wakes an idle process a hundred times a second.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
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
    this.#store.show(figures);
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
}
