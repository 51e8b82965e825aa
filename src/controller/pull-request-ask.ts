/** What is new on the forge and on the watched branches: asked for, recorded, and its commands answered. */
import type { Scope, Uid } from "../model/uid.ts";
import { saveBranches, saveCommentsSince, type ForgePoll } from "../store/forge-polls.ts";
import {
  forgetComments,
  livePullRequests,
  readPullRequest,
  savePullRequests,
} from "../store/pull-requests.ts";
import { followCommits } from "./pull-request-branches.ts";
import { answerCommands } from "./pull-request-commands.ts";
import { environmentsOf, type PullRequestContext } from "./pull-request-context.ts";
import { factsFrom } from "./pull-request-record.ts";

export interface AskOptions {
  /** What `innominatus why` says, as plain text. */
  readonly explain: (scope: Scope, uid: Uid) => Promise<string>;
  /** Has it planned again. */
  readonly replan: (number: number) => void;
}

/** @throws {ForgeError} */
export async function askForge(
  context: PullRequestContext,
  poll: ForgePoll,
  options: AskOptions,
  signal: AbortSignal,
): Promise<void> {
  const { services, repository, forge } = context;
  const { db } = services;
  const { pullRequests } = await forge.listPullRequests(signal);
  await savePullRequests(db, repository, pullRequests.map(factsFrom));
  const open = new Set(pullRequests.map((it) => it.number));
  for (const { number, state } of await livePullRequests(db, repository)) {
    if (state !== "open" || open.has(number)) continue;
    const found = await forge.readPullRequest(number, signal);
    if (found !== undefined) await savePullRequests(db, repository, [factsFrom(found)]);
  }
  await followBranches(context, poll, signal);
  // Before the first pull request there is nothing that somebody could have asked for.
  const since = poll.commentsSince ?? pullRequests.map((it) => it.updatedAt).toSorted()[0];
  if (since !== undefined) await readComments(context, since, options, signal);
}

async function readComments(
  context: PullRequestContext,
  since: string,
  options: AskOptions,
  signal: AbortSignal,
): Promise<void> {
  const { services, repository, forge } = context;
  const { db } = services;
  const { comments } = await forge.listComments(since, signal);
  for (const it of comments.filter((comment) => comment.own)) {
    const record = await readPullRequest(db, repository, it.number);
    if (record?.comment !== it.id || record.body === null || isSame(record.body, it.body)) {
      continue;
    }
    await forgetComments(db, repository, [it.number]);
  }
  const asked = {
    services,
    repository,
    forge,
    environmentsOf: (base: string) => environmentsOf(context, base),
    ...options,
  };
  await answerCommands(asked, comments, signal);
  const latest = comments
    .map((it) => it.updatedAt)
    .toSorted()
    .at(-1);
  await saveCommentsSince(db, repository, latest ?? since);
}

async function followBranches(
  { services, repository, mirror, forge, targets }: PullRequestContext,
  poll: ForgePoll,
  signal: AbortSignal,
): Promise<void> {
  const { db } = services;
  const branches = { ...poll.branches };
  for (const branch of new Set(targets().map((it) => it.branch))) {
    const to = await mirror.resolve(branch);
    if (to === undefined) continue;
    const from = branches[branch] ?? to;
    await followCommits(db, repository, forge, mirror, { branch, from, to }, signal);
    branches[branch] = to;
  }
  if (JSON.stringify(branches) !== JSON.stringify(poll.branches)) {
    await saveBranches(db, repository, branches);
  }
}

const isSame = (a: string, b: string): boolean =>
  a.replaceAll("\r\n", "\n").trimEnd() === b.replaceAll("\r\n", "\n").trimEnd();
