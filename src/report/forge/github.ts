/** GitHub, also Enterprise Server, as a forge. */
import { z } from "zod";
import { askPages, createListing, nothing, type Api, type ApiRequest } from "./api.ts";
import { upsertByMarker, type CommentStore } from "./comments.ts";
import type { CommitComments, Forge, Permission, PullRequest } from "./forge.ts";
import { ForgeError, isNotFound } from "./forge-error.ts";
import { createCheckRuns } from "./github-checks.ts";
import { createGitHubApi, type GitHubClientOptions } from "./github-client.ts";
import { createLinks } from "./links.ts";
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

export interface GitHubOptions extends GitHubClientOptions {
  /** Where people go: `https://github.com`. */
  readonly webUrl: string;
  /** `owner/name` */
  readonly repository: string;
}

export function createGitHub(options: GitHubOptions): Forge {
  const { repository, auth } = options;
  const api = createGitHubApi(options);
  const root = `/repos/${repository.split("/").map(encodeURIComponent).join("/")}`;
  const isOwn = rememberSelf(api, auth.kind === "app");
  const listPulls = createListing(api, pullRequestShape);
  const listNews = createListing(api, commentShape);

  const ask = async <T>(request: ApiRequest, schema: z.ZodType<T>, signal: AbortSignal) =>
    (await api.ask(request, schema, signal)).value;

  return {
    kind: "github",
    repository,
    bodyLimit: 65_536,
    links: createLinks("github", options.webUrl, repository),
    headRef: (number) => `refs/pull/${number}/head`,
    headRefs: "refs/pull/*/head",
    budget: () => api.budget(),

    async listPullRequests(signal) {
      // By creation: a page changes only when one on it does.
      const query = { state: "open", sort: "created", direction: "asc", per_page: 100 };
      const request = { method: "GET", path: `${root}/pulls`, query } as const;
      const { items, unchanged } = await listPulls(request, signal);
      return { changed: !unchanged, pullRequests: items };
    },

    readPullRequest: (number, signal) =>
      ask({ method: "GET", path: `${root}/pulls/${number}` }, pullRequestShape, signal).catch(
        absent,
      ),

    async pullRequestsOf(commit, signal) {
      const path = `${root}/commits/${encodeURIComponent(commit)}/pulls`;
      const found = ask({ method: "GET", path }, z.array(pullRequestShape), signal);
      return (await found.catch(noCommit)) ?? [];
    },

    async openPullRequest({ head, base, title, body }, signal) {
      const request = {
        method: "POST",
        path: `${root}/pulls`,
        body: { head, base, title, body },
      } as const;
      try {
        return await ask(request, pullRequestShape, signal);
      } catch (error) {
        const query = { state: "open", head: `${repository.split("/")[0]}:${head}`, base };
        const known = await openAlready(error, () =>
          ask({ method: "GET", path: `${root}/pulls`, query }, z.array(pullRequestShape), signal),
        );
        return known;
      }
    },

    async upsertComment(wanted, signal) {
      const own = await isOwn(signal);
      const { number } = wanted;
      return upsertByMarker(issueComments(api, root, number, own, signal), wanted);
    },

    async listComments(since, signal) {
      const query = { sort: "updated", direction: "asc", since, per_page: 100 };
      const request = { method: "GET", path: `${root}/issues/comments`, query } as const;
      const { items, unchanged } = await listNews(request, signal);
      const own = items.length === 0 ? () => false : await isOwn(signal);
      const comments = items.flatMap((it) => {
        const number = pullRequestNumber(it.html_url);
        const wanted = number !== undefined && sameOrLater(it.updated_at, since);
        return wanted ? [toComment(it, number, own(it.user.login))] : [];
      });
      return { changed: !unchanged, comments };
    },

    async addReaction({ id }, reaction, signal) {
      const path = `${root}/issues/comments/${id}/reactions`;
      const body = { content: reaction };
      await ask({ method: "POST", path, body, repeatable: true }, nothing, signal);
    },

    async permissionOf({ login }, signal) {
      const path = `${root}/collaborators/${encodeURIComponent(login)}/permission`;
      const found = await ask({ method: "GET", path }, permissionShape, signal).catch(absent);
      return permission[found?.permission ?? "none"] ?? "none";
    },

    async setStatus(commit, { context, state, description, targetUrl }, signal) {
      const path = `${root}/statuses/${encodeURIComponent(commit)}`;
      const target = targetUrl === undefined ? {} : { target_url: targetUrl };
      const body = { context, state, description: cutAt(description, 140), ...target };
      await ask({ method: "POST", path, body, repeatable: true }, nothing, signal);
    },

    commitComments: createCommitComments(api, root, isOwn),
    // A token cannot make check runs, whatever it may.
    checkRuns: auth.kind === "app" ? createCheckRuns(api, root) : undefined,
  };
}

const permission: Readonly<Record<string, Permission>> = {
  admin: "admin",
  write: "write",
  read: "read",
};

type IsOwn = (signal: AbortSignal) => Promise<(login: string) => boolean>;

/** Who we are does not change while the process lives. */
function rememberSelf(api: Api, isApp: boolean): IsOwn {
  let login: string | undefined;
  return async (signal) => {
    login ??= isApp
      ? `${(await api.ask({ method: "GET", path: "/app" }, app, signal)).value.slug}[bot]`
      : (await api.ask({ method: "GET", path: "/user" }, account, signal)).value.login;
    const self = login.toLowerCase();
    return (it) => it.toLowerCase() === self;
  };
}

const app = z.looseObject({ slug: z.string() });
const account = z.looseObject({ login: z.string() });

function issueComments(
  api: Api,
  root: string,
  number: number,
  own: (login: string) => boolean,
  signal: AbortSignal,
): CommentStore {
  return commentStore(api, signal, own, {
    list: `${root}/issues/${number}/comments`,
    one: `${root}/issues/comments`,
  });
}

function createCommitComments(api: Api, root: string, isOwn: IsOwn): CommitComments {
  return {
    async upsert({ commit, marker, body }, signal) {
      const list = `${root}/commits/${encodeURIComponent(commit)}/comments`;
      const paths = { list, one: `${root}/comments` };
      const store = commentStore(api, signal, await isOwn(signal), paths);
      return upsertByMarker(store, { marker, body, id: undefined });
    },
  };
}

function commentStore(
  api: Api,
  signal: AbortSignal,
  own: (login: string) => boolean,
  { list, one }: { readonly list: string; readonly one: string },
): CommentStore {
  return {
    async listOwn() {
      const request = { method: "GET", path: list, query: { per_page: 100 } } as const;
      const items = await askPages(api, request, commentShape, signal);
      return items
        .filter((it) => own(it.user.login))
        .map((it) => ({ id: it.id, url: it.html_url, body: it.body }))
        .toSorted((a, b) => a.id - b.id);
    },
    create: async (body) =>
      (await api.ask({ method: "POST", path: list, body: { body } }, savedShape, signal)).value,
    edit: async (id, body) =>
      (await api.ask({ method: "PATCH", path: `${one}/${id}`, body: { body } }, savedShape, signal))
        .value,
    async remove(id) {
      await api.ask({ method: "DELETE", path: `${one}/${id}` }, nothing, signal);
    },
  };
}

function absent(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** GitHub says 422 for a commit that it does not have. */
function noCommit(error: unknown): undefined {
  const { failure } = error instanceof ForgeError ? error : {};
  const none = failure?.kind === "refused" && failure.status === 422;
  if (!none) absent(error);
}

/** A refusal to open what is open already is as good as a yes. */
async function openAlready(
  error: unknown,
  list: () => Promise<readonly PullRequest[]>,
): Promise<PullRequest> {
  const { failure } = error instanceof ForgeError ? error : {};
  const known = failure?.kind === "refused" ? (await list())[0] : undefined;
  if (known === undefined) throw error;
  return known;
}
