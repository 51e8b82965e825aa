/** One watched repository: a mirror, its environments, and the branch their status is published on. */
import { defaultSettings, type RepositorySettings } from "../desired/settings.ts";
import { openMirror, type Mirror, type MirrorOptions } from "../source/mirror.ts";
import { FetchError } from "../source/fetch-error.ts";
import { listEnvironments, registerRepository, saveLook } from "../store/environments.ts";
import type { CatalogOf } from "./catalog.ts";
import { openEnvironment, type Environment, type Pass } from "./environment.ts";
import { readSettingsAt } from "./look.ts";
import { publish, type Publication } from "./publish.ts";
import type { Services } from "./services.ts";

export interface RepositoryOptions extends MirrorOptions {
  readonly name: string;
}

export interface EnvironmentPass {
  readonly environment: string;
  readonly branch: string;
  readonly pass: Pass;
}

export interface Repository {
  readonly name: string;
  readonly mirror: Mirror;
  /** Asks the remote what is new. @throws {FetchError}: what was there stays; nothing is concluded from it */
  fetch(signal: AbortSignal): Promise<boolean>;
  /** One pass over every environment. */
  pass(signal: AbortSignal): Promise<readonly EnvironmentPass[]>;
  publish(signal: AbortSignal): Promise<Publication>;
  close(): Promise<void>;
}

export async function openRepository(
  services: Services,
  options: RepositoryOptions,
  catalogOf: CatalogOf,
  signal: AbortSignal,
): Promise<Repository> {
  const { db } = services;
  const { name } = options;
  const mirror = await openMirror(options, signal);
  await registerRepository(db, name, mirror.url);
  const environments = new Map<string, Environment>();
  let settings: RepositorySettings = defaultSettings;
  let settingsCommit: string | undefined;

  /** The environments are named on the default branch; each reads the rest from its own. */
  const targets = async (
    at: AbortSignal,
  ): Promise<readonly { readonly name: string; readonly branch: string }[]> => {
    const branch = await mirror.defaultBranch();
    const commit = branch === undefined ? undefined : await mirror.resolve(branch);
    if (commit !== undefined && commit !== settingsCommit) {
      const read = await readSettingsAt(await mirror.snapshot(commit, at), settings, at);
      settings = read.settings;
      settingsCommit = commit;
    }
    if (settings.environments !== undefined) return settings.environments;
    if (branch !== undefined) return [{ name: "default", branch }];
    // An empty remote has no default branch; what was recorded of it is still there to be told of.
    const known = await listEnvironments(db);
    return known
      .filter((it) => it.repository === name)
      .map((it) => ({ name: it.environment, branch: it.branch }));
  };

  return {
    name,
    mirror,
    async fetch(at) {
      try {
        return (await mirror.fetch(at)).changed;
      } catch (error) {
        if (error instanceof FetchError) {
          const look = { reason: error.reason, message: error.message };
          for (const environment of environments.values()) {
            await saveLook(db, environment.scope, look);
          }
        }
        throw error;
      }
    },
    async pass(at) {
      const passes: EnvironmentPass[] = [];
      for (const target of await targets(at)) {
        const scope = { repository: name, environment: target.name };
        const environment =
          environments.get(target.name) ?? openEnvironment(services, scope, catalogOf);
        environments.set(target.name, environment);
        const pass = await environment.pass(mirror, target.branch, at);
        passes.push({ environment: target.name, branch: target.branch, pass });
      }
      return passes;
    },
    publish: (at) =>
      publish(services, mirror, name, [...environments.keys()], settings.status.branch, at),
    close: () => mirror.close(),
  };
}
