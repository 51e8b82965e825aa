/** What the controller needs to follow a repository's pull requests, where there is a forge for it. */
import type { CatalogOf } from "../controller/catalog.ts";
import type { OpenableRepository } from "../controller/controller.ts";
import { openPullRequests } from "../controller/pull-requests.ts";
import type { Services } from "../controller/services.ts";
import { withoutBlocker } from "../model/wait.ts";
import { plain } from "../plan/render/painter.ts";
import type { Forge } from "../report/forge/forge.ts";
import type { RepositorySettings } from "../settings/settings.ts";
import { readResource } from "../store/resources.ts";
import { explain } from "../controller/explain.ts";
import { whyText } from "./output/why.ts";

export function pullRequestsOf(
  { forge: settings }: RepositorySettings,
  forge: Forge | undefined,
  services: Services,
  catalogOf: CatalogOf,
): Pick<OpenableRepository, "pullRequests"> {
  if (forge === undefined) return {};
  const options = {
    forge,
    commitComments: settings?.commitComments ?? false,
    explain: explainWith(services),
  };
  return {
    pullRequests: (repository) => openPullRequests(services, repository, catalogOf, options),
  };
}

/** As `innominatus why` prints it; whoever reads a repository's pull requests need not see other repositories. */
export const explainWith =
  ({
    db,
    clock,
  }: Pick<Services, "db" | "clock">): Parameters<typeof openPullRequests>[3]["explain"] =>
  async (scope, uid) => {
    const resource = await readResource(db, scope, uid);
    if (resource === undefined) return `${uid} is not recorded`;
    const why = await explain(db, scope, resource);
    const waits = why.waits.map((it) =>
      it.blocker === null || it.blocker.repository === scope.repository ? it : withoutBlocker(it),
    );
    return whyText({ ...why, waits }, clock.now(), plain);
  };
