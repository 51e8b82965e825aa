/**
 * Which environments a repository has, and where its status goes: as the settings on its default
 * branch say or, where nobody can read those, as they said last (law 1).
 */
import {
  defaultSettings,
  settingsFile,
  storedSettings,
  type RepositorySettings,
} from "../desired/settings.ts";
import type { Mirror } from "../source/mirror.ts";
import type { Database } from "../store/database.ts";
import { listEnvironments, readEnvironment, saveLook } from "../store/environments.ts";
import { listResources } from "../store/resources.ts";
import type { Pass } from "./environment.ts";
import { readSettingsAt } from "./look.ts";

export interface Target {
  readonly environment: string;
  readonly branch: string;
  /** Set where there is nothing to look at: its resources stay as they are. */
  readonly stalled?: Extract<Pass, { kind: "stalled" }>;
}

export interface Targets {
  readonly targets: readonly Target[];
  readonly statusBranch: string;
}

export type ReadTargets = (signal: AbortSignal) => Promise<Targets>;

interface Known {
  readonly environment: string;
  readonly branch: string;
  readonly reason: string;
  readonly settings: RepositorySettings | undefined;
}

const dropped = "EnvironmentDropped";

/** Reads the settings file anew only where the default branch has moved. */
export function createReadTargets(db: Database, repository: string, mirror: Mirror): ReadTargets {
  let last:
    | { readonly commit: string; readonly settings: RepositorySettings | undefined }
    | undefined;
  let inForce: RepositorySettings | undefined;

  const recorded = async (): Promise<readonly Known[]> => {
    const all = await listEnvironments(db);
    const known: Known[] = [];
    for (const { environment, branch } of all.filter((it) => it.repository === repository)) {
      const found = await readEnvironment(db, { repository, environment });
      const settings = found?.settings ? storedSettings(found.settings) : undefined;
      known.push({ environment, branch, reason: found?.reason ?? "", settings });
    }
    return known;
  };

  /** What git no longer names, while it still has resources. */
  const markDropped = async ({
    environment,
    branch,
    reason,
  }: Known): Promise<readonly Target[]> => {
    const scope = { repository, environment };
    const resources = await listResources(db, scope);
    if (!resources.some((it) => it.touched && it.phase !== "deleted")) return [];
    const message = `${settingsFile} no longer names ${environment}: nothing is planned for it, and nothing is deleted`;
    if (reason !== dropped) await saveLook(db, scope, { reason: dropped, message });
    return [{ environment, branch, stalled: { kind: "stalled", reason: dropped, message } }];
  };

  return async (signal) => {
    const branch = await mirror.defaultBranch();
    const commit = branch === undefined ? undefined : await mirror.resolve(branch);
    if (commit !== undefined && commit !== last?.commit) {
      const snapshot = await mirror.snapshot(commit, signal);
      const read = await readSettingsAt(snapshot, defaultSettings, signal);
      last = { commit, settings: read.readable ? read.settings : undefined };
      inForce = last.settings ?? inForce;
    }
    const known = await recorded();
    const before = known.find((it) => it.branch === branch) ?? known[0];
    const statusBranch = (inForce ?? before?.settings ?? defaultSettings).status.branch;
    const settings = commit === undefined ? inForce : last?.settings;
    const named =
      settings?.environments ??
      (settings !== undefined && branch !== undefined ? [{ name: "default", branch }] : undefined);
    if (named !== undefined) {
      const names = new Set(named.map((it) => it.name));
      const targets: Target[] = named.map((it) => ({ environment: it.name, branch: it.branch }));
      for (const it of known)
        if (!names.has(it.environment)) targets.push(...(await markDropped(it)));
      return { targets, statusBranch };
    }
    if (known.length > 0) {
      const targets: Target[] = [];
      for (const it of known) {
        if (it.reason === dropped) targets.push(...(await markDropped(it)));
        else targets.push({ environment: it.environment, branch: it.branch });
      }
      return { targets, statusBranch };
    }
    if (branch === undefined) return { targets: [], statusBranch };
    const message = `${settingsFile} cannot be read, so nobody knows which environments there are: nothing is planned`;
    const stalled = { kind: "stalled", reason: "SettingsUnreadable", message } as const;
    return { targets: [{ environment: "default", branch, stalled }], statusBranch };
  };
}
