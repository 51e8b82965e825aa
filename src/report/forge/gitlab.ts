/** GitLab as a forge: merge requests, notes and commit statuses. */
import { z } from "zod";
import { askPages, createListing, nothing, type Api, type ApiRequest } from "./api.ts";
import { upsertByMarker, type CommentStore } from "./comments.ts";
import type { Comment, Forge, Permission, Reaction } from "./forge.ts";
import { ForgeError, isNotFound } from "./forge-error.ts";
import { createGitLabCommitComments } from "./gitlab-commit-comments.ts";
import {
  accountShape,
  mergeRequestShape,
  noteEventShape,
  noteShape,
  type Note,
} from "./gitlab-shapes.ts";
import { createLinks } from "./links.ts";
import { createRest, type RestOptions } from "./rest.ts";
import { cutAt, sameOrLater } from "./shapes.ts";

export interface GitLabOptions extends Omit<RestOptions, "authorization"> {
  /** Where people go; `apiUrl` is usually this with `/api/v4`. */
  readonly webUrl: string;
  /** With its groups: `group/subgroup/name`. */
  readonly repository: string;
  readonly token: () => string;
}

const dayMs = 86_400_000;

export function createGitLab(options: GitLabOptions): Forge {
  const { repository } = options;
  // Not PRIVATE-TOKEN, which a redirect to another host would take along.
  const api = createRest({ ...options, authorization: () => `Bearer ${options.token()}` });
  const root = `/projects/${encodeURIComponent(repository)}`;
  const links = createLinks("gitlab", options.webUrl, repository);
  const isOwn = rememberSelf(api);
  const listMergeRequests = createListing(api, mergeRequestShape);
  const listNews = createListing(api, noteEventShape);

  const ask = async <T>(request: ApiRequest, schema: z.ZodType<T>, signal: AbortSignal) =>
    (await api.ask(request, schema, signal)).value;
  const listOpen = async (query: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const fixed = { state: "opened", order_by: "created_at", sort: "asc", per_page: 100 };
    const request = { method: "GET", path: `${root}/merge_requests` } as const;
    return listMergeRequests({ ...request, query: { ...fixed, ...query } }, signal);
  };

  return {
    kind: "gitlab",
    repository,
    bodyLimit: 1_000_000,
    links,
    headRef: (number) => `refs/merge-requests/${number}/head`,
    headRefs: "refs/merge-requests/*/head",
    budget: () => api.budget(),

    async listPullRequests(signal) {
      const { items, unchanged } = await listOpen({}, signal);
      return { changed: !unchanged, pullRequests: items };
    },

    readPullRequest: (number, signal) =>
      ask(
        { method: "GET", path: `${root}/merge_requests/${number}` },
        mergeRequestShape,
        signal,
      ).catch(absent),

    async pullRequestsOf(commit, signal) {
      const path = `${root}/repository/commits/${encodeURIComponent(commit)}/merge_requests`;
      const found = ask({ method: "GET", path }, z.array(mergeRequestShape), signal);
      return (await found.catch(absent)) ?? [];
    },

    async openPullRequest({ head, base, title, body }, signal) {
      const asked = { source_branch: head, target_branch: base, title, description: body };
      const request = { method: "POST", path: `${root}/merge_requests`, body: asked } as const;
      try {
        return await ask(request, mergeRequestShape, signal);
      } catch (error) {
        const refused = error instanceof ForgeError && error.failure.kind === "refused";
        const known = refused
          ? (await listOpen({ source_branch: head, target_branch: base }, signal)).items[0]
          : undefined;
        if (known === undefined) throw error;
        return known;
      }
    },

    async upsertComment(wanted, signal) {
      const own = await isOwn(signal);
      const address = links.pullRequest(wanted.number);
      const notes = noteStore(api, `${root}/merge_requests/${wanted.number}/notes`, address, own);
      return upsertByMarker(notes(signal), wanted);
    },

    async listComments(since, signal) {
      // Of a project's notes there is no listing; the events say which were made, though not edited.
      const after = new Date(Date.parse(since) - dayMs).toISOString().slice(0, 10);
      const query = { action: "commented", after, sort: "desc", per_page: 100 };
      const request = { method: "GET", path: `${root}/events`, query } as const;
      const { items, unchanged } = await listNews(request, signal, (page) =>
        page.some((it) => !sameOrLater(it.created_at, since)),
      );
      const found = items.filter((it) => sameOrLater(it.created_at, since));
      const own = found.length === 0 ? () => false : await isOwn(signal);
      const comments = found.flatMap(({ note }): Comment[] => {
        if (note?.noteable_type !== "MergeRequest" || typeof note.noteable_iid !== "number") {
          return [];
        }
        const number = note.noteable_iid;
        const url = noteUrl(links.pullRequest(number), note.id);
        return [toComment(note, number, url, own(note.author.id))];
      });
      return { changed: !unchanged, comments: comments.toReversed() };
    },

    async addReaction({ id, number }, reaction, signal) {
      const path = `${root}/merge_requests/${number}/notes/${id}/award_emoji`;
      const body = { name: emoji[reaction] };
      try {
        await ask({ method: "POST", path, body, repeatable: true }, nothing, signal);
      } catch (error) {
        // "Name has already been taken" is told as what is not there.
        if (!isNotFound(error) || !(await awarded(api, path, body.name, signal))) throw error;
      }
    },

    async permissionOf({ id }, signal) {
      const path = `${root}/members/all/${id}`;
      const found = await ask({ method: "GET", path }, member, signal).catch(absent);
      return found === undefined || found.state !== "active"
        ? "none"
        : permissionAt(found.access_level);
    },

    async setStatus(commit, { context, state, description, targetUrl }, signal) {
      const path = `${root}/statuses/${encodeURIComponent(commit)}`;
      const target = targetUrl === undefined ? {} : { target_url: targetUrl };
      const given = state === "failure" || state === "error" ? "failed" : state;
      const body = { name: context, state: given, description: cutAt(description, 255), ...target };
      try {
        await ask({ method: "POST", path, body, repeatable: true }, nothing, signal);
      } catch (error) {
        // What is so already is no transition, and refused.
        const { failure } = error instanceof ForgeError ? error : {};
        const refused = failure?.kind === "refused" && failure.status === 400;
        if (!refused || !(await hasStatus(api, root, commit, context, given, signal))) throw error;
      }
    },

    commitComments: createGitLabCommitComments(api, root, links, isOwn),
    checkRuns: undefined,
  };
}

const member = z.looseObject({
  access_level: z.number(),
  state: z.string().default("active"),
});

/** Guest 10, reporter 20, developer 30, maintainer 40, owner 50. */
function permissionAt(level: number): Permission {
  if (level >= 40) return "admin";
  if (level >= 30) return "write";
  return level >= 10 ? "read" : "none";
}

const emoji = {
  "+1": "thumbsup",
  "-1": "thumbsdown",
  eyes: "eyes",
  confused: "confused",
  rocket: "rocket",
} satisfies Record<Reaction, string>;

async function awarded(
  api: Api,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const shape = z.array(z.looseObject({ name: z.string() }));
  const found = await api.ask({ method: "GET", path }, shape, signal);
  return found.value.some((it) => it.name === name);
}

async function hasStatus(
  api: Api,
  root: string,
  commit: string,
  name: string,
  status: string,
  signal: AbortSignal,
): Promise<boolean> {
  const path = `${root}/repository/commits/${encodeURIComponent(commit)}/statuses`;
  const shape = z.array(z.looseObject({ name: z.string(), status: z.string() }));
  const found = await api.ask({ method: "GET", path, query: { name } }, shape, signal);
  return found.value[0]?.status === status;
}

export type IsOwn = (signal: AbortSignal) => Promise<(id: number) => boolean>;

function rememberSelf(api: Api): IsOwn {
  let self: number | undefined;
  return async (signal) => {
    self ??= (await api.ask({ method: "GET", path: "/user" }, accountShape, signal)).value.id;
    return (id) => id === self;
  };
}

function noteStore(
  api: Api,
  path: string,
  address: string,
  own: (id: number) => boolean,
): (signal: AbortSignal) => CommentStore {
  const saved = ({ id }: { readonly id: number }) => ({ id, url: noteUrl(address, id) });
  return (signal) => ({
    async listOwn() {
      const query = { sort: "asc", order_by: "created_at", per_page: 100 };
      const items = await askPages(api, { method: "GET", path, query }, noteShape, signal);
      return items
        .filter((it) => own(it.author.id))
        .map((it) => ({ ...saved(it), body: it.body }))
        .toSorted((a, b) => a.id - b.id);
    },
    create: async (body) =>
      saved((await api.ask({ method: "POST", path, body: { body } }, noteShape, signal)).value),
    async edit(id, body) {
      const request = { method: "PUT", path: `${path}/${id}`, body: { body } } as const;
      return saved((await api.ask(request, noteShape, signal)).value);
    },
    async remove(id) {
      await api.ask({ method: "DELETE", path: `${path}/${id}` }, nothing, signal);
    },
  });
}

const noteUrl = (address: string, id: number): string => `${address}#note_${id}`;

const toComment = (note: Note, number: number, url: string, own: boolean): Comment => ({
  id: note.id,
  number,
  author: note.author,
  own,
  body: note.body,
  createdAt: note.created_at,
  updatedAt: note.updated_at,
  url,
});

function absent(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
