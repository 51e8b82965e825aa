/**
 * The pull requests of one repository, level-based: a pass looks at the forge, the branches and the
 * record, and publishes what differs from what is published. A webhook only makes it look sooner; one
 * replica does it at a time; a forge that is away keeps nobody but it from going on.
 */
import type { Forge } from "../report/forge/forge.ts";
import { ForgeError } from "../report/forge/forge-error.ts";
import type { Mirror } from "../source/mirror.ts";
import { claimPoll, releasePoll, renewPoll } from "../store/forge-polls.ts";
import { forgetComments, livePullRequests } from "../store/pull-requests.ts";
import type { CatalogOf } from "./catalog.ts";
import { askForge, type AskOptions } from "./pull-request-ask.ts";
import type { PullRequestContext } from "./pull-request-context.ts";
import { openPublisher, type Earlier } from "./pull-request-open.ts";
import { publishClosed, publishMerged } from "./pull-request-over.ts";
import { createPlanners } from "./pull-request-planners.ts";
import { createPublisher } from "./pull-request-publish.ts";
import { publishTips, type TipOptions } from "./pull-request-tips.ts";
import type { Services } from "./services.ts";
import type { Target, Targets } from "./targets.ts";

export interface PullRequestOptions extends TipOptions, Pick<AskOptions, "explain"> {
  readonly forge: Forge;
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
  const { forge, explain } = options;
  let targets: readonly Target[] = [];
  let verifiedAt = clock.now().getTime();
  let leasedAt = 0;
  const context: PullRequestContext = {
    services,
    repository: name,
    mirror,
    forge,
    publisher: createPublisher(services, name, forge),
    landings: new Map(),
    targets: () => targets,
  };
  const planners = createPlanners(context, catalogOf);
  const publishOpen = openPublisher(context, planners);

  /** Before whatever another replica must not do as well. */
  const stillOurs = async (): Promise<void> => {
    const now = clock.now().getTime();
    if (now - leasedAt < leaseMs / 4) return;
    if (!(await renewPoll(db, name, holder, leaseMs))) throw new LostPoll();
    leasedAt = now;
  };

  const publishAll = async (signal: AbortSignal): Promise<number | undefined> => {
    const records = await livePullRequests(db, name);
    const open = records.filter((it) => it.state === "open");
    await planners.prepare(open, signal);
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
        } else if (record.state === "merged") again = await publishMerged(context, record, signal);
        else await publishClosed(context, record, signal);
        if (again !== undefined) waits.push(again);
      } catch (error) {
        if (!(error instanceof ForgeError) || endsPass(error)) throw error;
        const where = { repository: name, number: record.number };
        log.error({ err: error, ...where }, "publishing on a pull request");
      }
    }
    await publishTips(context, options, signal);
    return waits.length === 0 ? undefined : Math.min(...waits);
  };

  const replan = (number: number): void => planners.forget(number);

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
      if (ask) await askForge(context, poll, { explain, replan }, signal);
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

class LostPoll extends Error {
  override readonly name = "LostPoll";
}

/** Nobody else's comment would fare better. */
const endsPass = ({ failure }: ForgeError): boolean =>
  failure.kind === "rate-limited" ||
  failure.kind === "unavailable" ||
  failure.kind === "unauthorized";
