/** What no pull request brought: the tip of each branch, as it was looked at last. */
import { liveComment } from "../report/comment/live.ts";
import { commitMarkerOf } from "../report/comment/marker.ts";
import { reconcileVerdict } from "../report/comment/statuses.ts";
import { readEnvironment } from "../store/environments.ts";
import { pullRequestMergedAs } from "../store/pull-requests.ts";
import { textLimit, type PullRequestContext } from "./pull-request-context.ts";
import { readLive } from "./pull-request-live.ts";

export interface TipOptions {
  /** Comments on commits that came without a pull request. */
  readonly commitComments: boolean;
}

export async function publishTips(
  { services, repository, mirror, forge, publisher, landings, targets }: PullRequestContext,
  { commitComments }: TipOptions,
  signal: AbortSignal,
): Promise<void> {
  const { db } = services;
  for (const { environment, stalled } of targets()) {
    if (stalled !== undefined) continue;
    const scope = { repository, environment };
    const commit = (await readEnvironment(db, scope))?.observedCommit;
    if (commit == null) continue;
    if ((await pullRequestMergedAs(db, repository, commit)) !== undefined) continue;
    const { state } = await readLive(db, mirror, scope, commit, undefined, landings);
    const url = forge.links.commit(commit);
    await publisher.status(commit, reconcileVerdict(state), url, signal);
    if (!commitComments || state.resources.length === 0) continue;
    const body = liveComment([state], forge.links, textLimit(forge));
    await publisher.commitComment(commit, { marker: commitMarkerOf(repository), body }, signal);
  }
}
