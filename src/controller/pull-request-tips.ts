/**
 * What no pull request brought: the tip of each branch, as it was looked at last, and those that a
 * newer one overtook, until their own runs are over.
 */
import { liveComment } from "../report/comment/live.ts";
import { commitMarkerOf } from "../report/comment/marker.ts";
import { reconcileVerdict, supersededVerdict, type Verdict } from "../report/comment/statuses.ts";
import type { Scope } from "../model/uid.ts";
import { readEnvironment } from "../store/environments.ts";
import {
  lastPublication,
  publishedUnder,
  removePublication,
  savePublication,
} from "../store/publications.ts";
import { pullRequestMergedAs } from "../store/pull-requests.ts";
import { openRuns } from "../store/runs.ts";
import { textLimit, type PullRequestContext } from "./pull-request-context.ts";
import { readLive } from "./pull-request-live.ts";

export interface TipOptions {
  /** Comments on commits that came without a pull request. */
  readonly commitComments: boolean;
}

export async function publishTips(
  context: PullRequestContext,
  { commitComments }: TipOptions,
  signal: AbortSignal,
): Promise<void> {
  const { services, repository, mirror, forge, publisher, landings, targets } = context;
  const { db } = services;
  for (const { environment, stalled } of targets()) {
    if (stalled !== undefined) continue;
    const scope = { repository, environment };
    const commit = (await readEnvironment(db, scope))?.observedCommit;
    if (commit == null) continue;
    await endOvertaken(context, scope, commit, signal);
    if ((await pullRequestMergedAs(db, repository, commit)) !== undefined) continue;
    const { state } = await readLive(db, mirror, scope, commit, undefined, landings);
    await publishStatus(context, scope, commit, reconcileVerdict(state), signal);
    if (!commitComments || state.resources.length === 0) continue;
    const body = liveComment([state], forge.links, textLimit(forge));
    await publisher.commitComment(commit, { marker: commitMarkerOf(repository), body }, signal);
  }
}

/** A status that stays pending keeps the forge waiting for ever: each is ended, if not by its own end. */
async function endOvertaken(
  context: PullRequestContext,
  scope: Scope,
  tip: string,
  signal: AbortSignal,
): Promise<void> {
  const { services, repository, mirror, landings } = context;
  const { db } = services;
  const open = await publishedUnder(db, repository, pendingOf(scope, ""));
  const overtaken = open.filter((it) => it !== tip);
  if (overtaken.length === 0) return;
  const running = new Set((await openRuns(db, scope)).map((it) => it.commit));
  for (const commit of overtaken) {
    if ((await pullRequestMergedAs(db, repository, commit)) !== undefined) {
      await removePublication(db, repository, pendingOf(scope, commit));
      continue;
    }
    const { state, landed } = await readLive(db, mirror, scope, commit, undefined, landings);
    const own = reconcileVerdict(state);
    // Of a history that was rewritten nothing is asked for any more.
    const hasOwnEnd = landed && own.state !== "pending" && state.resources.length > 0;
    const isOver = !running.has(commit) && !hasOwnEnd;
    const verdict = isOver ? supersededVerdict(state, tip) : own;
    await publishStatus(context, scope, commit, verdict, signal);
  }
}

/** Remembered while it is pending, before it is said, so that a kill leaves none behind. */
async function publishStatus(
  { services: { db }, repository, forge, publisher }: PullRequestContext,
  scope: Scope,
  commit: string,
  verdict: Verdict,
  signal: AbortSignal,
): Promise<void> {
  const pending = pendingOf(scope, commit);
  const isKnown = (await lastPublication(db, repository, pending)) !== undefined;
  const isPending = verdict.state === "pending";
  if (isPending && !isKnown) await savePublication(db, repository, pending, { hash: "", commit });
  await publisher.status(commit, verdict, forge.links.commit(commit), signal);
  if (!isPending && isKnown) await removePublication(db, repository, pending);
}

const pendingOf = ({ environment }: Scope, commit: string): string =>
  `pending ${environment} ${commit}`;
