/** Opens for a command what it works with, and closes it whatever happens. */
import { join } from "node:path";
import type { CatalogOf } from "../controller/catalog.ts";
import {
  openProviders,
  type OuterProviders,
  type OuterSource,
} from "../controller/provider-sources.ts";
import { clusterFor } from "../execute/kube/clusters.ts";
import { openRepository, type Repository } from "../controller/repository.ts";
import { openRuntime, openStore, type Runtime } from "../controller/runtime.ts";
import type { Services } from "../controller/services.ts";
import { isError } from "../model/problem.ts";
import type { Scope } from "../model/uid.ts";
import { gitEnvironment } from "../settings/git-credentials.ts";
import type { RepositorySettings, Settings } from "../settings/settings.ts";
import { mirrorName } from "../source/location.ts";
import type { MirrorOptions } from "../source/mirror.ts";
import type { Database } from "../store/database.ts";
import { listEnvironments } from "../store/environments.ts";
import {
  home,
  logFor,
  painterOf,
  settingsFor,
  type CommandContext,
  type GlobalOptions,
} from "./context.ts";
import { CommandError } from "./output/failure.ts";
import { problemsText } from "./output/problems.ts";

export const mirrorOptions = (
  { url, credentials }: Pick<RepositorySettings, "url" | "credentials">,
  { dataDir }: Pick<Settings, "dataDir">,
  env: CommandContext["env"],
): MirrorOptions => ({
  url,
  directory: join(dataDir, "mirrors", mirrorName(url)),
  environment: gitEnvironment(credentials === undefined ? { url } : { url, credentials }, env),
});

/** @throws {CommandError} when `--repo` is missing, or names nothing */
export function theRepository(settings: Settings): RepositorySettings {
  const [repository, second] = settings.repositories;
  if (repository !== undefined && second === undefined) return repository;
  throw repository === undefined
    ? new CommandError("no repository is named", "--repo", "add --repo with a URL or a folder")
    : new CommandError(
        "several repositories are configured",
        "--repo",
        `choose one: ${settings.repositories.map((it) => it.name).join(", ")}`,
      );
}

export const openServices = (context: CommandContext, settings: Settings): Promise<Runtime> => {
  const { clock, random, env } = context;
  const log = logFor(context, settings);
  const path = env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  return openRuntime({ settings, clock, random, log, path, home });
};

export async function withServices<T>(
  context: CommandContext,
  settings: Settings,
  use: (services: Services) => Promise<T>,
): Promise<T> {
  const runtime = await openServices(context, settings);
  try {
    return await use(runtime.services);
  } finally {
    await runtime.close();
  }
}

export async function withRepository<T>(
  context: CommandContext,
  settings: Settings,
  services: Services,
  catalogOf: CatalogOf,
  use: (repository: Repository) => Promise<T>,
): Promise<T> {
  const it = theRepository(settings);
  const options = { ...mirrorOptions(it, settings, context.env), name: it.name };
  const repository = await openRepository(services, options, catalogOf, context.stop);
  try {
    return await use(repository);
  } finally {
    await repository.close();
  }
}

/** With the shipped providers and those that the settings name. */
export async function withProviders<T>(
  context: CommandContext,
  settings: Settings,
  use: (providers: OuterProviders) => Promise<T>,
): Promise<T> {
  const configured = settings.providers.map((it): OuterSource => {
    if (it.kind === "folder") return { kind: "folder", path: it.path, layer: "configured" };
    const folder = it.path === undefined ? "" : `${it.path.replace(/^\.?\/|\/+$/g, "")}/`;
    const mirror = mirrorOptions({ url: it.repository }, settings, context.env);
    return { kind: "git", mirror, ref: it.ref, folder };
  });
  const shipped: OuterSource = { kind: "folder", path: join(home, "providers"), layer: "shipped" };
  const providers = await openProviders(
    [shipped, ...configured],
    context.stop,
    (scope) => clusterFor(settings.clusters, scope) !== undefined,
  );
  try {
    if (providers.problems.some(isError)) {
      context.stderr.write(problemsText(providers.problems, () => undefined, painterOf(context)));
    }
    return await use(providers);
  } finally {
    await providers.close();
  }
}

/** For commands that read the record: no executors, no keys. */
export async function withStore<T>(
  context: CommandContext,
  options: GlobalOptions,
  use: (db: Database, scopes: readonly Scope[]) => Promise<T>,
): Promise<T> {
  const settings = settingsFor(context, options);
  const db = await openStore(settings, home);
  try {
    const known = await listEnvironments(db);
    const only = options.repo === undefined ? undefined : theRepository(settings).name;
    const scopes = known.filter((it) => only === undefined || it.repository === only);
    return await use(db, scopes);
  } finally {
    await db.close();
  }
}
