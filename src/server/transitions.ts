/** Committed events → metrics: each transition is counted once, by the process that committed it (E27). */
import type { Json } from "../model/json.ts";
import type { RunOperation } from "../model/run.ts";
import { isUid, partsOf } from "../model/uid.ts";
import type { RecordedEvent } from "../store/events.ts";
import { isWaitReason, type Metrics, type RunOutcome } from "./metrics.ts";

const ends: Readonly<Record<string, RunOutcome>> = {
  RunCompleted: "succeeded",
  RunFailed: "failed",
  RunCancelled: "cancelled",
  RunSuperseded: "superseded",
};

export function countEvents(metrics: Metrics, events: readonly RecordedEvent[]): void {
  for (const event of events) {
    const outcome = ends[event.type];
    if (outcome === undefined) countOther(metrics, event);
    else countEnd(metrics, event, outcome);
  }
}

function countEnd(metrics: Metrics, event: RecordedEvent, outcome: RunOutcome): void {
  const { operation, startedAt, endedAt, queuedAt, seenAt, stalled, retries = 0 } = event.context;
  const { reason } = event.context;
  if (!isOperation(operation)) return;
  const durationMs = startedAt === undefined ? undefined : since(startedAt, endedAt ?? event.at);
  metrics.runEnded({ operation, outcome, durationMs });
  metrics.retried("step", retries);
  const isStalled = outcome === "failed" && stalled === true;
  if (outcome === "failed" && !isStalled) metrics.retried("run", 1);
  if (isStalled && isWaitReason(reason)) metrics.runWaits(reason);
  // A resource has come to rest, as the commit asks or stalled.
  if ((outcome === "succeeded" || isStalled) && event.uid !== null && isUid(event.uid)) {
    const { type } = partsOf(event.uid);
    const sinceCommitMs = since(seenAt ?? queuedAt ?? event.at, event.at);
    const settled = outcome === "succeeded" ? "succeeded" : "failed";
    metrics.resourceSettled({ type, operation, outcome: settled, sinceCommitMs });
  }
}

function countOther(metrics: Metrics, { type, at, data, context }: RecordedEvent): void {
  const reason: Json | undefined = data["reason"];
  switch (type) {
    case "RunStarted":
      if (context.attempt === 1) {
        const waited = since(context.queuedAt ?? at, context.startedAt ?? at);
        metrics.runWaited(isWaitReason(reason) ? reason : undefined, waited);
      }
      return;
    case "LeaseLost":
      metrics.leaseTakenOver();
      return;
    case "PipelineRunCreated":
      metrics.pipelineRunMade("created");
      return;
    case "PipelineRunAdopted":
      metrics.pipelineRunMade("adopted");
      return;
    case "PipelineRunConflict":
      metrics.pipelineRunMade("conflict");
      return;
    case "BackoffActive":
      metrics.runWaits("BackoffActive");
      return;
    case "RunQueued":
      if (isWaitReason(context.waitsFor)) metrics.runWaits(context.waitsFor);
  }
}

const isOperation = (text: string | undefined): text is RunOperation =>
  text === "create" || text === "update" || text === "delete";

const since = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));
