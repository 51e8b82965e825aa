/**
 * One environment, level-based: whatever happened, a pass looks at the branch and the record, plans,
 * and records the plan. Nothing is remembered between passes but what makes the next one cheap.
 */
import { StallingError } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import type { Recorded } from "../model/resource.ts";
import type { Scope } from "../model/uid.ts";
import type { Mirror } from "../source/mirror.ts";
import { approvedPlans } from "../store/approvals.ts";
import { readEnvironment, saveLook } from "../store/environments.ts";
import { storeNow } from "../store/database-time.ts";
import { recentDeletions } from "../store/runs.ts";
import { listWorkloads } from "../store/workloads.ts";
import { applyLook, lookReasons } from "./apply.ts";
import type { CatalogOf } from "./catalog.ts";
import { createLooker, type Look, type RecordedEnvironment } from "./look.ts";
import { cacheRecorded } from "./recorded.ts";
import type { Services } from "./services.ts";

export type Pass =
  /** Neither the branch nor the record has changed since the last pass. */
  | { readonly kind: "unchanged"; readonly plan: Plan }
  | {
      readonly kind: "planned";
      readonly plan: Plan;
      readonly queued: number;
      readonly changed: boolean;
    }
  /** There is nothing to plan from; what is recorded stays as it is. */
  | { readonly kind: "stalled"; readonly reason: string; readonly message: string };

export interface Environment {
  readonly scope: Scope;
  pass(mirror: Mirror, branch: string, signal: AbortSignal): Promise<Pass>;
  /** What a commit would lead to, by what is recorded now. Changes nothing; waits for a pass under way. */
  preview(mirror: Mirror, commit: string, signal: AbortSignal): Promise<Look>;
}

/** Time alone has made something possible. */
const isDue = ({ gate, nextAttemptAt }: Recorded, now: string): boolean =>
  (gate?.until !== undefined && gate.until <= now) ||
  (nextAttemptAt !== null && nextAttemptAt <= now);

/** Passes that find the environment moved on under them begin again, so often at the most. */
const attempts = 10;

export function openEnvironment(
  services: Services,
  scope: Scope,
  catalogOf: CatalogOf,
): Environment {
  const { db, clock, limits } = services;
  let looker = createLooker(scope, catalogOf);
  const recorded = cacheRecorded(scope);
  let readAt = clock.now().getTime();
  /** The commit that this process looked at last. */
  let own: string | undefined;
  let last: { readonly key: string; readonly look: Look } | undefined;

  /** Whatever is remembered is read again, so that no mistake in it lives for longer than a resync. */
  const forget = (): void => {
    readAt = clock.now().getTime();
    looker = createLooker(scope, catalogOf);
    recorded.clear();
    last = undefined;
  };

  const passOnce = async (
    mirror: Mirror,
    branch: string,
    signal: AbortSignal,
  ): Promise<Pass | undefined> => {
    if (Math.abs(clock.now().getTime() - readAt) >= limits.resyncMs) forget();
    const environment = await readEnvironment(db, scope);
    let commit = await mirror.resolve(branch);
    const observed = environment?.observedCommit ?? null;
    if (observed !== null && observed !== commit && observed !== own) {
      // Another replica has seen another commit: whose is newer, only the remote can say (law 5).
      await mirror.fetch(signal);
      commit = await mirror.resolve(branch);
    }
    if (commit === undefined) return missingBranch(branch, environment !== undefined);
    await recorded.refresh(db);
    const approved = await approvedPlans(db, scope);
    const now = await storeNow(db);
    const due = [...recorded.all.values()].some((it) => isDue(it, now));
    // Deletions an hour old no longer count, and then something else may be possible (law 4).
    const deletions = await recentDeletions(db, scope);
    // What came between the last look and this one, like a branch that was away, is told of no longer.
    const told = environment?.observedCommit === commit && lookReasons.has(environment.reason);
    const key = JSON.stringify([commit, branch, recorded.version, [...approved], [...deletions]]);
    const same = last?.key === key && told && !due;
    if (last && same && catalogOf(last.look.tree.providers) === last.look.catalog) {
      return { kind: "unchanged", plan: last.look.plan };
    }

    const known: RecordedEnvironment = {
      environment: {
        appliedCommit: environment?.appliedCommit ?? null,
        baseCommit: environment?.baseCommit ?? null,
        observedCommit: observed,
        settings: environment?.settings ?? null,
      },
      resources: recorded.all,
      workloads: await listWorkloads(db, scope),
      recentDeletions: deletions,
      approved,
      now,
    };
    const look = await looker.look(mirror, commit, known, signal);
    const { appliedCommit } = known.environment;
    await mirror.keep(commit);
    const seen = { appliedCommit, observedCommit: observed };
    const applied = await applyLook(services, scope, branch, look, seen);
    if (applied === undefined) return undefined;
    // Without it, an ancestor that is gone is none: at worst something is held.
    if (applied.whole && appliedCommit !== null && appliedCommit !== commit) {
      await mirror.release(appliedCommit);
    }
    own = commit;
    if (applied.forgot) recorded.clear();
    last = { key, look };
    return { kind: "planned", plan: look.plan, queued: applied.queued, changed: applied.changed };
  };

  const missingBranch = async (branch: string, known: boolean): Promise<Pass> => {
    const message = `the branch ${branch} is not there: nothing is planned, and nothing is deleted`;
    if (known) await saveLook(db, scope, { reason: "BranchMissing", message });
    return { kind: "stalled", reason: "BranchMissing", message };
  };

  const preview = async (mirror: Mirror, commit: string, signal: AbortSignal): Promise<Look> => {
    const environment = await readEnvironment(db, scope);
    await recorded.refresh(db);
    const known: RecordedEnvironment = {
      environment: environment ?? { appliedCommit: null, baseCommit: null, settings: null },
      resources: recorded.all,
      workloads: await listWorkloads(db, scope),
      recentDeletions: await recentDeletions(db, scope),
      approved: await approvedPlans(db, scope),
      now: await storeNow(db),
    };
    return looker.look(mirror, commit, known, signal);
  };

  /** What is remembered is of one at a time. */
  let busy: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = busy.then(work);
    busy = done.catch(() => undefined);
    return done;
  };

  return {
    scope,
    pass: (mirror, branch, signal) =>
      alone(async () => {
        for (let attempt = 1; attempt <= attempts; attempt++) {
          const pass = await passOnce(mirror, branch, signal);
          if (pass !== undefined) return pass;
        }
        const message = `${scope.environment} was changed by others ${attempts} times while it was looked at`;
        throw new StallingError("Contended", message, "the next pass tries again");
      }),
    preview: (mirror, commit, signal) => alone(() => preview(mirror, commit, signal)),
  };
}
