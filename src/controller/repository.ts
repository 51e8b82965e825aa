/** One watched repository: a mirror, its environments, and the branch their status is published on. */
import { StallingError } from "../model/errors.ts";
import { credentialsIn, mask, normalise } from "../source/location.ts";
import { openMirror, type Mirror, type MirrorOptions } from "../source/mirror.ts";
import { FetchError } from "../source/fetch-error.ts";
import { listEnvironments, registerRepository, saveLook } from "../store/environments.ts";
import type { Database } from "../store/database.ts";
import type { CatalogOf } from "./catalog.ts";
import { openEnvironment, type Environment, type Pass } from "./environment.ts";
import type { Look } from "./look.ts";
import { createPublisher, type Publication } from "./publish.ts";
import type { Services } from "./services.ts";
import { createReadTargets, type Targets } from "./targets.ts";

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
  /** What a commit would lead to in one of its environments; changes nothing. */
  preview(environment: string, commit: string, signal: AbortSignal): Promise<Look>;
  publish(signal: AbortSignal): Promise<Publication>;
  /** Its environments, as git says now. */
  targets(signal: AbortSignal): Promise<Targets>;
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
  try {
    await register(db, name, mirror);
  } catch (error) {
    await mirror.close();
    throw error;
  }
  const environments = new Map<string, Environment>();
  const readTargets = createReadTargets(db, name, mirror);
  const publisher = createPublisher(services, mirror, name);
  let latest: Targets | undefined;
  const environmentOf = (named: string): Environment => {
    const scope = { repository: name, environment: named };
    const environment = environments.get(named) ?? openEnvironment(services, scope, catalogOf);
    environments.set(named, environment);
    return environment;
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
          for (const { repository, environment } of await listEnvironments(db)) {
            if (repository === name) await saveLook(db, { repository, environment }, look);
          }
        }
        throw error;
      }
    },
    async pass(at) {
      const passes: EnvironmentPass[] = [];
      latest = await readTargets(at);
      for (const { environment: named, branch, stalled } of latest.targets) {
        const pass = stalled ?? (await environmentOf(named).pass(mirror, branch, at));
        passes.push({ environment: named, branch, pass });
      }
      return passes;
    },
    preview: (environment, commit, at) => environmentOf(environment).preview(mirror, commit, at),
    async publish(at) {
      const { targets, statusBranch } = latest ?? (await readTargets(at));
      const named = targets.map((it) => it.environment);
      return publisher.publish(named, statusBranch, at);
    },
    targets: readTargets,
    close: () => mirror.close(),
  };
}

/** @throws {StallingError} when the name is another repository's: its resources would count as gone (law 1) */
async function register(db: Database, name: string, { url }: Mirror): Promise<void> {
  const recorded = await registerRepository(db, name, url);
  if (normalise(recorded) === normalise(url)) return;
  const secrets = [...credentialsIn(recorded), ...credentialsIn(url)];
  const message = `the name "${name}" is recorded for ${recorded}, and not for ${url}`;
  const hint = "give this repository another name in the settings, or use another data directory";
  throw new StallingError("RepositoryNameTaken", mask(message, secrets), hint);
}
