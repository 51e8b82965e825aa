/**
 * Open pull requests on Gitea, which answers no conditional request and gives small pages: what was
 * updated since the last listing is asked for, and every so often all of it.
 */
import { askPages, type Api } from "./api.ts";
import type { PullRequest, PullRequestListing } from "./forge.ts";
import { pullRequestShape } from "./shapes.ts";

/** So many short listings, then a whole one: nothing that a short one might not see stays unseen. */
const shortInARow = 9;

export interface GiteaListing {
  list(signal: AbortSignal): Promise<PullRequestListing>;
}

export function createGiteaListing(api: Api, root: string, pageSize: number): GiteaListing {
  let known: ReadonlyMap<number, PullRequest> | undefined;
  let newest = Number.NEGATIVE_INFINITY;
  let short = 0;

  const listAll = async (signal: AbortSignal): Promise<Map<number, PullRequest>> => {
    const query = { state: "open", sort: "oldest", limit: pageSize };
    const request = { method: "GET", path: `${root}/pulls`, query } as const;
    const items = await askPages(api, request, pullRequestShape, signal);
    return new Map(items.map((it) => [it.number, it]));
  };

  const listRecent = async (
    from: ReadonlyMap<number, PullRequest>,
    signal: AbortSignal,
  ): Promise<Map<number, PullRequest>> => {
    const query = { state: "all", sort: "recentupdate", limit: pageSize };
    const request = { method: "GET", path: `${root}/pulls`, query } as const;
    // Of the newest's own second there may be more than were seen.
    const items = await askPages(api, request, pullRequestShape, signal, (page) =>
      page.some((it) => Date.parse(it.updatedAt) < newest),
    );
    const found = new Map(from);
    for (const it of items) {
      if (it.state === "open") found.set(it.number, it);
      else found.delete(it.number);
    }
    newest = Math.max(newest, ...items.map((it) => Date.parse(it.updatedAt)));
    return found;
  };

  return {
    async list(signal) {
      const whole = known === undefined || short >= shortInARow;
      const found = whole ? await listAll(signal) : await listRecent(known ?? new Map(), signal);
      if (whole) {
        newest = Math.max(...[...found.values()].map((it) => Date.parse(it.updatedAt)), newest);
      }
      const changed = known === undefined || !same(known, found);
      short = whole ? 0 : short + 1;
      known = found;
      const pullRequests = [...found.values()].toSorted((a, b) => a.number - b.number);
      return { changed, pullRequests };
    },
  };
}

function same(
  before: ReadonlyMap<number, PullRequest>,
  after: ReadonlyMap<number, PullRequest>,
): boolean {
  if (before.size !== after.size) return false;
  return [...after].every(([number, it]) => {
    const known = before.get(number);
    return known?.updatedAt === it.updatedAt && known.head.commit === it.head.commit;
  });
}
