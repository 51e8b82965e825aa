/**
 * What came to a watched branch: which pull request brought it, also one that was opened and merged
 * while nobody looked, and which earlier one it undoes.
 */
import type { Forge, PullRequest } from "../report/forge/forge.ts";
import { ForgeError } from "../report/forge/forge-error.ts";
import type { LoggedCommit } from "../source/log.ts";
import type { Mirror } from "../source/mirror.ts";
import {
  pullRequestMergedAs,
  readPullRequest,
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
  let bringer: PullRequestRecord | undefined;
  let brought = to;
  for (const [index, it] of commits.entries()) {
    const messages = [it.message];
    if (it.onBranch && index < atMost) {
      bringer = await bringerOf(db, repository, forge, branch, it.commit, signal);
      brought = it.commit;
      if (bringer !== undefined) messages.push(...(await messagesOf(mirror, bringer, it)));
    }
    for (const undone of new Set(messages.flatMap(revertedBy))) {
      const found = await bringerOf(db, repository, forge, branch, undone, signal);
      if (found === undefined || found.number === bringer?.number) continue;
      const undoing = { number: bringer?.number ?? null, commit: brought };
      await saveUndone(db, repository, found.number, undoing);
    }
  }
}

/** What a squash leaves out of its own message. */
async function messagesOf(
  mirror: Mirror,
  { head }: PullRequestRecord,
  { parents: [onto] }: LoggedCommit,
): Promise<readonly string[]> {
  if (onto === undefined || (await mirror.resolve(head)) === undefined) return [];
  return (await mirror.commitsBetween(onto, head, atMost)).map((it) => it.message);
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

/** The merged pull request that brought the commit to the branch. */
async function bringerOf(
  db: Database,
  repository: string,
  forge: Forge,
  branch: string,
  commit: string,
  signal: AbortSignal,
): Promise<PullRequestRecord | undefined> {
  const known = await pullRequestMergedAs(db, repository, commit);
  if (known !== undefined) return known;
  const found = (await forge.pullRequestsOf(commit, signal).catch(noneIfUnknown)).find(
    (it) => it.state === "merged" && it.base === branch,
  );
  if (found === undefined) return undefined;
  const facts = factsFrom(found);
  await savePullRequests(db, repository, [{ ...facts, mergeCommit: facts.mergeCommit ?? commit }]);
  return readPullRequest(db, repository, found.number);
}

/** A message may name any commit, also one that nobody has. */
function noneIfUnknown(error: unknown): readonly PullRequest[] {
  const kind = error instanceof ForgeError ? error.failure.kind : undefined;
  if (kind === "not-found" || kind === "refused") return [];
  throw error;
}

/** As `git revert` and the forges write it. */
const revertedBy = (message: string): readonly string[] =>
  [...message.matchAll(/^This reverts commit ([0-9a-f]{40})\b/gm)].flatMap(([, it]) => it ?? []);
