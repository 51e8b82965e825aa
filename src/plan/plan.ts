/** The one planner, for a pull request, the command line and the controller alike. Pure. */
import type { Plan, PlannedOperation, PlanSummary } from "../model/plan.ts";
import { gatePlan } from "./gates.ts";
import { hashPlan } from "./hash.ts";
import type { PlanInput } from "./input.ts";
import { decideOperations } from "./operations.ts";
import { orderOperations } from "./order.ts";

export function makePlan(input: PlanInput): Plan {
  const { commit, base, environment, problems } = input;
  const decided = decideOperations(input);
  const ordered = orderOperations(decided, input.desired, input.recorded);
  const hash = hashPlan(input, ordered);
  const operations = gatePlan(ordered, input, input.approved.has(hash));
  return { hash, commit, base, environment, operations, summary: summarize(operations), problems };
}

function summarize(operations: readonly PlannedOperation[]): PlanSummary {
  const counts = { create: 0, update: 0, delete: 0, replace: 0, adopt: 0, none: 0 };
  let held = 0;
  for (const { operation, gate } of operations) {
    counts[operation] += 1;
    if (gate !== null) held += 1;
  }
  const { adopt: _, ...told } = counts;
  return { ...told, held };
}
