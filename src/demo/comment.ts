/** The pull request's comment as a forge would show it: rendered by what renders it there. */
import { factsOf } from "../controller/facts.ts";
import { readLive, type Landings } from "../controller/pull-request-live.ts";
import type { Look } from "../controller/look.ts";
import type { Plan } from "../model/plan.ts";
import type { Scope } from "../model/uid.ts";
import { liveComment } from "../report/comment/live.ts";
import { openComment } from "../report/comment/open.ts";
import type { Mirror } from "../source/mirror.ts";
import type { Database } from "../store/database.ts";

const limit = 60_000;

/** As if the repository were on a forge. */
const links = {
  commit: (commit: string) => `https://forge.example/shop/commit/${commit}`,
  file: (ref: string, path: string, line?: number) =>
    `https://forge.example/shop/blob/${ref}/${path}${line === undefined ? "" : `#L${line}`}`,
};

export function commentOnOpen({ plan, input }: Pick<Look, "plan" | "input">): string {
  const planning = {
    kind: "planned",
    plan,
    facts: factsOf(input.desired, input.recorded),
    onto: plan.base ?? plan.commit,
    notes: [],
    forecast: undefined,
  } as const;
  const pullRequest = { number: 1, base: "main", head: plan.commit, fork: false };
  return openComment(pullRequest, [planning], links, limit);
}

export async function commentOnMerged(
  db: Database,
  mirror: Mirror,
  scope: Scope,
  { commit, operations }: Plan,
): Promise<string> {
  const concerns = operations.filter((it) => it.operation !== "none");
  const landings: Landings = new Map();
  const { state } = await readLive(db, mirror, scope, commit, concerns, landings);
  return liveComment([state], links, limit);
}
