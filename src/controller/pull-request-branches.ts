/**
 * What came to a watched branch: which pull request brought it, also one that was opened and merged
 * while nobody looked, and which earlier one it undoes.
 */
import type { Forge, PullRequest } from "../report/forge/forge.ts";
import type { LoggedCommit } from "../source/log.ts";
import type { Mirror } from "../source/mirror.ts";
import {
  pullRequestMergedAs,
  savePullRequests,
  saveUndone,
  type PullRequestRecord,
} from "../store/pull-requests.ts";
import type { Database } from "../store/database.ts";
import { factsFrom } from "./pull-request-record.ts";

/** Commits of a branch that are looked at in one go; older ones are let go. */
const atMost = 50;

export async function followCommits(
  db: Database,
  repository: string,
  forge: Forge,
  mirror: Mirror,
  { branch, from, to }: { readonly branch: string; readonly from: string; readonly to: string },
  signal: AbortSignal,
): Promise<void> {
  if (from === to) return;
  const commits = await commitsOf(mirror, from, to);
  let bringer: number | null = null;
  let brought = to;
  for (const [index, it] of commits.entries()) {
    if (it.onBranch && index < atMost) {
      bringer = (await numberOf(db, repository, forge, branch, it.commit, signal)) ?? null;
      brought = it.commit;
    }
    for (const undone of revertedBy(it.message)) {
      const number = await numberOf(db, repository, forge, branch, undone, signal);
      if (number === undefined || number === bringer) continue;
      await saveUndone(db, repository, number, { number: bringer, commit: brought });
    }
  }
}

/** A history that was rewritten is followed from its new tip on. */
async function commitsOf(
  mirror: Mirror,
  from: string,
  to: string,
): Promise<readonly LoggedCommit[]> {
  if (!(await mirror.isAncestor(from, to))) return [];
  return mirror.commitsBetween(from, to, atMost * 4);
}

async function numberOf(
  db: Database,
  repository: string,
  forge: Forge,
  branch: string,
  commit: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const known: PullRequestRecord | undefined = await pullRequestMergedAs(db, repository, commit);
  if (known !== undefined) return known.number;
  if (!/^[0-9a-f]{40}$/.test(commit)) return undefined;
  const found = (await forge.pullRequestsOf(commit, signal)).find(
    (it: PullRequest) => it.state === "merged" && it.base === branch,
  );
  if (found === undefined) return undefined;
  const facts = factsFrom(found);
  const mergeCommit = facts.mergeCommit ?? commit;
  await savePullRequests(db, repository, [{ ...facts, mergeCommit }]);
  return found.number;
}

/** As `git revert` and the forges write it. */
export const revertedBy = (message: string): readonly string[] =>
  [...message.matchAll(/^This reverts commit ([0-9a-f]{40})\b/gm)].flatMap(([, it]) => it ?? []);
