/** What a plan makes of the store: wishes to record, runs to queue, runs to end. Pure. */
import { createHash } from "node:crypto";
import { canonical } from "../model/json.ts";
import type { Gate, Plan, PlannedOperation } from "../model/plan.ts";
import type { Desired, Recorded } from "../model/resource.ts";
import type { RunOperation } from "../model/run.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Bundle } from "../model/workflow.ts";
import { ownTarget } from "../model/target.ts";
import type { PlanInput } from "../plan/input.ts";
import type { Wish } from "../store/resources.ts";
import type { OpenRun, QueuedRun } from "../store/runs.ts";
import { targetOf } from "./run-target.ts";

export interface Writes {
  readonly bundles: readonly Bundle[];
  readonly wishes: readonly Wish[];
  /** Wishes taken back before anything was done about them. */
  readonly forget: readonly Uid[];
  readonly queue: readonly QueuedRun[];
  /** Ids of runs that nothing wants any more. */
  readonly supersede: readonly string[];
}

export function decideWrites(
  scope: Scope,
  plan: Plan,
  input: PlanInput,
  open: readonly OpenRun[],
): Writes {
  const desired = new Map(input.desired.map((it) => [it.uid, it]));
  const recorded = new Map(input.recorded.map((it) => [it.uid, it]));
  const openByUid = new Map<Uid, OpenRun[]>();
  for (const it of open) openByUid.set(it.uid, [...(openByUid.get(it.uid) ?? []), it]);
  const wishes: Wish[] = [];
  const queue: QueuedRun[] = [];
  const supersede: string[] = [];
  const bundles = new Map<string, Bundle>();

  for (const operation of plan.operations) {
    const { uid } = operation;
    const want = desired.get(uid);
    const have = recorded.get(uid);
    const { run, fault } = queuedRun(scope, plan, operation, want, have);
    const { keep, end } = sortOpen(openByUid.get(uid) ?? [], operation, run, plan.commit);
    supersede.push(...end);
    // A gate that was passed for this commit is not shown again while its run is under way.
    const gate = keep ? null : (operation.gate ?? fault);
    const wish =
      want === undefined
        ? wishForAbsent(operation, have, gate, input)
        : wishForDesired(want, have, gate, plan.commit);
    if (wish !== undefined) wishes.push(wish);
    if (want !== undefined) bundles.set(want.bundle.hash, want.bundle);
    if (run !== undefined && gate === null && !keep) queue.push(run);
  }
  const planned = new Set(plan.operations.map((it) => it.uid));
  const forget = input.recorded.filter((it) => !it.touched && !planned.has(it.uid));
  const forgotten = new Set(forget.map((it) => it.uid));
  supersede.push(...open.filter((it) => forgotten.has(it.uid)).map((it) => it.id));
  return { bundles: [...bundles.values()], wishes, forget: [...forgotten], queue, supersede };
}

/** Which of a resource's open runs do what the plan wants; the others end. */
function sortOpen(
  open: readonly OpenRun[],
  operation: PlannedOperation,
  run: QueuedRun | undefined,
  commit: string,
): { readonly keep: boolean; readonly end: readonly string[] } {
  const wanted = open.filter((it) => {
    if (run === undefined || it.hash !== run.hash) return false;
    // What has begun is not left half-way because something else cannot be read.
    if (operation.gate === null || it.state !== "queued") return true;
    return it.commit === commit && operation.gate.kind !== "dependency";
  });
  const end = open.filter((it) => !wanted.includes(it)).map((it) => it.id);
  return { keep: wanted.length > 0, end };
}

function wishForDesired(
  want: Desired,
  have: Recorded | undefined,
  gate: Gate | null,
  commit: string,
): Wish | undefined {
  const same =
    have !== undefined &&
    have.wanted &&
    have.removal === null &&
    have.phase !== "deleted" &&
    have.workload === want.workload &&
    have.protected === want.protected &&
    have.place.file === want.place.file &&
    sameGate(have.gate, gate) &&
    (have.touched ||
      (have.bundle.hash === want.bundle.hash &&
        canonical(have.template) === canonical(want.template)));
  if (same) return undefined;
  const { bundle, hold: _, rule: __, dependsOn, ...rest } = want;
  return {
    ...rest,
    dependsOn,
    bundle: bundle.hash,
    gate,
    wanted: true,
    removal: null,
    graceMs: 0,
    commit,
  };
}

function wishForAbsent(
  { operation, reason }: PlannedOperation,
  have: Recorded | undefined,
  gate: Gate | null,
  { history, policy, commit, base }: PlanInput,
): Wish | undefined {
  // What was never recorded and cannot be worked out has no provider to record it with.
  if (have === undefined) return undefined;
  const { bundle, ...rest } = have;
  const graceMs = bundle.stateful ? policy.statefulGraceMs : policy.graceMs;
  const wish = { ...rest, bundle: bundle.hash, gate, graceMs };
  if (operation === "delete" && have.removal === null) {
    return { ...wish, wanted: false, removal: { commit, base: base ?? commit } };
  }
  // A proof made on a line of history that was rewritten since is none (law 1).
  if (reason === "RemovalUnproven" && history.kind === "rewritten") {
    return { ...wish, wanted: false, removal: null };
  }
  const same = sameGate(have.gate, gate);
  return same ? undefined : wish;
}

const sameGate = (a: Gate | null, b: Gate | null): boolean =>
  a?.kind === b?.kind && a?.message === b?.message && a?.until === b?.until;

function queuedRun(
  { repository, environment }: Scope,
  plan: Plan,
  planned: PlannedOperation,
  want: Desired | undefined,
  have: Recorded | undefined,
): { readonly run: QueuedRun | undefined; readonly fault: Gate | null } {
  // To replace is to delete; the next plan creates what is then missing.
  const operation = planned.operation === "replace" ? "delete" : planned.operation;
  const none = { run: undefined, fault: null };
  if (operation === "none" || operation === "adopt") return none;
  const from = operation === "delete" ? have : want;
  if (from === undefined || planned.workflow === null) return none;
  const { params, template, dependsOn, bundle } = from;
  const workflow = bundle.workflows[operation];
  const outputs = have?.outputs ?? {};
  const target = targetOf({ repository, environment }, from, workflow, { params, outputs });
  const fault: Gate | null = target.ok ? null : { kind: "problem", message: target.message };
  const run: QueuedRun = {
    uid: planned.uid,
    operation,
    workflow: planned.workflow,
    provider: bundle.provider,
    bundle: bundle.hash,
    commit: plan.commit,
    plan: plan.hash,
    hash: wishHash(operation, from),
    desired: {
      params,
      template,
      dependsOn,
      reason: planned.reason,
      rule: from === want ? want.rule : [],
    },
    dependsOn: planned.dependsOn,
    target: target.ok ? target.target : ownTarget({ repository, environment }, planned.uid),
    declared: target.ok && target.declared,
    ...(workflow?.timeoutMs === undefined ? {} : { timeoutMs: workflow.timeoutMs }),
    seen: { revision: have?.revision ?? 0, run: have?.run ?? null },
  };
  return { run, fault };
}

/**
 * Tells one wish from another. A create's resolved params are left out: they become known only
 * while what it depends on is made.
 */
function wishHash(
  operation: RunOperation,
  { bundle, template, params }: Pick<Desired, "bundle" | "template" | "params">,
): string {
  const what = {
    create: [operation, bundle.hash, template],
    update: [operation, bundle.hash, template, params],
    delete: [operation, bundle.hash],
  }[operation];
  return createHash("sha256").update(canonical(what)).digest("hex");
}
