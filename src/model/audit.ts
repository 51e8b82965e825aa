/** Audit events (execution semantics §5): what a fact of ours is called and looks like elsewhere. */
import type { Json, JsonRecord } from "./json.ts";
import { isRecord } from "./json.ts";
import { isUid, partsOf, type Scope } from "./uid.ts";

export const actorTypes = ["service", "author", "user"] as const;
export type ActorType = (typeof actorTypes)[number];

export const auditOutcomes = ["success", "failure", "pending"] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

export interface AuditEvent {
  /** UUIDv7, made where the fact was written: the same however often it is sent. */
  readonly event_id: string;
  readonly version: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly event_category: string;
  readonly event_action: string;
  readonly event_outcome: AuditOutcome;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly correlation_id: string;
  readonly event_data: JsonRecord;
}

/** A run, its resource and its commit as they were when the event was written; absent: not known. */
export interface EventContext {
  readonly operation?: string | undefined;
  readonly workflow?: string | undefined;
  readonly bundle?: string | undefined;
  readonly target?: string | undefined;
  readonly attempt?: number | undefined;
  readonly queuedAt?: string | undefined;
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  /** Of the resource. */
  readonly phase?: string | undefined;
  readonly reason?: string | undefined;
  readonly stalled?: boolean | undefined;
  /** What a run that is queued has to wait for first. */
  readonly waitsFor?: string | undefined;
  /** When the commit was first seen. */
  readonly seenAt?: string | undefined;
  /** Attempts at the run's steps beyond the first of each; told when the run ends. */
  readonly retries?: number | undefined;
}

/** What of a recorded event its audit event is made of. */
export interface AuditSource extends Scope {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly actorType: ActorType;
  readonly uid: string | null;
  readonly run: string | null;
  readonly commit: string | null;
  readonly correlation: string | null;
  readonly data: JsonRecord;
  readonly context: EventContext;
  /** Of the provider that the run's workflow is from. */
  readonly version: string | null;
}

const formatVersion = "1.0";

/** What is called otherwise there than the rule below would have it. */
const renamed: Readonly<Record<string, readonly [category: string, action: string]>> = {
  RunQueued: ["run", "selected"],
  CooldownActive: ["run", "skipped"],
  BackoffActive: ["run", "skipped"],
  CancelRequested: ["run", "cancelling"],
  LoggedIn: ["user", "logged_in"],
  LoggedOut: ["user", "logged_out"],
};

const outcomes: Readonly<Record<string, AuditOutcome>> = {
  selected: "pending",
  started: "pending",
  skipped: "pending",
  cancelling: "pending",
  // Neither success nor failure (E7): a newer run goes on with it.
  superseded: "pending",
  transition: "pending",
  failed: "failure",
  lost: "failure",
  refused: "failure",
  denied: "failure",
  conflict: "failure",
};

/**
 * `RunStarted` is `run` and `started`; `PipelineRunCreated` is `pipeline_run` and `created`: the last
 * word of our name is the action, those before it the category.
 */
export function auditName(type: string): {
  readonly category: string;
  readonly action: string;
  readonly eventType: string;
  readonly outcome: AuditOutcome;
} {
  const words = type.match(/[A-Z][a-z0-9]*/g) ?? [type];
  const rule = [words.slice(0, -1).join("_").toLowerCase(), (words.at(-1) ?? "").toLowerCase()];
  const [category = "", action = ""] = renamed[type] ?? rule;
  const eventType = ["innominatus", category, action].filter((it) => it !== "").join(".");
  return { category, action, eventType, outcome: outcomes[action] ?? "success" };
}

/** Our names of what is asked for by either name: `RunStarted`, `innominatus.run.started`, `run.started`. */
export function namesOf(asked: string): readonly string[] {
  if (!asked.includes(".")) return [asked];
  const eventType = asked.startsWith("innominatus.") ? asked : `innominatus.${asked}`;
  const words = eventType.split(/[._]/).slice(1);
  const rule = words.map((it) => it.slice(0, 1).toUpperCase() + it.slice(1)).join("");
  return [rule, ...Object.keys(renamed)].filter((it) => auditName(it).eventType === eventType);
}

export function toAuditEvent(source: AuditSource): AuditEvent {
  const { category, action, eventType, outcome } = auditName(source.type);
  const { repository, environment, uid } = source;
  const scope = `${repository}/${environment}`;
  // A login, say, is of no repository.
  const isNowhere = repository === "" && uid === null;
  return {
    event_id: source.id,
    version: formatVersion,
    event_type: eventType,
    event_timestamp: source.at,
    event_category: category,
    event_action: action,
    event_outcome: outcome,
    actor_type: source.actorType,
    actor_id: source.actor,
    resource_type: isNowhere
      ? "service"
      : uid !== null && isUid(uid)
        ? partsOf(uid).type
        : "environment",
    resource_id: isNowhere ? "innominatus" : uid === null ? scope : `${scope}/${uid}`,
    // What belongs to no plan belongs to nothing but itself.
    correlation_id: source.correlation ?? source.id,
    event_data: dataOf(source, outcome),
  };
}

/** Only what is known: an absent key says nothing. */
function dataOf(
  { type, run, commit, data, context, version }: AuditSource,
  outcome: AuditOutcome,
): JsonRecord {
  const { operation, workflow, target, attempt, phase, startedAt, endedAt } = context;
  const { engineObject, failure: _, ...details } = data;
  const all: Readonly<Record<string, Json | undefined>> = {
    name: type,
    workflow,
    version: version ?? undefined,
    target,
    phase,
    run: run ?? undefined,
    attempt,
    operation,
    commit: commit ?? undefined,
    engine_object: engineObject,
    started_at: startedAt,
    completed_at: endedAt,
    failure: outcome === "failure" ? failureOf(data) : undefined,
    details: Object.keys(details).length === 0 ? undefined : details,
  };
  const known = Object.entries(all).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return Object.fromEntries(known);
}

function failureOf({ failure, reason, message }: JsonRecord): JsonRecord {
  if (isRecord(failure)) return failure;
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}
