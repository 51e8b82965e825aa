/** The gates that only the whole plan can give: approval, budget, rename, dependency (laws 3, 4). Pure. */
import { canonical } from "../model/json.ts";
import { compareText } from "../model/problem.ts";
import type { Gate, PlannedOperation } from "../model/plan.ts";
import type { Desired, Recorded } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";
import type { PlanInput } from "./input.ts";
import { deletes } from "./order.ts";
import { recordedByUid } from "./recorded.ts";

/**
 * @param approved whether somebody approved this very plan: lifts `approval` and `budget`, nothing
 *   else, and all at once, never the first few
 */
export function gatePlan(
  operations: readonly PlannedOperation[],
  input: PlanInput,
  approved: boolean,
): readonly PlannedOperation[] {
  const renames = findRenames(operations, input);
  // What has begun passed its gates then; holding it half-way would only leave it broken.
  const recorded = recordedByUid(input.recorded);
  const hasBegun = ({ uid }: PlannedOperation): boolean =>
    recorded.get(uid)?.attempted?.operation === "delete";
  const budget = budgetGate(operations, input);
  const gated = operations.map((it): PlannedOperation => {
    if (deletes(it) && hasBegun(it)) return it;
    if (approved) return it.gate?.kind === "approval" ? { ...it, gate: null } : it;
    const rename = renames.get(it.uid);
    if (rename === undefined && !deletes(it)) return it;
    const gate = strongest(it.gate, rename, deletes(it) ? budget : undefined);
    return gate === it.gate ? it : { ...it, gate };
  });
  return gateDependents(gated, input.recorded);
}

/** What a person has to lift is shown before what time lifts. */
const rank: readonly Gate["kind"][] = ["problem", "history", "approval", "budget", "grace"];

function strongest(...gates: readonly (Gate | null | undefined)[]): Gate | null {
  const set = gates.filter((it) => it !== null && it !== undefined);
  return set.toSorted((a, b) => rank.indexOf(a.kind) - rank.indexOf(b.kind))[0] ?? null;
}

/** Law 4: max(count, percent) of the environment's resources within a rolling hour. */
function budgetGate(
  operations: readonly PlannedOperation[],
  { policy, recorded, recentDeletions }: PlanInput,
): Gate | undefined {
  const planned = operations.filter(deletes).map((it) => it.uid);
  if (planned.length === 0) return undefined;
  const all = new Set([...planned, ...recentDeletions]);
  const standing = recorded.filter((it) => it.touched).map((it) => it.uid);
  const total = new Set([...standing, ...recentDeletions]).size;
  const share = Math.floor((total * policy.budget.percent) / 100);
  const limit = Math.max(policy.budget.count, share);
  if (all.size > limit) {
    const message = `${all.size} deletions within the hour are more than the ${limit} that this environment allows: approve the plan to go on`;
    return { kind: "budget", message };
  }
  if (policy.approval === "always") {
    return { kind: "approval", message: "deletions need an approval here: approve the plan" };
  }
  return undefined;
}

/**
 * Law 3: a workload that goes while another comes, asking for the same with equal params, looks
 * like a rename. Both sides wait, with the annotation that keeps what there is.
 */
function findRenames(
  operations: readonly PlannedOperation[],
  { desired, recorded }: PlanInput,
): ReadonlyMap<Uid, Gate> {
  const planned = new Map(
    operations.filter((it) => it.operation !== "none").map((it) => [it.uid, it.operation]),
  );
  const isDeleted = operations.some((it) => it.operation === "delete");
  const deleted = (isDeleted ? recorded : [])
    .filter((it) => planned.get(it.uid) === "delete")
    .toSorted((a, b) => compareText(b.uid, a.uid));
  const gates = new Map<Uid, Gate>();
  if (deleted.length === 0 || deleted.length === planned.size) return gates;

  const wanted = new Set(desired.map((it) => it.identity));
  const known = new Set(recorded.filter((it) => it.touched).map((it) => it.identity));
  const key = (it: Desired | Recorded): string =>
    canonical([it.type, it.class, it.name, it.template]);
  const gone = new Map<string, Recorded>();
  for (const it of deleted) if (!wanted.has(it.identity)) gone.set(key(it), it);
  // By uid, and one for one: whatever order they came in, the same are taken for a rename.
  for (const it of desired.toSorted((a, b) => compareText(a.uid, b.uid))) {
    if (planned.get(it.uid) !== "create" || known.has(it.identity)) continue;
    const before = gone.get(key(it));
    if (before === undefined) continue;
    gone.delete(key(it));
    const message = `${before.workload} seems to be renamed to ${it.workload}: to keep what it has, add the annotation innominatus.dev/id: "${before.identity}" to ${it.place.file}; to delete and create, approve the plan`;
    gates.set(it.uid, { kind: "approval", message });
    gates.set(before.uid, { kind: "approval", message });
  }
  return gates;
}

/** Whoever waits for something that is held, or that failed, is held with it: its turn may never come. */
function gateDependents(
  operations: readonly PlannedOperation[],
  recorded: readonly Recorded[],
): readonly PlannedOperation[] {
  const byUid = recordedByUid(recorded);
  const failed = operations.filter(
    (it) => it.operation !== "none" && (byUid.get(it.uid)?.failures ?? 0) > 0,
  );
  const blockers = new Map<Uid, string>([
    ...failed.map((it) => [it.uid, "which has failed"] as const),
    ...operations.filter((it) => it.gate !== null).map((it) => [it.uid, "which is held"] as const),
  ]);
  const gates = new Map<Uid, Gate>();
  let grew = blockers.size > 0;
  while (grew) {
    grew = false;
    for (const it of operations) {
      if (it.gate !== null || gates.has(it.uid) || it.operation === "none") continue;
      const blocker = it.dependsOn.find((uid) => blockers.has(uid));
      if (blocker === undefined) continue;
      blockers.set(it.uid, "which is held");
      const message = `waits for ${blocker}, ${blockers.get(blocker)}`;
      gates.set(it.uid, { kind: "dependency", message });
      grew = true;
    }
  }
  if (gates.size === 0) return operations;
  return operations.map((it) => {
    const gate = gates.get(it.uid);
    return gate === undefined ? it : { ...it, gate };
  });
}
