/**
 * A plan's hash: what an approval is bound to (law 11). It covers base, operations, bundles and
 * recorded revisions, and neither commit nor time, so that the plan of a pull request and that of
 * its merge have the same hash as long as nothing else changed.
 */
import { createHash } from "node:crypto";
import { canonical, type Json } from "../model/json.ts";
import type { PlannedOperation } from "../model/plan.ts";
import type { PlanInput } from "./input.ts";

/** Hex, 64 characters. */
export function hashPlan(
  { environment, base, recorded }: Pick<PlanInput, "environment" | "base" | "recorded">,
  operations: readonly PlannedOperation[],
): string {
  const hash = createHash("sha256");
  hash.update(canonical([environment, base]));
  for (const it of operations) {
    if (it.operation === "none") continue;
    const changes = it.changes.map(({ path, from, to }): Json => [path, from ?? null, to ?? null]);
    hash.update(canonical([it.uid, it.operation, it.reason, it.bundle, changes]));
  }
  hash.update(revisionsOf(recorded));
  return hash.digest("hex");
}

const known = new WeakMap<PlanInput["recorded"], string>();

/** By uid, whatever order the store gave them in. */
function revisionsOf(recorded: PlanInput["recorded"]): string {
  const before = known.get(recorded);
  if (before !== undefined) return before;
  const lines = recorded.map((it) => `${it.uid} ${it.revision} ${it.bundle.hash}\n`).toSorted();
  const digest = createHash("sha256").update(lines.join("")).digest("hex");
  known.set(recorded, digest);
  return digest;
}
