import { beforeEach, describe, expect, it } from "vitest";
import { Metrics } from "./metrics.ts";
import type { StoreFigures } from "./store-gauges.ts";

const figures: StoreFigures = {
  queueDepth: 3,
  queueOldestMs: 1_500,
  resourcesByType: { postgres: 2, route: 1 },
  heldByGate: { grace: 4 },
  locks: { free: 9, held: 2, cooling: 1 },
  outbox: { pending: 5, quarantined: 1, oldestMs: 90_000 },
};

let now: Date;
let metrics: Metrics;
beforeEach(() => {
  now = new Date("2026-01-01T00:00:00Z");
  metrics = new Metrics({ version: "1.2.3", now: () => now });
});

const lines = async (given?: StoreFigures) =>
  (await metrics.render(given)).split("\n").filter((line) => line.startsWith("innominatus_"));

describe("metrics", () => {
  it("has every name that dashboards read", async () => {
    const text = await metrics.render(figures);
    const names = [
      "build_info",
      "uptime_seconds",
      "http_requests_total",
      "resources_total",
      "workflows_executed_total",
      "workflows_succeeded_total",
      "workflows_failed_total",
      "workflow_runs_total",
      "workflow_run_duration_seconds",
      "commit_to_ready_seconds",
      "reconcile_total",
      "reconcile_time_seconds",
      "queue_depth",
      "queue_oldest_seconds",
      "active_workers",
      "git_fetches_total",
      "publications_total",
      "held_resources",
      "locks",
      "audit_outbox_events",
      "audit_outbox_oldest_seconds",
      "audit_events_sent_total",
      "lease_takeovers_total",
      "lease_losses_total",
      "retries_total",
      "run_waits_total",
      "run_wait_seconds",
      "pipelinerun_creations_total",
      "http_errors_total",
      "workflow_duration_seconds_avg",
      "db_queries_total",
      "db_query_errors_total",
    ];
    for (const name of names) expect(text).toContain(`# TYPE innominatus_${name} `);
    expect(text).toContain("process_cpu_seconds_total");
  });

  it("tells the version and the seconds since the start", async () => {
    now = new Date("2026-01-01T00:01:30Z");
    const told = await lines();
    expect(told).toContain('innominatus_build_info{version="1.2.3"} 1');
    expect(told).toContain("innominatus_uptime_seconds 90");
  });

  it("tells what the store says, in seconds, with a zero for each gate that holds nothing", async () => {
    const told = await lines(figures);
    expect(told).toContain("innominatus_queue_depth 3");
    expect(told).toContain("innominatus_queue_oldest_seconds 1.5");
    expect(told).toContain('innominatus_resources_total{type="postgres"} 2');
    expect(told).toContain('innominatus_held_resources{gate="grace"} 4');
    expect(told).toContain('innominatus_held_resources{gate="budget"} 0');
  });

  it("E26: tells how much of the audit trail is not delivered, and since when", async () => {
    const told = await lines(figures);
    expect(told).toContain('innominatus_audit_outbox_events{state="pending"} 5');
    expect(told).toContain('innominatus_audit_outbox_events{state="quarantined"} 1');
    expect(told).toContain("innominatus_audit_outbox_oldest_seconds 90");
    expect(told).toContain('innominatus_locks{state="cooling"} 1');
    const without = await lines({ ...figures, outbox: undefined });
    expect(without.join("\n")).not.toContain("audit_outbox");
  });

  it("forgets a type that has no resources any more", async () => {
    await lines(figures);
    const told = await lines({ ...figures, resourcesByType: { route: 1 } });
    expect(told.join("\n")).not.toContain("postgres");
  });

  it("leaves out the store's figures rather than repeat old ones", async () => {
    await lines(figures);
    const told = (await lines(undefined)).join("\n");
    expect(told).not.toMatch(/queue_depth|queue_oldest|resources_total|held_resources/);
  });

  it("has a zero for every outcome before the first event, so that rates see it", async () => {
    const told = await lines();
    expect(told).toContain(
      'innominatus_workflow_runs_total{operation="delete",outcome="failed"} 0',
    );
    expect(told).toContain('innominatus_publications_total{result="refused"} 0');
    expect(told).toContain('innominatus_git_fetches_total{result="failed"} 0');
    expect(told).toContain('innominatus_reconcile_total{result="stalled"} 0');
  });

  it("counts a run under our name and under upstream's", async () => {
    metrics.runEnded({ operation: "create", outcome: "succeeded", durationMs: 7_000 });
    metrics.runEnded({ operation: "delete", outcome: "failed", durationMs: 1_000 });
    const told = await lines();
    expect(told).toContain(
      'innominatus_workflow_runs_total{operation="create",outcome="succeeded"} 1',
    );
    expect(told).toContain("innominatus_workflows_executed_total 2");
    expect(told).toContain("innominatus_workflows_succeeded_total 1");
    expect(told).toContain("innominatus_workflows_failed_total 1");
    expect(told).toContain(
      'innominatus_workflow_run_duration_seconds_bucket{le="10",outcome="succeeded"} 1',
    );
  });

  it("E27: a run that never started observes no duration", async () => {
    metrics.runEnded({ operation: "create", outcome: "superseded", durationMs: undefined });
    const told = await lines();
    expect(told).toContain(
      'innominatus_workflow_runs_total{operation="create",outcome="superseded"} 1',
    );
    expect(told).toContain("innominatus_workflows_executed_total 0");
    expect(told.join("\n")).not.toContain("run_duration_seconds_count");
  });

  it("counts requests, passes, fetches, publications and workers", async () => {
    metrics.requestAnswered("GET", "/healthz", 200);
    metrics.requestAnswered("GET", "other", 404);
    metrics.reconciled("done", 20);
    metrics.fetched("unchanged");
    metrics.published("published");
    metrics.setActiveWorkers(2);
    const told = await lines();
    expect(told).toContain('innominatus_http_requests_total{method="GET",path="/healthz"} 1');
    expect(told).toContain('innominatus_http_errors_total{path="other"} 1');
    expect(told.join("\n")).not.toContain('http_errors_total{path="/healthz"}');
    expect(told).toContain('innominatus_reconcile_total{result="done"} 1');
    expect(told).toContain("innominatus_reconcile_time_seconds_sum 0.02");
    expect(told).toContain('innominatus_git_fetches_total{result="unchanged"} 1');
    expect(told).toContain('innominatus_publications_total{result="published"} 1');
    expect(told).toContain("innominatus_active_workers 2");
  });

  it("bounds the label that people's files choose, and loses no count", async () => {
    const resourcesByType = Object.fromEntries(
      Array.from({ length: 150 }, (_, index) => [`type-${index}`, 1]),
    );
    const told = await lines({ ...figures, resourcesByType });
    expect(told.filter((line) => line.startsWith("innominatus_resources_total"))).toHaveLength(101);
    expect(told).toContain('innominatus_resources_total{type="other"} 50');

    metrics.resourceSettled({
      type: "type-149",
      operation: "create",
      outcome: "succeeded",
      sinceCommitMs: 300,
    });
    expect((await lines()).join("\n")).toContain(
      'innominatus_commit_to_ready_seconds_count{type="other",operation="create",outcome="succeeded"} 1',
    );
  });
});
