/**
 * One look at an environment, up to its plan: a commit, what its files ask for, what is recorded,
 * and what history proves. Changes nothing; the command line takes the same look as the controller.
 */
import { createDesirer, type DesiredState } from "../desired/resources.ts";
import { settingsFile, storedSettings, type RepositorySettings } from "../desired/settings.ts";
import {
  createTreeReader,
  readRepositorySettings,
  type SettingsRead,
  type Tree,
} from "../desired/tree.ts";
import type { Plan } from "../model/plan.ts";
import { byPlace } from "../model/problem.ts";
import type { Desired, Recorded } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { DeletionPolicy, History, PlanInput } from "../plan/input.ts";
import { makePlan } from "../plan/plan.ts";
import type { Mirror } from "../source/mirror.ts";
import type { ReadLimits, Snapshot } from "../source/snapshot.ts";
import type { EnvironmentRecord } from "../store/environments.ts";
import type { WorkloadRecord } from "../store/workloads.ts";
import type { CatalogOf, CatalogRead } from "./catalog.ts";

/** What the store says of an environment. */
export interface RecordedEnvironment {
  readonly environment: Pick<EnvironmentRecord, "appliedCommit" | "baseCommit" | "settings"> &
    Partial<Pick<EnvironmentRecord, "observedCommit">>;
  readonly resources: ReadonlyMap<Uid, Recorded>;
  readonly workloads: readonly Pick<WorkloadRecord, "identity" | "file">[];
  readonly recentDeletions: ReadonlySet<Uid>;
  readonly approved: ReadonlySet<string>;
  /** The store's time, ISO 8601. */
  readonly now: string;
}

export interface Look {
  readonly snapshot: Snapshot;
  readonly tree: Tree;
  readonly settings: SettingsRead;
  readonly input: PlanInput;
  readonly plan: Plan;
  /** What the providers were when it was taken. */
  readonly catalog: CatalogRead;
}

/** One per environment: it remembers the files it has read. */
export interface Looker {
  look(
    mirror: Mirror,
    commit: string,
    recorded: RecordedEnvironment,
    signal: AbortSignal,
    as?: LookAs,
  ): Promise<Look>;
}

/** How a pull request is looked at: with the policy of the branch it is for (law 8), and less patience. */
export interface LookAs {
  readonly settings: SettingsRead;
  readonly limits: ReadLimits;
}

export function createLooker(scope: Scope, catalogOf: CatalogOf): Looker {
  const source = { layer: "repository", label: scope.repository } as const;
  const reader = createTreeReader(source, "default", scope.environment);
  const desirer = createDesirer(scope);
  return {
    async look(mirror, commit, recorded, signal, as) {
      const snapshot = await mirror.snapshot(commit, signal, as?.limits);
      const fallback = storedSettings(recorded.environment.settings);
      const settings = as?.settings ?? (await readSettingsAt(snapshot, fallback, signal));
      const needed = reader.needed(snapshot.entries, settings.settings);
      const contents = needed.length > 0 ? await snapshot.read(needed, signal) : new Map();
      const known = new Set(recorded.workloads.map((it) => it.file));
      const tree = reader.read(snapshot.entries, contents, settings, known);

      const read = catalogOf(tree.providers, scope);
      const { catalog, problems: conflicts } = read;
      const state = desirer.desire(tree.workloads, catalog, (uid) => {
        const found = recorded.resources.get(uid);
        return found !== undefined && found.revision > 0 && found.phase !== "deleted"
          ? found
          : undefined;
      });
      const { appliedCommit, baseCommit } = recorded.environment;
      const input: PlanInput = {
        environment: scope.environment,
        commit,
        base: appliedCommit === commit ? baseCommit : appliedCommit,
        ...holdUnclaimed(state, tree, recorded.resources),
        recorded: standingOf(recorded.resources),
        history: await readHistory(mirror, tree, recorded.environment, commit),
        unselected: findUnselected(recorded.workloads, tree, snapshot),
        policy: policyOf(tree.settings),
        recentDeletions: recorded.recentDeletions,
        approved: recorded.approved,
        now: recorded.now,
        problems: [...tree.problems, ...conflicts, ...state.problems].toSorted(byPlace),
      };
      return { snapshot, tree, settings, input, plan: makePlan(input), catalog: read };
    },
  };
}

const standing = new WeakMap<ReadonlyMap<Uid, Recorded>, readonly Recorded[]>();

/** The same list for the same map: the planner keeps what it made of it. */
function standingOf(resources: ReadonlyMap<Uid, Recorded>): readonly Recorded[] {
  const known = standing.get(resources);
  if (known !== undefined) return known;
  const list = [...resources.values()].filter((it) => it.phase !== "deleted");
  standing.set(resources, list);
  return list;
}

/**
 * A manifest of the repository that nobody can read may claim any type: what another layer would
 * serve meanwhile is not made anew. What is recorded keeps its bundle anyway.
 */
function holdUnclaimed(
  { desired, blocked }: DesiredState,
  { unreadableProviders: [file] }: Tree,
  recorded: RecordedEnvironment["resources"],
): Pick<PlanInput, "desired" | "blocked"> {
  if (file === undefined) return { desired, blocked };
  const isNew = (it: Desired): boolean =>
    !it.bundle.source.startsWith("repository:") && recorded.get(it.uid)?.touched !== true;
  const held = desired
    .filter(isNew)
    .map(({ uid, workload, identity, name, type, class: resourceClass, place }) => {
      const message = `${file} cannot be read, and might claim the type ${type}`;
      return { uid, workload, identity, name, type, class: resourceClass, place, message };
    });
  return { desired: desired.filter((it) => !isNew(it)), blocked: [...blocked, ...held] };
}

export async function readSettingsAt(
  snapshot: Snapshot,
  fallback: RepositorySettings,
  signal: AbortSignal,
): Promise<SettingsRead> {
  const contents = snapshot.entries.has(settingsFile)
    ? await snapshot.read([settingsFile], signal)
    : new Map();
  return readRepositorySettings(snapshot.entries, contents, fallback);
}

/** Law 1: what the way from the applied commit to this one proves about what is missing. */
async function readHistory(
  mirror: Mirror,
  tree: Tree,
  { appliedCommit, observedCommit }: RecordedEnvironment["environment"],
  commit: string,
): Promise<History> {
  // A commit that was read but in part may have asked for something too.
  const planned = [appliedCommit, observedCommit ?? null].filter((it) => it !== null);
  if (planned.length === 0) return { kind: "first" };
  for (const seen of new Set(planned)) {
    if (seen === commit || (await mirror.isAncestor(seen, commit))) continue;
    return { kind: "rewritten", base: seen };
  }
  if (tree.empty) return { kind: "emptied" };
  if (tree.unreadable.length > 0) return { kind: "unreadable", files: tree.unreadable };
  return { kind: "proven" };
}

/** Workloads whose file is still there, though the settings no longer select it. */
function findUnselected(
  workloads: RecordedEnvironment["workloads"],
  tree: Tree,
  { entries }: Snapshot,
): ReadonlySet<string> {
  const found = workloads.filter((it) => entries.has(it.file) && !tree.specFiles.has(it.file));
  return new Set(found.map((it) => it.identity));
}

const policyOf = ({ deletion }: RepositorySettings): DeletionPolicy => ({
  budget: deletion.budget,
  graceMs: deletion.grace,
  statefulGraceMs: deletion.statefulGrace,
  approval: deletion.approval,
});
