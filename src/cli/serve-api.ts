/** Puts the HTTP API together for `innominatus serve`: what it works with, and the first administrator. */
import { randomBytes } from "node:crypto";
import type { CatalogOf, CatalogRead } from "../controller/catalog.ts";
import type { Repository } from "../controller/repository.ts";
import { createSpecs } from "../controller/specs.ts";
import type { Services } from "../controller/services.ts";
import type { Provider } from "../provider/provider.ts";
import { createApi, type Api } from "../server/api/api.ts";
import { ensureAdministrator } from "../server/api/auth/accounts.ts";
import { createPasswords } from "../server/api/auth/passwords.ts";
import type { ApiServices } from "../server/api/services.ts";
import type { Settings } from "../settings/settings.ts";
import { bounded } from "../store/bounded.ts";
import { shownSettings } from "../settings/shown.ts";
import { auditEndpoint } from "./audit.ts";
import type { CommandContext } from "./context.ts";
import type { ForgeOf } from "./forges.ts";
import { version } from "./version.ts";

export interface ServedApi extends Api {
  /** What a repository's loop works with, so that the API sees the same. */
  readonly opened: (repository: Repository) => Repository;
  readonly catalogOf: (repository: string) => CatalogOf;
}

export async function openApi(
  context: CommandContext,
  settings: Settings,
  services: Services,
  outer: () => CatalogOf,
  forgeOf: ForgeOf,
  reload: ApiServices["reload"],
): Promise<ServedApi> {
  const { sealer, clock, log } = services;
  // Of PGlite's one connection a share; on a server, most of the pool's ten.
  const db = bounded(services.db, services.db.kind === "embedded" ? 4 : 7);
  const passwords = createPasswords();
  const repositories = new Map<string, Repository>();
  const catalogs = new Map<string, CatalogRead>();
  const catalogOf =
    (repository: string): CatalogOf =>
    (own, scope) => {
      const read = outer()(own, scope);
      catalogs.set(repository, read);
      return read;
    };
  const specs = createSpecs({
    services,
    settings: settings.api,
    repositoryOf: (name) => repositories.get(name),
    forgeOf,
  });
  const api = createApi(
    {
      db,
      sealer,
      clock,
      log,
      settings: settings.api,
      passwords,
      version,
      specs,
      shownSettings: shownSettings(settings, context.env),
      reload,
      providers: () => providersIn(catalogs.size === 0 ? [outer()([])] : [...catalogs.values()]),
      stopping: context.stop,
    },
    [auditEndpoint(db, settings)],
  );
  const generate = (): string => randomBytes(18).toString("base64url");
  const password = await ensureAdministrator(db, settings.api, passwords, generate);
  if (password !== undefined) {
    // To the terminal and nowhere else: it is no line of a log.
    context.stderr.write(
      `first start: log in as admin with the password ${password}\n` +
        "it is shown this once; set INNOMINATUS_ADMIN_PASSWORD to choose another\n",
    );
  }
  return {
    ...api,
    catalogOf,
    opened(repository) {
      repositories.set(repository.name, repository);
      return repository;
    },
  };
}

function providersIn(reads: readonly CatalogRead[]): readonly Provider[] {
  return [...new Set(reads.flatMap(({ catalog }) => catalog.providers))];
}
