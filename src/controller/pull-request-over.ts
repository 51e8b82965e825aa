/** What is said on a pull request that is over: what its merge has become, or that it was closed without. */
import { closedComment, undoneLine } from "../report/comment/closed.ts";
import { isSettled, liveComment } from "../report/comment/live.ts";
import { markerOf } from "../report/comment/marker.ts";
import { reconcileVerdict } from "../report/comment/statuses.ts";
import type { Mirror } from "../source/mirror.ts";
import { settlePullRequest, type PullRequestRecord } from "../store/pull-requests.ts";
import {
  answerOf,
  environmentsOf,
  textLimit,
  type PullRequestContext,
} from "./pull-request-context.ts";
import { readLive } from "./pull-request-live.ts";
import { plansOf, type KeptPlan } from "./pull-request-record.ts";

/** @returns milliseconds until there is more to say; `undefined`: nothing, until something changes */
export async function publishMerged(
  context: PullRequestContext,
  record: PullRequestRecord,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { services, repository, mirror, forge, publisher, landings } = context;
  const { db } = services;
  const { base, url, mergeCommit, undoneBy } = record;
  const environments = environmentsOf(context, base);
  if (environments.length === 0 || mergeCommit === null) {
    if (environments.length === 0) await settle(context, record, record.body);
    return undefined;
  }
  const marker = markerOf(repository, environments);
  if (undoneBy !== null && record.body !== null && record.stage.startsWith("merged")) {
    // What it became stays as it was told; one line says that it is no more.
    const line = undoneLine(undoneBy, forge.links);
    const before = record.body.slice(record.body.indexOf("\n") + 1);
    const body = before.startsWith(line) ? before : `${line}\n\n${before}`;
    const again = await publisher.comment(record, { marker, body, stage: "merged undone" }, signal);
    if (again === undefined) await settle(context, record, `${marker}\n${body}`);
    return again;
  }
  const plans = plansOf(record);
  const lives = [];
  for (const environment of environments) {
    const scope = { repository, environment };
    const plan: KeptPlan | undefined = plans[environment];
    const concerns = (await isOf(mirror, plan, record.head, mergeCommit, signal))
      ? plan?.operations
      : undefined;
    lives.push(await readLive(db, mirror, scope, mergeCommit, concerns, landings));
  }
  const states = lives.map((it) => it.state);
  const limit = textLimit(forge);
  const undone = undoneBy === null ? "" : `${undoneLine(undoneBy, forge.links)}\n\n`;
  const body = `${undone}${liveComment(states, forge.links, limit)}${answerOf(record)}`;
  const again = await publisher.comment(record, { marker, body, stage: "merged" }, signal);
  for (const it of states) {
    await publisher.status(mergeCommit, reconcileVerdict(it), url, signal);
  }
  const over = lives.every((it) => it.landed && isSettled(it.state));
  if (over && again === undefined) await settle(context, record, `${marker}\n${body}`);
  return again;
}

export async function publishClosed(
  context: PullRequestContext,
  record: PullRequestRecord,
  signal: AbortSignal,
): Promise<void> {
  const { repository, publisher } = context;
  const environments = environmentsOf(context, record.base);
  if (environments.length > 0 || record.comment !== null) {
    const marker = markerOf(repository, environments);
    const wanted = { marker, body: closedComment(), stage: "closed" };
    await publisher.comment(record, wanted, signal);
    await settle(context, record, `${marker}\n${wanted.body}`);
  } else await settle(context, record, record.body);
}

/** A rebase gives the head another id, and what was merged has the files that were planned all the same. */
async function isOf(
  mirror: Mirror,
  plan: KeptPlan | undefined,
  head: string,
  mergeCommit: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (plan === undefined || plan.head === head) return plan !== undefined;
  if ((await mirror.resolve(mergeCommit)) === undefined) return false;
  return (await mirror.snapshot(mergeCommit, signal)).tree === plan.tree;
}

const settle = (
  { services, repository }: PullRequestContext,
  record: PullRequestRecord,
  body: string | null,
): Promise<void> => settlePullRequest(services.db, repository, { ...record, body });
