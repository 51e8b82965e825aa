/** What the store keeps of a pull request's plan, until after its merge; nothing secret is in it. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import type { Plan } from "../model/plan.ts";
import { parseUid } from "../model/uid.ts";
import type { PullRequest } from "../report/forge/forge.ts";
import type { PullRequestFacts, PullRequestRecord } from "../store/pull-requests.ts";

const keptPlan = z.object({
  hash: z.string(),
  /** The head that was planned, and the files of its merge. */
  head: z.string(),
  tree: z.string(),
  operations: z.array(
    z.object({
      uid: z.string().transform(parseUid),
      operation: z.enum(["create", "update", "delete", "replace", "adopt", "none"]),
      workload: z.string(),
      provider: z.string(),
      workflow: z.string().nullable(),
    }),
  ),
});

export type KeptPlan = Readonly<z.output<typeof keptPlan>>;

/** By environment. */
export function plansOf({
  plans,
}: Pick<PullRequestRecord, "plans">): Readonly<Record<string, KeptPlan>> {
  return z.record(z.string(), keptPlan).parse(plans);
}

export function keepPlan(plan: Plan, head: string, tree: string): JsonRecord {
  const kept = plan.operations.filter((it) => it.operation !== "none" || it.gate !== null);
  return {
    hash: plan.hash,
    head,
    tree,
    operations: kept.map(({ uid, operation, workload, provider, workflow }) => ({
      uid,
      operation,
      workload,
      provider,
      workflow,
    })),
  };
}

export const factsFrom = (it: PullRequest): PullRequestFacts => ({
  number: it.number,
  state: it.state,
  title: it.title,
  author: it.author.login,
  base: it.base,
  head: it.head.commit,
  headBranch: it.head.branch,
  fork: it.head.fork,
  mergeCommit: it.mergeCommit ?? null,
  url: it.url,
});
