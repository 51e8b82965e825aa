/** Gitea and Forgejo as a forge. */
import { z } from "zod";
import { askPages, nothing, type Api, type ApiRequest } from "./api.ts";
import { upsertByMarker, type CommentStore } from "./comments.ts";
import type { Forge, Permission } from "./forge.ts";
import { ForgeError, isNotFound } from "./forge-error.ts";
import { createGiteaListing } from "./gitea-listing.ts";
import { createLinks } from "./links.ts";
import { createRest, type RestOptions } from "./rest.ts";
import {
  commentShape,
  cutAt,
  permissionShape,
  pullRequestNumber,
  pullRequestShape,
  sameOrLater,
  savedShape,
  toComment,
} from "./shapes.ts";

export interface GiteaOptions extends Omit<RestOptions, "authorization"> {
  /** Where people go; `apiUrl` is usually this with `/api/v1`. */
  readonly webUrl: string;
  /** `owner/name` */
  readonly repository: string;
  readonly token: () => string;
}

/** Pages are no longer than this on a server that has its default. */
const pageSize = 50;

export function createGitea(options: GiteaOptions): Forge {
  const { repository } = options;
  const api = createRest({ ...options, authorization: () => `token ${options.token()}` });
  const root = `/repos/${repository.split("/").map(encodeURIComponent).join("/")}`;
  const isOwn = rememberSelf(api);
  const listing = createGiteaListing(api, root, pageSize);

  const ask = async <T>(request: ApiRequest, schema: z.ZodType<T>, signal: AbortSignal) =>
    (await api.ask(request, schema, signal)).value;

  return {
    kind: "gitea",
    repository,
    // Its database column takes more; a page of such a size nobody reads.
    bodyLimit: 65_536,
    links: createLinks("gitea", options.webUrl, repository),
    headRef: (number) => `refs/pull/${number}/head`,
    headRefs: "refs/pull/*/head",
    budget: () => api.budget(),
    listPullRequests: (signal) => listing.list(signal),

    readPullRequest: (number, signal) =>
      ask({ method: "GET", path: `${root}/pulls/${number}` }, pullRequestShape, signal).catch(
        absent,
      ),

    async pullRequestsOf(commit, signal) {
      // There is one at most: of a merged commit.
      const path = `${root}/commits/${encodeURIComponent(commit)}/pull`;
      const found = await ask({ method: "GET", path }, pullRequestShape, signal).catch(absent);
      return found === undefined ? [] : [found];
    },

    async openPullRequest({ head, base, title, body }, signal) {
      const path = `${root}/pulls`;
      const request = { method: "POST", path, body: { head, base, title, body } } as const;
      try {
        return await ask(request, pullRequestShape, signal);
      } catch (error) {
        const refused = error instanceof ForgeError && error.failure.kind === "refused";
        if (!refused) throw error;
        const { pullRequests } = await listing.list(signal);
        const known = pullRequests.find(
          (it) => it.head.branch === head && !it.head.fork && it.base === base,
        );
        if (known === undefined) throw error;
        return known;
      }
    },

    async upsertComment(wanted, signal) {
      const own = await isOwn(signal);
      return upsertByMarker(commentStore(api, root, wanted.number, own, signal), wanted);
    },

    async listComments(since, signal) {
      const query = { since, limit: pageSize };
      const request = { method: "GET", path: `${root}/issues/comments`, query } as const;
      const items = await askPages(api, request, repositoryComment, signal);
      const own = items.length === 0 ? () => false : await isOwn(signal);
      const comments = items.flatMap((it) => {
        const number = pullRequestNumber(it.pull_request_url);
        const wanted = number !== undefined && sameOrLater(it.updated_at, since);
        return wanted ? [toComment(it, number, own(it.user.id))] : [];
      });
      const ordered = comments.toSorted(
        (a, b) => Date.parse(a.updatedAt) - Date.parse(b.updatedAt) || a.id - b.id,
      );
      // It says of nothing that it is as it was.
      return { changed: true, comments: ordered };
    },

    async addReaction({ id }, reaction, signal) {
      const path = `${root}/issues/comments/${id}/reactions`;
      const body = { content: reaction };
      await ask({ method: "POST", path, body, repeatable: true }, nothing, signal);
    },

    async permissionOf({ login }, signal) {
      const path = `${root}/collaborators/${encodeURIComponent(login)}/permission`;
      const found = await ask({ method: "GET", path }, permissionShape, signal).catch(untold);
      return permission[found?.permission ?? "none"] ?? "none";
    },

    async setStatus(commit, { context, state, description, targetUrl }, signal) {
      const path = `${root}/statuses/${encodeURIComponent(commit)}`;
      const target = targetUrl === undefined ? {} : { target_url: targetUrl };
      const body = { context, state, description: cutAt(description, 255), ...target };
      await ask({ method: "POST", path, body, repeatable: true }, nothing, signal);
    },

    commitComments: undefined,
    checkRuns: undefined,
  };
}

const permission: Readonly<Record<string, Permission>> = {
  owner: "admin",
  admin: "admin",
  write: "write",
  read: "read",
};

const account = z.looseObject({ id: z.number() });
const repositoryComment = commentShape.extend({
  pull_request_url: z
    .string()
    .nullish()
    .transform((it) => it ?? ""),
});

function rememberSelf(api: Api): (signal: AbortSignal) => Promise<(id: number) => boolean> {
  let self: number | undefined;
  return async (signal) => {
    self ??= (await api.ask({ method: "GET", path: "/user" }, account, signal)).value.id;
    return (id) => id === self;
  };
}

function commentStore(
  api: Api,
  root: string,
  number: number,
  own: (id: number) => boolean,
  signal: AbortSignal,
): CommentStore {
  const list = `${root}/issues/${number}/comments`;
  const one = (id: number): string => `${root}/issues/comments/${id}`;
  return {
    async listOwn() {
      // Of one pull request Gitea lists all comments at once.
      const found = await api.ask({ method: "GET", path: list }, z.array(commentShape), signal);
      return found.value
        .filter((it) => own(it.user.id))
        .map((it) => ({ id: it.id, url: it.html_url, body: it.body }))
        .toSorted((a, b) => a.id - b.id);
    },
    create: async (body) =>
      (await api.ask({ method: "POST", path: list, body: { body } }, savedShape, signal)).value,
    async edit(id, body) {
      const request = { method: "PATCH", path: one(id), body: { body } } as const;
      const edited = await api.ask(request, savedShape.optional(), signal);
      // 204: there is a comment of that id, but none that can be edited.
      if (edited.value !== undefined) return edited.value;
      throw new ForgeError({ kind: "not-found" }, `comment ${id} is none that can be edited`);
    },
    async remove(id) {
      await api.ask({ method: "DELETE", path: one(id) }, nothing, signal);
    },
  };
}

/** Gitea tells only administrators of the repository what others may; who may not know it takes nobody's word. */
function untold(error: unknown): undefined {
  const forbidden = error instanceof ForgeError && error.failure.kind === "forbidden";
  if (!forbidden) absent(error);
}

function absent(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
