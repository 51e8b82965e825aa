import { describe, expect, it } from "vitest";
import { auditName, namesOf, toAuditEvent, type AuditSource } from "./audit.ts";

describe("names of events", () => {
  it.each([
    ["RunQueued", "innominatus.run.selected", "pending"],
    ["RunStarted", "innominatus.run.started", "pending"],
    ["RunCompleted", "innominatus.run.completed", "success"],
    ["RunFailed", "innominatus.run.failed", "failure"],
    ["RunSuperseded", "innominatus.run.superseded", "pending"],
    ["RunCancelled", "innominatus.run.cancelled", "success"],
    ["CancelRequested", "innominatus.run.cancelling", "pending"],
    ["CooldownActive", "innominatus.run.skipped", "pending"],
    ["BackoffActive", "innominatus.run.skipped", "pending"],
    ["LockReleased", "innominatus.lock.released", "success"],
    ["BlockCleared", "innominatus.block.cleared", "success"],
    ["LeaseLost", "innominatus.lease.lost", "failure"],
    ["PhaseTransition", "innominatus.phase.transition", "pending"],
    ["PipelineRunCreated", "innominatus.pipeline_run.created", "success"],
    ["CleanupFailed", "innominatus.cleanup.failed", "failure"],
    ["PlanApproved", "innominatus.plan.approved", "success"],
    ["SecretRead", "innominatus.secret.read", "success"],
  ])("%s is %s, %s", (type, eventType, outcome) => {
    expect(auditName(type)).toMatchObject({ eventType, outcome });
    expect(namesOf(eventType)).toContain(type);
    expect(namesOf(eventType.replace("innominatus.", ""))).toContain(type);
    expect(namesOf(type)).toEqual([type]);
  });

  it("are several where the other name says less", () => {
    expect(namesOf("run.skipped").toSorted()).toEqual([
      "BackoffActive",
      "CooldownActive",
      "RunSkipped",
    ]);
    expect(namesOf("no.such")).toEqual(["NoSuch"]);
  });
});

describe("an audit event", () => {
  const source: AuditSource = {
    id: "0198c0de-0000-7000-8000-000000000001",
    at: "2026-01-01T00:00:00.000Z",
    repository: "shop",
    environment: "production",
    type: "RunFailed",
    actor: "innominatus",
    actorType: "service",
    uid: "postgres.default#shop.db",
    run: "run-1",
    commit: "c1",
    correlation: "plan-1",
    data: { reason: "TaskFailed", message: "it broke", operation: "create" },
    context: {
      operation: "create",
      workflow: "create-postgres",
      target: "shop/production/postgres.default#shop.db",
      attempt: 2,
      phase: "failed",
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: "2026-01-01T00:00:05.000Z",
    },
    version: "1.2.0",
  };

  it("says who did what to which resource, for which plan, and how it failed", () => {
    expect(toAuditEvent(source)).toEqual({
      event_id: source.id,
      version: "1.0",
      event_type: "innominatus.run.failed",
      event_timestamp: source.at,
      event_category: "run",
      event_action: "failed",
      event_outcome: "failure",
      actor_type: "service",
      actor_id: "innominatus",
      resource_type: "postgres",
      resource_id: "shop/production/postgres.default#shop.db",
      correlation_id: "plan-1",
      event_data: {
        name: "RunFailed",
        workflow: "create-postgres",
        version: "1.2.0",
        target: "shop/production/postgres.default#shop.db",
        phase: "failed",
        run: "run-1",
        attempt: 2,
        operation: "create",
        commit: "c1",
        started_at: "2026-01-01T00:00:00.000Z",
        completed_at: "2026-01-01T00:00:05.000Z",
        failure: { reason: "TaskFailed", message: "it broke" },
        details: { reason: "TaskFailed", message: "it broke", operation: "create" },
      },
    });
  });

  it("keeps a failure that was told whole, and the engine's object", () => {
    const failure = { reason: "OOMKilled", step: "build", exitCode: 137 };
    const data = { failure, engineObject: "runs/inn-1" };
    expect(toAuditEvent({ ...source, data }).event_data).toMatchObject({
      failure,
      engine_object: "runs/inn-1",
    });
    expect(toAuditEvent({ ...source, data }).event_data).not.toHaveProperty("details");
  });

  it("of no repository is the service's own", () => {
    const nowhere = { ...source, type: "LoggedIn", repository: "", environment: "", uid: null };
    expect(toAuditEvent(nowhere)).toMatchObject({
      event_type: "innominatus.user.logged_in",
      resource_type: "service",
      resource_id: "innominatus",
    });
  });

  it("of an environment names it, and correlates with itself where there is no plan", () => {
    const { resource_type, resource_id, correlation_id } = toAuditEvent({
      ...source,
      uid: null,
      correlation: null,
    });
    expect([resource_type, resource_id]).toEqual(["environment", "shop/production"]);
    expect(correlation_id).toBe(source.id);
  });
});
