/** The plans of open pull requests, for all the environments of their branches. */
import type { JsonRecord } from "../model/json.ts";
import type { Planning } from "../report/comment/open.ts";
import { FetchError } from "../source/fetch-error.ts";
import type { PullRequestRecord } from "../store/pull-requests.ts";
import type { CatalogOf } from "./catalog.ts";
import type { PullRequestContext } from "./pull-request-context.ts";
import { createPullRequestPlanner, type PullRequestPlanner } from "./pull-request-plan.ts";
import { keepPlan } from "./pull-request-record.ts";

export interface PlannedOpen {
  readonly plannings: readonly Planning[];
  /** As they are kept, by environment. */
  readonly plans: JsonRecord;
}

export interface PullRequestPlanners {
  /** Gets the heads, and reads the record anew. */
  prepare(open: readonly PullRequestRecord[], signal: AbortSignal): Promise<void>;
  /** @returns `undefined` while its head or what it is compared with is not there yet */
  plan(
    record: PullRequestRecord,
    environments: readonly string[],
    signal: AbortSignal,
  ): Promise<PlannedOpen | undefined>;
  /** Before it is planned again whatever has changed. */
  forget(number: number): void;
}

export function createPlanners(
  { services, repository, mirror, forge, targets }: PullRequestContext,
  catalogOf: CatalogOf,
): PullRequestPlanners {
  const { log } = services;
  const planners = new Map<string, PullRequestPlanner>();
  const here = new Set<string>();

  const plannerOf = (environment: string, branch: string): PullRequestPlanner => {
    const key = `${environment} ${branch}`;
    const scope = { repository, environment };
    const planner =
      planners.get(key) ?? createPullRequestPlanner(services, scope, mirror, branch, catalogOf);
    planners.set(key, planner);
    return planner;
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
        log.warn({ err: error, repository, number }, "fetching the head of a pull request");
      }
    }
  };

  return {
    async prepare(open, signal) {
      await fetchHeads(open, signal);
      for (const { environment, branch, stalled } of targets()) {
        if (stalled === undefined) await plannerOf(environment, branch).refresh(signal);
      }
    },
    async plan(record, environments, signal) {
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
    },
    forget(number) {
      for (const planner of planners.values()) planner.forget(number);
    },
  };
}
