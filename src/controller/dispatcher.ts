/**
 * Claims runs as long as there are some that may go on and workers to perform them, then waits: for
 * a hint, for the next thing that becomes due, or for the poll that finds what no hint told of.
 */
import type { Claim } from "../model/run.ts";
import { claimRuns, readDue } from "../store/claims.ts";
import { releaseCooled } from "../store/locks.ts";
import type { Hints } from "./hints.ts";
import type { Services } from "./services.ts";
import { workOn, type WorkOutcome } from "./worker.ts";

export interface DispatcherOptions {
  /** Something about runs may have changed. */
  readonly hints: Hints;
  /** Stops claiming; runs in hand end at their next safe point, and are given back. */
  readonly drain: AbortSignal;
  readonly onWorked: (outcome: WorkOutcome) => void;
  /** Told the number of runs in hand whenever it changes. */
  readonly onWorking: (count: number) => void;
}

/** Without a hint, work of other replicas is found after this long at the latest. */
const pollMs = 5_000;

/** Runs of one claim: many enough to keep workers busy, few enough to leave some to other replicas. */
const atOnce = 4;

/** @returns when `drain` is aborted and nothing is in hand any more */
export async function dispatch(services: Services, options: DispatcherOptions): Promise<void> {
  const { db, clock, log, holder, limits } = services;
  const { hints, drain, onWorked, onWorking } = options;
  const inHand = new Set<Promise<void>>();
  const claimOptions = {
    holder,
    leaseMs: limits.leaseMs,
    perProvider: limits.workersPerProvider,
    runTimeoutMs: limits.runTimeoutMs,
    cooldowns: limits.cooldown,
  };
  const claimNext = async (): Promise<Claim[]> => {
    const free = limits.workers - inHand.size;
    if (free <= 0 || drain.aborted) return [];
    const nowMs = clock.now().getTime();
    return claimRuns(db, { ...claimOptions, atMost: Math.min(free, atOnce), nowMs });
  };

  const start = (claim: Claim): void => {
    const work = workOn(services, claim, drain)
      .then(onWorked)
      .catch((error: unknown) => log.error({ err: error, ...about(claim) }, "run interrupted"))
      .finally(() => {
        inHand.delete(work);
        onWorking(inHand.size);
        hints.give();
      });
    inHand.add(work);
    onWorking(inHand.size);
  };

  while (!drain.aborted) {
    const seen = hints.count();
    try {
      // Asked first: what becomes due meanwhile is either claimed below or waited for.
      const { nextMs = pollMs, isCoolingOver } = await readDue(db);
      if (isCoolingOver) {
        await db.transaction((tx) => releaseCooled(tx, clock.now().getTime()));
      }
      for (let claims = await claimNext(); claims.length > 0; claims = await claimNext()) {
        claims.forEach(start);
      }
      await hints.wait(seen, Math.min(Math.max(nextMs, 10), pollMs), clock, drain);
    } catch (error) {
      if (drain.aborted) break;
      log.error({ err: error }, "claiming runs");
      await hints.wait(hints.count(), pollMs, clock, drain).catch(() => undefined);
    }
  }
  await Promise.all(inHand);
}

const about = ({ repository, environment, run, uid, commit, plan }: Claim) => ({
  repository,
  environment,
  run,
  uid,
  commit,
  correlation: plan,
});
