/**
 * Plans a pull request for one environment: its head merged onto the branch's tip, against what is
 * recorded, by the same look as everybody else's. Policy is the branch's (law 8), nothing of the pull
 * request is run, and it gets only so much time and space.
 */
import { settingsFile, storedSettings } from "../desired/settings.ts";
import type { SettingsRead } from "../desired/tree.ts";
import type { Plan } from "../model/plan.ts";
import type { Scope } from "../model/uid.ts";
import type { Note, Planning, Unplanned } from "../report/comment/open.ts";
import { FetchError } from "../source/fetch-error.ts";
import type { Mirror } from "../source/mirror.ts";
import type { Snapshot } from "../source/snapshot.ts";
import { approvedPlans } from "../store/approvals.ts";
import { storeNow } from "../store/database-time.ts";
import { runDurations } from "../store/durations.ts";
import { readEnvironment } from "../store/environments.ts";
import { recentDeletions } from "../store/runs.ts";
import { listWorkloads } from "../store/workloads.ts";
import type { CatalogOf } from "./catalog.ts";
import { factsOf } from "./facts.ts";
import { forecastOf } from "./forecast.ts";
import { createLooker, readSettingsAt, type Look, type RecordedEnvironment } from "./look.ts";
import { cacheRecorded } from "./recorded.ts";
import type { Services } from "./services.ts";

/** What a pull request may change: a file, all that it changes, and how long looking at it may take. */
const pullRequestLimits = { blobBytes: 2 ** 20, totalBytes: 2 ** 23, timeMs: 30_000 };

export interface Planned {
  readonly planning: Planning;
  /** The files that were planned; empty where there is no plan. */
  readonly tree: string;
}

export interface PullRequestPlanner {
  /** Reads the record anew, for all the pull requests that are planned next. */
  refresh(signal: AbortSignal): Promise<void>;
  /** @returns `undefined` before the branch itself was looked at: there is nothing to compare with */
  plan(
    pullRequest: { readonly number: number; readonly head: string },
    signal: AbortSignal,
  ): Promise<Planned | undefined>;
  /** Before it is planned again whatever has changed. */
  forget(number: number): void;
}

interface Ground {
  readonly onto: string;
  readonly recorded: RecordedEnvironment;
  readonly settings: SettingsRead;
  readonly snapshot: Snapshot;
  readonly key: string;
}

export function createPullRequestPlanner(
  { db }: Pick<Services, "db">,
  scope: Scope,
  mirror: Mirror,
  branch: string,
  catalogOf: CatalogOf,
): PullRequestPlanner {
  const recorded = cacheRecorded(scope);
  const looker = createLooker(scope, catalogOf);
  const last = new Map<number, { readonly key: string; readonly look: Look; planned: Planned }>();
  let ground: Ground | undefined;
  let warm: string | undefined;

  const readGround = async (signal: AbortSignal): Promise<Ground | undefined> => {
    const environment = await readEnvironment(db, scope);
    const onto = await mirror.resolve(branch);
    const observed = environment?.observedCommit ?? null;
    if (environment === undefined || observed === null || onto === undefined) return undefined;
    await recorded.refresh(db);
    const approved = await approvedPlans(db, scope);
    const deletions = await recentDeletions(db, scope);
    const known: RecordedEnvironment = {
      environment,
      resources: recorded.all,
      workloads: await listWorkloads(db, scope),
      recentDeletions: deletions,
      approved,
      now: await storeNow(db),
    };
    const { appliedCommit } = environment;
    const facts = [onto, appliedCommit, observed, recorded.version, [...approved], [...deletions]];
    const key = JSON.stringify(facts);
    const snapshot = await mirror.snapshot(onto, signal);
    const fallback = storedSettings(environment.settings);
    const settings = await readSettingsAt(snapshot, fallback, signal);
    return { onto, recorded: known, settings, snapshot, key };
  };

  /** The branch itself is read without limits, and once: what a pull request has to be read for is its own. */
  const warmUp = async ({ onto, recorded: known }: Ground, signal: AbortSignal): Promise<void> => {
    if (warm === onto) return;
    await looker.look(mirror, onto, known, signal);
    warm = onto;
  };

  const planOnce = async (
    head: string,
    at: Ground,
    signal: AbortSignal,
  ): Promise<{ readonly planning: Planning; readonly look: Look } | Unplanned> => {
    const merged = await mirror.merge(at.onto, head, signal);
    if (merged.kind !== "merged") return merged;
    const snapshot = await mirror.snapshot(merged.commit, signal, pullRequestLimits);
    const edited =
      snapshot.entries.get(settingsFile)?.oid !== at.snapshot.entries.get(settingsFile)?.oid;
    // What is wrong with the file as it will be is told; what it says is not believed.
    const own = edited ? await readSettingsAt(snapshot, at.settings.settings, signal) : at.settings;
    const settings = { ...at.settings, problems: own.problems };
    const as = { settings, limits: pullRequestLimits };
    const look = await looker.look(mirror, merged.commit, at.recorded, signal, as);
    const { plan, input } = look;
    const notes: Note[] = edited ? [{ kind: "settings-edited", file: settingsFile }] : [];
    if (at.recorded.approved.has(plan.hash)) notes.push({ kind: "approved" });
    const planning: Planning = {
      kind: "planned",
      plan,
      facts: factsOf(input.desired, input.recorded),
      onto: at.onto,
      notes,
      forecast: forecastOf(plan, await runDurations(db, scope.repository)),
    };
    return { planning, look };
  };

  return {
    async refresh(signal) {
      ground = await readGround(signal);
      if (ground !== undefined) await warmUp(ground, signal);
    },
    async plan({ number, head }, signal) {
      if (ground === undefined) return undefined;
      const key = `${head} ${ground.key}`;
      const before = last.get(number);
      if (
        before?.key === key &&
        catalogOf(before.look.tree.providers) === before.look.catalog &&
        !isDue(before.look.plan, ground.recorded.now)
      ) {
        return before.planned;
      }
      const { environment } = scope;
      const limited = AbortSignal.any([signal, AbortSignal.timeout(pullRequestLimits.timeMs)]);
      try {
        const result = await planOnce(head, ground, limited);
        if (!("look" in result)) {
          return { tree: "", planning: { kind: "unplanned", environment, why: result } };
        }
        const planned = { tree: result.look.snapshot.tree, planning: result.planning };
        last.set(number, { key, look: result.look, planned });
        return planned;
      } catch (error) {
        signal.throwIfAborted();
        const message = tooMuch(error, limited.aborted);
        if (message === undefined) throw error;
        const why = { kind: "failed", message } as const;
        return { tree: "", planning: { kind: "unplanned", environment, why } };
      }
    },
    forget(number) {
      last.delete(number);
    },
  };
}

/** Time alone has lifted a gate. */
const isDue = ({ operations }: Plan, now: string): boolean =>
  operations.some(({ gate }) => gate?.until !== undefined && gate.until <= now);

/** Why the pull request itself is to blame; `undefined`: something else is. */
function tooMuch(error: unknown, late: boolean): string | undefined {
  if (late || (error instanceof FetchError && error.reason === "Timeout")) {
    return `Looking at this took longer than ${pullRequestLimits.timeMs / 1000} s: change fewer files at once.`;
  }
  return error instanceof FetchError && error.reason === "TooLarge"
    ? `This changes more than ${pullRequestLimits.totalBytes / 2 ** 20} MiB of specs and providers: change fewer files at once.`
    : undefined;
}
