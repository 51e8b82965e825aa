/** One repository, once: from the branch to everything settled, with whoever watches told on the way. */
import type { Plan } from "../model/plan.ts";
import { isError } from "../model/problem.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import { DatabaseUnavailableError } from "../store/database.ts";
import { listEnvironments } from "../store/environments.ts";
import { appendEvents } from "../store/events.ts";
import { listResources, resetFailures } from "../store/resources.ts";
import { openRuns } from "../store/runs.ts";
import { dispatch } from "./dispatcher.ts";
import { createHints } from "./hints.ts";
import type { EnvironmentPass, Repository } from "./repository.ts";
import type { Services } from "./services.ts";

export interface SyncOptions {
  readonly timeoutMs: number;
  /** After each pass that changed something, and after each run. */
  readonly onProgress: (passes: readonly EnvironmentPass[]) => Promise<void> | void;
}

export interface Synced {
  readonly outcome: "settled" | "failed" | "timed-out";
  readonly environments: readonly {
    readonly environment: string;
    readonly plan: Plan | undefined;
    readonly resources: readonly Recorded[];
    /** Why there is no plan. */
    readonly stalled: string | undefined;
  }[];
}

/**
 * @throws FetchError, and what keeps the status from being published. A failed run is no error: it
 *   is an outcome.
 */
export async function sync(
  services: Services,
  repository: Repository,
  options: SyncOptions,
  signal: AbortSignal,
): Promise<Synced> {
  const { db, clock } = services;
  const hints = createHints();
  const drain = new AbortController();
  const stopListening = await db.listen("innominatus", () => hints.give());
  const late = clock.now().getTime() + options.timeoutMs;
  const dispatching = dispatch(services, {
    hints,
    drain: AbortSignal.any([drain.signal, signal]),
    onWorking: () => undefined,
    onWorked: () => undefined,
  });
  try {
    await repository.fetch(signal);
    let working = await hasOpenRuns(services, repository);
    let passes = await firstPass(services, repository, signal);
    for (;;) {
      const seen = hints.count();
      // A status branch that takes nothing keeps no run from its work; the last publication tells.
      await repository.publish(signal).catch(unlessLost(signal));
      await options.onProgress(passes);
      hints.give();
      // A pass says what is left to do only if nothing was being done while it looked.
      const quiet = !working && passes.every(({ pass }) => !isChange(pass));
      working = await hasOpenRuns(services, repository);
      const settled = quiet && !working;
      if (settled || clock.now().getTime() >= late) {
        await repository.publish(signal);
        return await summarize(services, repository, passes, settled);
      }
      if (working) await hints.wait(seen + 1, 500, clock, signal);
      signal.throwIfAborted();
      working = await hasOpenRuns(services, repository);
      passes = await repository.pass(signal);
    }
  } finally {
    drain.abort();
    await dispatching;
    await stopListening();
  }
}

const unlessLost =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (signal.aborted || error instanceof DatabaseUnavailableError) throw error;
  };

/** Whoever asks for a sync asks for what failed to be tried again, as `retry` does. */
async function firstPass(
  { db, clock }: Services,
  repository: Repository,
  signal: AbortSignal,
): Promise<readonly EnvironmentPass[]> {
  const passes = await repository.pass(signal);
  const again: string[] = [];
  for (const { environment } of passes) {
    const scope = { repository: repository.name, environment };
    const reset = await db.transaction(async (tx) => {
      const uids = await resetFailures(tx, scope, { stalled: true });
      const facts = uids.map((uid) => ({ ...scope, type: "BlockCleared", actor: "sync", uid }));
      await appendEvents(tx, facts, clock.now().getTime());
      return uids;
    });
    again.push(...reset);
  }
  return again.length > 0 ? repository.pass(signal) : passes;
}

const isChange = (pass: EnvironmentPass["pass"]): boolean =>
  pass.kind === "planned" && (pass.changed || pass.queued > 0);

async function hasOpenRuns({ db }: Services, { name }: Repository): Promise<boolean> {
  for (const scope of await listEnvironments(db)) {
    if (scope.repository === name && (await openRuns(db, scope)).length > 0) return true;
  }
  return false;
}

async function summarize(
  { db }: Services,
  repository: Repository,
  passes: readonly EnvironmentPass[],
  settled: boolean,
): Promise<Synced> {
  const environments = [];
  for (const { environment, pass } of passes) {
    const resources = await listResources(db, { repository: repository.name, environment });
    const plan = pass.kind === "stalled" ? undefined : pass.plan;
    const stalled = pass.kind === "stalled" ? pass.message : undefined;
    environments.push({ environment, plan, resources, stalled });
  }
  const failed = environments.some(
    ({ plan, resources, stalled }) =>
      stalled !== undefined ||
      plan === undefined ||
      plan.summary.held > 0 ||
      plan.problems.some(isError) ||
      resources.some((it) => ["failed", "held"].includes(phaseOf(it))),
  );
  return { outcome: !settled ? "timed-out" : failed ? "failed" : "settled", environments };
}
