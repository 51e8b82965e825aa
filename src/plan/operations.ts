/**
 * Desired + recorded → operations, each with its reason and the gate that its own state gives it.
 * What depends on the whole plan (budget, approval, dependencies) comes after, in gates.ts. Pure.
 */
import { canonical, own, type Json, type JsonRecord } from "../model/json.ts";
import type { Change, Gate, Operation, PlannedOperation, Reason } from "../model/plan.ts";
import { compareText } from "../model/problem.ts";
import type { Desired, Recorded, ResourceIdentity } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";
import type { Bundle, Parameter, Workflow } from "../model/workflow.ts";
import { covers, diff } from "./changes.ts";
import type { Blocked, History, PlanInput } from "./input.ts";
import { recordedByUid } from "./recorded.ts";

/** One operation per uid on either side, sorted by uid, so that equal input gives an equal plan hash. */
export function decideOperations(input: PlanInput): PlannedOperation[] {
  const blocked = new Set(input.blocked.map((it) => it.uid));
  const recorded = recordedByUid(input.recorded);
  const planned: PlannedOperation[] = [];
  let found = 0;
  const find = (uid: Uid): Recorded | undefined => {
    const have = recorded.get(uid);
    if (have !== undefined) found += 1;
    return have;
  };
  for (const it of input.blocked) planned.push(holdBlocked(it, find(it.uid)));
  for (const want of input.desired) {
    if (!blocked.has(want.uid)) planned.push(planDesired(want, find(want.uid)));
  }
  // As a rule all of the record is asked for, and need not be looked at once more.
  if (found < recorded.size) {
    const desired = new Set(input.desired.map((it) => it.uid));
    for (const have of input.recorded) {
      if (desired.has(have.uid) || blocked.has(have.uid)) continue;
      // Asked for once, but never begun: there is nothing to delete, only a wish to forget.
      if (have.touched) planned.push(planAbsent(have, input));
    }
  }
  return planned.toSorted((a, b) => compareText(a.uid, b.uid));
}

/**
 * Decisions stand while both sides are the same objects, as they are for all but what a commit
 * changed: 10,000 resources cost 10 ms less.
 */
const decided = new WeakMap<Desired, { readonly have: Recorded; readonly row: PlannedOperation }>();

function planDesired(want: Desired, have: Recorded | undefined): PlannedOperation {
  if (have === undefined) return decideDesired(want, have);
  const known = decided.get(want);
  if (known?.have === have) return known.row;
  const planned = decideDesired(want, have);
  decided.set(want, { have, row: planned });
  return planned;
}

function decideDesired(want: Desired, have: Recorded | undefined): PlannedOperation {
  const planned = have?.touched ? planRecorded(want, have) : planNew(want);
  if (!want.hold || planned.operation === "none") return planned;
  const message = "the annotation innominatus.dev/hold is set: remove it to go on";
  return { ...planned, gate: { kind: "problem", message } };
}

function planNew(want: Desired): PlannedOperation {
  const changes = diff({}, want.params);
  return row(want, "create", "Added", want.bundle, { changes });
}

function planRecorded(want: Desired, have: Recorded): PlannedOperation {
  const changes = diff(have.params, want.params);
  const fixed = changes.find((it) => isImmutable(want.bundle, it.path));
  const deleting = have.attempted?.operation === "delete";
  // A create that never ended, or a delete that was under way when the spec came back.
  if (have.revision === 0 || (deleting && fixed === undefined)) {
    return row(want, "create", "Incomplete", want.bundle, { changes });
  }
  if (fixed !== undefined) {
    const message = `${fixed.path} cannot change in place: replacing it deletes what it holds, and needs an approval`;
    return row(want, "replace", "ImmutableChanged", have.bundle, {
      changes,
      workflow: have.bundle.workflows.delete,
      // What has begun was approved then.
      gate: deleting ? null : { kind: "approval", message },
    });
  }
  if (want.bundle.provider !== have.bundle.provider) {
    const message = `${have.bundle.provider} made it and ${want.bundle.provider} serves ${want.type} now: handing it over needs an approval`;
    return update(want, "ProviderChanged", changes, { kind: "approval", message });
  }
  if (changes.length > 0) return update(want, "Changed", changes, shrinkGate(want, have));
  if (isUnfinished(have)) return update(want, "Incomplete", changes, null);
  // Without an update workflow, a new version serves new resources only; this one keeps its own.
  if (want.bundle.hash !== have.bundle.hash && want.bundle.workflows.update !== undefined) {
    return update(want, "BundleChanged", changes, null);
  }
  return row(want, "none", "UpToDate", have.bundle, {});
}

/** What may only grow does not shrink: told before anything runs. */
function shrinkGate({ bundle, params, place }: Desired, have: Recorded): Gate | null {
  for (const it of bundle.workflows.create?.parameters ?? []) {
    if (it.onlyGrows !== true) continue;
    const from = rankOf(it, own(have.params, it.name) ?? it.default);
    const to = rankOf(it, own(params, it.name) ?? it.default);
    if (from === undefined || to === undefined || to >= from) continue;
    const values = `from ${shown(it, have.params)} to ${shown(it, params)}`;
    const message = `${place.file}:${place.line}: "${it.name}" may only grow, and would go ${values}: take the change back, or ask for a new resource`;
    return { kind: "problem", message };
  }
  return null;
}

const shown = (it: Parameter, params: JsonRecord): string =>
  textOf(own(params, it.name) ?? it.default);

const textOf = (value: Json | undefined): string =>
  typeof value === "string" ? value : canonical(value);

function rankOf({ enum: allowed }: Parameter, value: Json | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (allowed === undefined) return Number.isNaN(Number(value)) ? undefined : Number(value);
  const rank = allowed.findIndex((it) => textOf(it) === textOf(value));
  return rank === -1 ? undefined : rank;
}

function update(
  want: Desired,
  reason: Reason,
  changes: readonly Change[],
  gate: Gate | null,
): PlannedOperation {
  if (want.bundle.workflows.update !== undefined) {
    return row(want, "update", reason, want.bundle, { changes, gate });
  }
  const message = `${nameOf(want.bundle)} has no update workflow for ${want.type}: add one, or take the change back`;
  return row(want, "update", reason, want.bundle, { changes, gate: { kind: "problem", message } });
}

function planAbsent(have: Recorded, input: PlanInput): PlannedOperation {
  // A proof made on a line of history that was rewritten since is none.
  const proven = have.removal !== null && input.history.kind !== "rewritten";
  const unproven = proven ? undefined : whyUnproven(have, input);
  if (unproven !== undefined) {
    return row(have, "none", "RemovalUnproven", have.bundle, { gate: unproven });
  }
  return row(have, "delete", "Removed", have.bundle, { gate: ownDeletionGate(have, input) });
}

/** Law 1. `undefined`: the removal is proven. */
function whyUnproven(have: Recorded, input: PlanInput): Gate | undefined {
  if (input.unselected.has(have.identity)) {
    const message = `${have.place.file} is still in the tree, but no longer read as a spec: delete the file, or select it in .innominatus.yaml`;
    return { kind: "history", message };
  }
  if (!have.wanted) {
    const message =
      "it went away when history was rewritten, which proves nothing: put the spec back, then remove it in a commit";
    return { kind: "history", message };
  }
  return historyGate(input.history);
}

function historyGate(history: History): Gate | undefined {
  switch (history.kind) {
    case "proven":
      return undefined;
    case "first":
      return { kind: "history", message: "no commit was applied yet that asked for it" };
    case "rewritten":
      return {
        kind: "history",
        message: `history was rewritten: ${history.base.slice(0, 8)}, which was planned before, is no ancestor of this commit`,
      };
    case "emptied":
      return { kind: "history", message: "the tree is empty, which is no intent to delete" };
    case "unreadable":
      return {
        kind: "problem",
        message: `${history.files.join(", ")} cannot be read, and might hold the spec`,
      };
  }
}

function ownDeletionGate(have: Recorded, input: PlanInput): Gate | null {
  const { history, policy } = input;
  if (history.kind === "unreadable" || history.kind === "emptied") {
    return historyGate(history) ?? null;
  }
  if (have.protected) {
    const message =
      "it is protected: put the spec back without innominatus.dev/protect, then remove it in a later commit";
    return { kind: "history", message };
  }
  if (have.bundle.workflows.delete === undefined) {
    const message = `${nameOf(have.bundle)} has no delete workflow for ${have.type}: \`innominatus abandon\` forgets it and leaves the thing itself alone`;
    return { kind: "problem", message };
  }
  const graceMs = have.bundle.stateful ? policy.statefulGraceMs : policy.graceMs;
  const until = have.deleteAfter ?? new Date(Date.parse(input.now) + graceMs).toISOString();
  if (until <= input.now) return null;
  const message = "its grace period runs: revert the removal to keep it";
  return { kind: "grace", message, until };
}

function holdBlocked(blocked: Blocked, have: Recorded | undefined): PlannedOperation {
  const gate: Gate = { kind: "problem", message: blocked.message };
  const identity = { provider: "", workflow: null, bundle: "", changes: [], dependsOn: [], gate };
  const { uid, workload } = blocked;
  if (!have?.touched) {
    return { ...identity, uid, workload, operation: "create", reason: "Held" };
  }
  return row(blocked, "none", "Held", have.bundle, { gate });
}

interface Extra {
  readonly changes?: readonly Change[];
  readonly gate?: Gate | null;
  readonly workflow?: Workflow | undefined;
}

function row(
  { uid, workload }: ResourceIdentity,
  operation: Operation,
  reason: Reason,
  bundle: Bundle,
  { changes = [], gate = null, workflow }: Extra,
): PlannedOperation {
  const named = workflow ?? workflowFor(operation, bundle);
  return {
    uid,
    operation,
    workload,
    provider: nameOf(bundle),
    workflow: named?.name ?? null,
    bundle: bundle.hash,
    reason,
    changes,
    dependsOn: [],
    gate,
  };
}

function workflowFor(operation: Operation, bundle: Bundle): Workflow | undefined {
  if (operation === "create" || operation === "update" || operation === "delete") {
    return bundle.workflows[operation];
  }
  return undefined;
}

/** Some run began to change it and did not end well, so what is there is not known to be what is recorded. */
const isUnfinished = (have: Recorded): boolean => have.phase !== "active";

const isImmutable = (bundle: Bundle, path: string): boolean =>
  bundle.workflows.create?.parameters.some((it) => it.immutable && covers(`/${it.name}`, path)) ??
  false;

const nameOf = (bundle: Bundle): string => `${bundle.provider}@${bundle.version}`;
