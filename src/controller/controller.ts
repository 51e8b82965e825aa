/**
 * The long-running controller: every repository looked at when something may have changed, runs
 * dispatched, status published. Any loop may be stopped at any instruction and started again.
 */
import { createHints, type Hints } from "./hints.ts";
import { dispatch } from "./dispatcher.ts";
import { followPullRequests } from "./pull-request-loop.ts";
import type { PullRequests } from "./pull-requests.ts";
import type { Repository } from "./repository.ts";
import type { Services } from "./services.ts";
import { spread } from "../model/clock.ts";
import { FetchError } from "../source/fetch-error.ts";
import { nextDueMs } from "../store/claims.ts";
import { saveLook } from "../store/environments.ts";
import type { WorkOutcome } from "./worker.ts";

export interface ControllerOptions {
  readonly pollMs: number;
  readonly resyncMs: number;
  /** Opens a repository, or throws while its remote cannot be reached. */
  readonly repositories: readonly OpenableRepository[];
  readonly providers: WatchedProviders;
  readonly observe: Observer;
}

/** Providers from outside of the repositories. */
export interface WatchedProviders {
  /** @returns whether there is anything new */
  refresh(signal: AbortSignal): Promise<boolean>;
  watch(hints: Hints, signal: AbortSignal): void;
}

export interface OpenableRepository {
  readonly name: string;
  open(signal: AbortSignal): Promise<Repository>;
  /** Hints whenever the repository may have changed, until the signal is aborted. */
  watch(hints: Hints, signal: AbortSignal): void;
  /** Where its pull requests are, if that is known. */
  readonly pullRequests?: (repository: Repository) => PullRequests;
}

/** What the loops tell of themselves, for metrics and readiness. */
export interface Observer {
  worked(outcome: WorkOutcome): void;
  /** Runs in hand. */
  working(count: number): void;
  fetched(repository: string, result: "fetched" | "unchanged" | "failed"): void;
  passed(repository: string, durationMs: number, result: "done" | "requeue" | "stalled"): void;
  published(repository: string, result: "published" | "unchanged" | "failed"): void;
}

/** @returns when `stop` is aborted and every run in hand has come to its safe point */
export async function control(
  services: Services,
  options: ControllerOptions,
  stop: AbortSignal,
): Promise<void> {
  const { db } = services;
  const work = createHints();
  const looks = options.repositories.map((repository) => ({ repository, hints: createHints() }));
  const stopListening = await db.listen("innominatus", () => {
    work.give();
    for (const { hints } of looks) hints.give();
  });
  const dispatching = dispatch(services, {
    hints: work,
    drain: stop,
    onWorking: (count) => options.observe.working(count),
    onWorked(outcome) {
      options.observe.worked(outcome);
      for (const { hints } of looks) hints.give();
    },
  });
  await Promise.all([
    followProviders(services, options, () => looks.forEach(({ hints }) => hints.give()), stop),
    ...looks.map(({ repository, hints }) =>
      follow(services, options, repository, hints, work, stop),
    ),
  ]);
  await dispatching;
  await stopListening();
}

/** A changed provider is looked at with every repository: what it made may have to be updated. */
async function followProviders(
  { clock, random, log }: Services,
  { providers, pollMs }: ControllerOptions,
  onChange: () => void,
  stop: AbortSignal,
): Promise<void> {
  const hints = createHints();
  providers.watch(hints, stop);
  while (!stop.aborted) {
    const seen = hints.count();
    await hints.wait(seen, spread(pollMs, 0.1, random), clock, stop);
    if (stop.aborted) return;
    try {
      if (await providers.refresh(stop)) onChange();
    } catch (error) {
      log.error({ err: error }, "reading providers");
    }
  }
}

/** One repository's loop: wait for a reason to look, look, publish. */
async function follow(
  services: Services,
  options: ControllerOptions,
  openable: OpenableRepository,
  hints: Hints,
  work: Hints,
  stop: AbortSignal,
): Promise<void> {
  const { db, clock, log } = services;
  const remote = createHints();
  openable.watch({ ...remote, give: () => (remote.give(), hints.give()) }, stop);
  const asking = askRemote(services, options, openable.name, remote);
  const looked = createHints();
  let pulling: Promise<void> | undefined;
  let repository: Repository | undefined;
  let failures = 0;

  while (!stop.aborted) {
    const seen = hints.count();
    let waitMs: number;
    try {
      repository ??= await openable.open(stop);
      const pulls = pulling === undefined ? openable.pullRequests?.(repository) : undefined;
      if (pulls !== undefined) {
        pulling = followPullRequests(services, pulls, options.pollMs, looked, remote, stop);
      }
      // Asked before the look as well: what becomes due during it may not have been seen by it.
      const before = await nextDueMs(db);
      const unreachable = await asking.fetch(repository, stop);
      await lookAndPublish(services, options, repository, unreachable, work, stop);
      looked.give();
      failures = 0;
      const due = Math.min(before ?? options.resyncMs, (await nextDueMs(db)) ?? options.resyncMs);
      waitMs = Math.min(asking.nextMs(), due);
    } catch (error) {
      if (stop.aborted) break;
      failures += 1;
      if (repository === undefined) options.observe.fetched(openable.name, "failed");
      log.error({ err: error, repository: openable.name }, "looking at the repository");
      waitMs = backoffMs(failures, options);
    }
    await hints.wait(seen, Math.max(waitMs, 10), clock, stop);
  }
  await pulling;
  await repository?.close();
}

/** 2 s, 4 s, 8 s, … up to the poll's interval. */
const backoffMs = (failures: number, { pollMs }: ControllerOptions): number =>
  Math.min(pollMs, 1_000 * 2 ** Math.min(failures, 8));

/**
 * Fetches when it is time, or somebody told. A remote that does not answer is asked again sooner,
 * and keeps nobody from going on with what it said last.
 */
function askRemote(
  { clock, random, log }: Services,
  options: ControllerOptions,
  name: string,
  told: Hints,
): {
  /** @returns why the remote cannot be reached, as it was found last */
  fetch(repository: Repository, stop: AbortSignal): Promise<FetchError | undefined>;
  nextMs(): number;
} {
  let heard = -1;
  let due = { fromMs: 0, waitMs: 0 };
  let failures = 0;
  let unreachable: FetchError | undefined;
  const after = (waitMs: number) => ({ fromMs: clock.now().getTime(), waitMs });
  const leftMs = (): number => {
    const goneMs = clock.now().getTime() - due.fromMs;
    // The clock was set back, by who knows how much: waiting for the old time could take for ever.
    return goneMs < 0 ? 0 : due.waitMs - goneMs;
  };
  return {
    nextMs: leftMs,
    async fetch(repository, stop) {
      if (leftMs() > 0 && told.count() <= heard) return unreachable;
      heard = told.count();
      try {
        const changed = await repository.fetch(stop);
        failures = 0;
        unreachable = undefined;
        due = after(spread(options.pollMs, 0.1, random));
        options.observe.fetched(name, changed ? "fetched" : "unchanged");
      } catch (error) {
        stop.throwIfAborted();
        if (!(error instanceof FetchError)) throw error;
        unreachable = error;
        failures += 1;
        due = after(backoffMs(failures, options));
        options.observe.fetched(name, "failed");
        log.error({ err: error, repository: name }, "fetching the repository");
      }
      return unreachable;
    },
  };
}

async function lookAndPublish(
  { db, clock, log }: Services,
  { observe }: ControllerOptions,
  repository: Repository,
  unreachable: FetchError | undefined,
  work: Hints,
  stop: AbortSignal,
): Promise<void> {
  const startedAt = clock.now().getTime();
  const passes = await repository.pass(stop);
  const stalled = passes.some(({ pass }) => pass.kind === "stalled");
  const planned = passes.some(({ pass }) => pass.kind === "planned");
  const tookMs = clock.now().getTime() - startedAt;
  if (planned || stalled) observe.passed(repository.name, tookMs, stalled ? "stalled" : "done");
  for (const { environment, pass } of passes) {
    const where = { repository: repository.name, environment };
    if (pass.kind === "planned" && pass.queued > 0) {
      log.info({ ...where, commit: pass.plan.commit, ...pass.plan.summary }, "planned");
    }
    if (pass.kind === "stalled") log.warn({ ...where, reason: pass.reason }, pass.message);
    // What the look found is of the last commit that could be had, and no news.
    if (unreachable !== undefined) await saveLook(db, where, unreachable);
  }
  work.give();
  try {
    const { changed } = await repository.publish(stop);
    observe.published(repository.name, changed ? "published" : "unchanged");
  } catch (error) {
    if (!stop.aborted) observe.published(repository.name, "failed");
    throw error;
  }
}
