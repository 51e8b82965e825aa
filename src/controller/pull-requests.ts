/**
 * The pull requests of one repository, level-based: a pass looks at the forge, the branches and the
 * record, and publishes what differs from what is published. A webhook only makes it look sooner; one
 * replica does it at a time; a forge that is away keeps nobody but it from going on.
 */
import type { JsonRecord } from "../model/json.ts";
import type { Scope, Uid } from "../model/uid.ts";
import { aloofComment, closedComment, undoneLine } from "../report/comment/closed.ts";
import { planCheck } from "../report/comment/check-run.ts";
import { isSettled, liveComment } from "../report/comment/live.ts";
import { commitMarkerOf, markerOf } from "../report/comment/marker.ts";
import { openComment, type Note, type Planning } from "../report/comment/open.ts";
import {
  deletionVerdict,
  noDeletions,
  pendingVerdict,
  planVerdict,
  reconcileVerdict,
} from "../report/comment/statuses.ts";
import type { Forge } from "../report/forge/forge.ts";
import { ForgeError } from "../report/forge/forge-error.ts";
import { FetchError } from "../source/fetch-error.ts";
import type { Mirror } from "../source/mirror.ts";
import { readEnvironment } from "../store/environments.ts";
import {
  claimPoll,
  releasePoll,
  renewPoll,
  saveBranches,
  saveCommentsSince,
  type ForgePoll,
} from "../store/forge-polls.ts";
import {
  forgetComments,
  livePullRequests,
  pullRequestMergedAs,
  readPullRequest,
  savePlans,
  savePullRequests,
  settlePullRequest,
  type PullRequestRecord,
} from "../store/pull-requests.ts";
import type { CatalogOf } from "./catalog.ts";
import { followCommits } from "./pull-request-branches.ts";
import { answerCommands } from "./pull-request-commands.ts";
import { readLive, type Landings } from "./pull-request-live.ts";
import { createPullRequestPlanner, type PullRequestPlanner } from "./pull-request-plan.ts";
import { createPublisher } from "./pull-request-publish.ts";
import { factsFrom, keepPlan, plansOf, type KeptPlan } from "./pull-request-record.ts";
import type { Services } from "./services.ts";
import type { Target, Targets } from "./targets.ts";

export interface PullRequestOptions {
  readonly forge: Forge;
  /** Comments on commits that came without a pull request. */
  readonly commitComments: boolean;
  /** What `innominatus why` says, as plain text. */
  readonly explain: (scope: Scope, uid: Uid) => Promise<string>;
}

/** What it works on: see repository.ts. */
export interface PullRequestSource {
  readonly name: string;
  readonly mirror: Mirror;
  targets(signal: AbortSignal): Promise<Targets>;
}

export interface PullRequestPass {
  /** Something is worth doing so much later; `undefined`: nothing, until something changes. */
  readonly againMs: number | undefined;
  /** Another replica is at it: nothing was done. */
  readonly busy: boolean;
}

export interface PullRequests {
  /** @param ask the forge for what is new there; else what it said last is gone on with. @throws {ForgeError} */
  pass(ask: boolean, signal: AbortSignal): Promise<PullRequestPass>;
}

const leaseMs = 60_000;
/** While another replica looks. */
const elsewhereMs = 1_000;
/** Comments that we did not touch are looked at again: a person may have removed one. */
const verifyMs = 3_600_000;

export function openPullRequests(
  services: Services,
  source: PullRequestSource,
  catalogOf: CatalogOf,
  options: PullRequestOptions,
): PullRequests {
  const { db, clock, log, holder } = services;
  const { name, mirror } = source;
  const { forge } = options;
  const publisher = createPublisher(services, name, forge);
  const planners = new Map<string, PullRequestPlanner>();
  const landings: Landings = new Map();
  /** What was published whole, and needs no second look while it stays so. */
  const done = new Map<number, { readonly key: string; readonly plannings: readonly Planning[] }>();
  const here = new Set<string>();
  let targets: readonly Target[] = [];
  let verifiedAt = clock.now().getTime();
  let leasedAt = 0;

  const environmentsOf = (base: string): readonly string[] =>
    targets.filter((it) => it.branch === base).map((it) => it.environment);

  const plannerOf = (environment: string, branch: string): PullRequestPlanner => {
    const key = `${environment} ${branch}`;
    const scope = { repository: name, environment };
    const planner =
      planners.get(key) ?? createPullRequestPlanner(services, scope, mirror, branch, catalogOf);
    planners.set(key, planner);
    return planner;
  };

  /** Before whatever another replica must not do as well. */
  const stillOurs = async (): Promise<void> => {
    const now = clock.now().getTime();
    if (now - leasedAt < leaseMs / 4) return;
    if (!(await renewPoll(db, name, holder, leaseMs))) throw new LostPoll();
    leasedAt = now;
  };

  const askForge = async (poll: ForgePoll, signal: AbortSignal): Promise<void> => {
    const { pullRequests } = await forge.listPullRequests(signal);
    await savePullRequests(db, name, pullRequests.map(factsFrom));
    const open = new Set(pullRequests.map((it) => it.number));
    for (const { number, state } of await livePullRequests(db, name)) {
      if (state !== "open" || open.has(number)) continue;
      const found = await forge.readPullRequest(number, signal);
      if (found !== undefined) await savePullRequests(db, name, [factsFrom(found)]);
    }
    await followBranches(poll, signal);
    // Before the first pull request there is nothing that somebody could have asked for.
    const since = poll.commentsSince ?? pullRequests.map((it) => it.updatedAt).toSorted()[0];
    if (since !== undefined) await readComments(since, signal);
  };

  const readComments = async (since: string, signal: AbortSignal): Promise<void> => {
    const { comments } = await forge.listComments(since, signal);
    for (const it of comments.filter((comment) => comment.own)) {
      const record = await readPullRequest(db, name, it.number);
      if (record?.comment !== it.id || record.body === null || isSame(record.body, it.body)) {
        continue;
      }
      await forgetComments(db, name, [it.number]);
    }
    const replan = (number: number): void => {
      for (const planner of planners.values()) planner.forget(number);
    };
    const { explain } = options;
    const context = { services, repository: name, forge, environmentsOf, explain, replan };
    await answerCommands(context, comments, signal);
    const latest = comments
      .map((it) => it.updatedAt)
      .toSorted()
      .at(-1);
    await saveCommentsSince(db, name, latest ?? since);
  };

  const followBranches = async (poll: ForgePoll, signal: AbortSignal): Promise<void> => {
    const branches = { ...poll.branches };
    for (const branch of new Set(targets.map((it) => it.branch))) {
      const to = await mirror.resolve(branch);
      if (to === undefined) continue;
      const from = branches[branch] ?? to;
      await followCommits(db, name, forge, mirror, { branch, from, to }, signal);
      branches[branch] = to;
    }
    if (JSON.stringify(branches) !== JSON.stringify(poll.branches)) {
      await saveBranches(db, name, branches);
    }
  };

  const isHere = async (commit: string): Promise<boolean> => {
    if (here.has(commit)) return true;
    const found = (await mirror.resolve(commit)) !== undefined;
    if (found) here.add(commit);
    return found;
  };

  /** Heads that no branch of the repository has come along with, from forks mostly. */
  const fetchHeads = async (
    records: readonly PullRequestRecord[],
    signal: AbortSignal,
  ): Promise<void> => {
    for (const { number, head } of records) {
      if (await isHere(head)) continue;
      try {
        await mirror.fetchRefs([forge.headRef(number)], signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FetchError)) throw error;
        log.warn({ err: error, repository: name, number }, "fetching the head of a pull request");
      }
    }
  };

  const planOpen = async (
    record: PullRequestRecord,
    environments: readonly string[],
    signal: AbortSignal,
  ): Promise<PlannedOpen | undefined> => {
    if (!(await isHere(record.head))) return undefined;
    const plannings: Planning[] = [];
    const plans: Record<string, JsonRecord> = {};
    for (const environment of environments) {
      const planned = await plannerOf(environment, record.base).plan(record, signal);
      if (planned === undefined) return undefined;
      const { planning, tree } = planned;
      plannings.push(planning);
      if (planning.kind === "planned") {
        plans[environment] = keepPlan(planning.plan, record.head, tree);
      }
    }
    return { plannings, plans };
  };

  /** @param before what the open pull requests with lower numbers would do, as planned in this pass */
  const publishOpen = async (
    record: PullRequestRecord,
    before: readonly Earlier[],
    signal: AbortSignal,
  ): Promise<{ readonly again: number | undefined; readonly plans: JsonRecord }> => {
    const environments = environmentsOf(record.base);
    const { number, head, base, url } = record;
    if (environments.length === 0) {
      if (record.comment === null) return { again: undefined, plans: {} };
      const marker = markerOf(name, environments);
      const wanted = { marker, body: aloofComment(base), stage: `aloof ${base}` };
      return { again: await publisher.comment(record, wanted, signal), plans: {} };
    }
    const planned = await planOpen(record, environments, signal);
    if (planned === undefined) {
      for (const it of environments) await publisher.status(head, pendingVerdict(it), url, signal);
      return { again: undefined, plans: {} };
    }
    const { plannings, plans } = planned;
    const told = plannings.map((it) => withOthers(it, before));
    const key = JSON.stringify([record, told.map((it) => (it.kind === "planned" ? it.notes : it))]);
    const last = done.get(number);
    if (last?.key === key && last.plannings.every((it, index) => it === plannings[index])) {
      return { again: undefined, plans };
    }
    await savePlans(db, name, number, plans);
    const limit = Math.min(forge.bodyLimit, 60_000) - 4_000;
    const body = `${openComment(record, told, forge.links, limit)}${answerOf(record)}`;
    const wanted = { marker: markerOf(name, environments), body, stage: `open ${base} ${head}` };
    const again = await publisher.comment(record, wanted, signal);
    for (const it of told) {
      await publisher.status(head, planVerdict(it), url, signal);
      await publisher.check(head, planCheck(it), signal);
      if (it.kind !== "planned") continue;
      const none = noDeletions(it.plan.environment);
      const deletions =
        deletionVerdict(it.plan) ?? ((await publisher.said(head, none.context)) ? none : undefined);
      if (deletions !== undefined) await publisher.status(head, deletions, url, signal);
    }
    if (again === undefined) done.set(number, { key, plannings });
    return { again, plans };
  };

  const publishMerged = async (
    record: PullRequestRecord,
    signal: AbortSignal,
  ): Promise<number | undefined> => {
    const { base, url, mergeCommit, undoneBy } = record;
    const environments = environmentsOf(base);
    if (environments.length === 0 || mergeCommit === null) {
      if (environments.length === 0) await settle(record, record.body);
      return undefined;
    }
    const marker = markerOf(name, environments);
    if (undoneBy !== null && record.body !== null && record.stage.startsWith("merged")) {
      // What it became stays as it was told; one line says that it is no more.
      const line = undoneLine(undoneBy, forge.links);
      const before = record.body.slice(record.body.indexOf("\n") + 1);
      const body = before.startsWith(line) ? before : `${line}\n\n${before}`;
      const again = await publisher.comment(
        record,
        { marker, body, stage: "merged undone" },
        signal,
      );
      if (again === undefined) await settle(record, `${marker}\n${body}`);
      return again;
    }
    const plans = plansOf(record);
    const lives = [];
    for (const environment of environments) {
      const scope = { repository: name, environment };
      const plan: KeptPlan | undefined = plans[environment];
      const concerns = (await isOf(plan, record.head, mergeCommit, signal))
        ? plan?.operations
        : undefined;
      lives.push(await readLive(db, mirror, scope, mergeCommit, concerns, landings));
    }
    const states = lives.map((it) => it.state);
    const limit = Math.min(forge.bodyLimit, 60_000) - 4_000;
    const undone = undoneBy === null ? "" : `${undoneLine(undoneBy, forge.links)}\n\n`;
    const body = `${undone}${liveComment(states, forge.links, limit)}${answerOf(record)}`;
    const again = await publisher.comment(record, { marker, body, stage: "merged" }, signal);
    for (const it of states) {
      await publisher.status(mergeCommit, reconcileVerdict(it), url, signal);
    }
    const over = lives.every((it) => it.landed && isSettled(it.state));
    if (over && again === undefined) await settle(record, `${marker}\n${body}`);
    return again;
  };

  /** A rebase gives the head another id, and what was merged has the files that were planned all the same. */
  const isOf = async (
    plan: KeptPlan | undefined,
    head: string,
    mergeCommit: string,
    signal: AbortSignal,
  ): Promise<boolean> => {
    if (plan === undefined || plan.head === head) return plan !== undefined;
    if ((await mirror.resolve(mergeCommit)) === undefined) return false;
    return (await mirror.snapshot(mergeCommit, signal)).tree === plan.tree;
  };

  const publishClosed = async (record: PullRequestRecord, signal: AbortSignal): Promise<void> => {
    const environments = environmentsOf(record.base);
    if (environments.length > 0 || record.comment !== null) {
      const marker = markerOf(name, environments);
      const wanted = { marker, body: closedComment(), stage: "closed" };
      await publisher.comment(record, wanted, signal);
      await settle(record, `${marker}\n${wanted.body}`);
    } else await settle(record, record.body);
  };

  const settle = (record: PullRequestRecord, body: string | null): Promise<void> =>
    settlePullRequest(db, name, { ...record, body });

  /** What no pull request brought: the tip of each branch, as it was looked at last. */
  const publishTips = async (signal: AbortSignal): Promise<void> => {
    for (const { environment, stalled } of targets) {
      if (stalled !== undefined) continue;
      const scope = { repository: name, environment };
      const commit = (await readEnvironment(db, scope))?.observedCommit;
      if (commit == null) continue;
      if ((await pullRequestMergedAs(db, name, commit)) !== undefined) continue;
      const { state } = await readLive(db, mirror, scope, commit, undefined, landings);
      const url = forge.links.commit(commit);
      await publisher.status(commit, reconcileVerdict(state), url, signal);
      if (!options.commitComments || state.resources.length === 0) continue;
      const body = liveComment([state], forge.links, Math.min(forge.bodyLimit, 60_000) - 4_000);
      await publisher.commitComment(commit, { marker: commitMarkerOf(name), body }, signal);
    }
  };

  const publishAll = async (signal: AbortSignal): Promise<number | undefined> => {
    const records = await livePullRequests(db, name);
    const open = records.filter((it) => it.state === "open");
    await fetchHeads(open, signal);
    for (const { environment, branch, stalled } of targets) {
      if (stalled === undefined) await plannerOf(environment, branch).refresh(signal);
    }
    const waits: number[] = [];
    const before: Earlier[] = [];
    for (const record of records) {
      signal.throwIfAborted();
      await stillOurs();
      try {
        let again: number | undefined;
        if (record.state === "open") {
          const earlier = before.filter((it) => it.base === record.base);
          const published = await publishOpen(record, earlier, signal);
          before.push({ ...record, plans: published.plans });
          ({ again } = published);
        } else if (record.state === "merged") again = await publishMerged(record, signal);
        else await publishClosed(record, signal);
        if (again !== undefined) waits.push(again);
      } catch (error) {
        if (!(error instanceof ForgeError) || endsPass(error)) throw error;
        const where = { repository: name, number: record.number };
        log.error({ err: error, ...where }, "publishing on a pull request");
      }
    }
    await publishTips(signal);
    return waits.length === 0 ? undefined : Math.min(...waits);
  };

  const pass = async (ask: boolean, signal: AbortSignal): Promise<PullRequestPass> => {
    const poll = await claimPoll(db, name, holder, leaseMs);
    if (poll === undefined) return { againMs: elsewhereMs, busy: true };
    leasedAt = clock.now().getTime();
    try {
      ({ targets } = await source.targets(signal));
      if (leasedAt - verifiedAt >= verifyMs) {
        await forgetComments(db, name, undefined);
        verifiedAt = leasedAt;
      }
      if (ask) await askForge(poll, signal);
      return { againMs: await publishAll(signal), busy: false };
    } catch (error) {
      if (error instanceof LostPoll) return { againMs: elsewhereMs, busy: true };
      throw error;
    } finally {
      await releasePoll(db, name, holder);
    }
  };

  /** One at a time: the lease is the process', and would keep no pass of ours from another. */
  let turn: Promise<unknown> = Promise.resolve();
  return {
    pass(ask, signal) {
      const result = turn.then(() => pass(ask, signal));
      turn = result.catch(() => undefined);
      return result;
    },
  };
}

interface PlannedOpen {
  readonly plannings: readonly Planning[];
  /** As they are kept, by environment. */
  readonly plans: JsonRecord;
}

type Earlier = Pick<PullRequestRecord, "number" | "base" | "plans">;

class LostPoll extends Error {
  override readonly name = "LostPoll";
}

/** Nobody else's comment would fare better. */
const endsPass = ({ failure }: ForgeError): boolean =>
  failure.kind === "rate-limited" ||
  failure.kind === "unavailable" ||
  failure.kind === "unauthorized";

const isSame = (a: string, b: string): boolean =>
  a.replaceAll("\r\n", "\n").trimEnd() === b.replaceAll("\r\n", "\n").trimEnd();

const answerOf = ({ answer }: PullRequestRecord): string =>
  answer === null ? "" : `\n---\n\n${answer}\n`;

/** The later of two says that they touch the same: the one with the higher number. */
function withOthers(planning: Planning, before: readonly Earlier[]): Planning {
  if (planning.kind !== "planned") return planning;
  const { operations, environment } = planning.plan;
  const own = new Set(operations.filter((it) => it.operation !== "none").map((it) => it.uid));
  const notes = before.flatMap((other): Note[] =>
    (plansOf(other)[environment]?.operations ?? [])
      .filter((it) => it.operation !== "none" && own.has(it.uid))
      .map(({ uid }) => ({ kind: "also-touched", uid, number: other.number })),
  );
  return notes.length === 0 ? planning : { ...planning, notes: [...planning.notes, ...notes] };
}
