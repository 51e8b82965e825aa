/** The shapes that GitHub and Gitea share, as little of them as we read, and what they mean to us. */
import { z } from "zod";
import type { Comment, Person, PullRequest } from "./forge.ts";

/** `null`: the account is gone. GitHub calls it ghost. */
const user = z
  .looseObject({ id: z.number(), login: z.string() })
  .nullish()
  .transform((it): Person => ({ id: it?.id ?? 0, login: it?.login ?? "ghost" }));

const repository = z.looseObject({ full_name: z.string() }).nullish();

const text = z
  .string()
  .nullish()
  .transform((it) => it ?? "");

export const pullRequestShape = z
  .looseObject({
    number: z.number(),
    title: z.string(),
    state: z.enum(["open", "closed"]),
    draft: z.boolean().nullish(),
    user,
    head: z.looseObject({ ref: z.string(), sha: z.string(), repo: repository }),
    base: z.looseObject({ ref: z.string(), repo: repository }),
    merged_at: z.string().nullish(),
    merge_commit_sha: z.string().nullish(),
    updated_at: z.string(),
    html_url: z.string(),
  })
  .transform((it): PullRequest => {
    const merged = typeof it.merged_at === "string";
    return {
      number: it.number,
      title: it.title,
      state: merged ? "merged" : it.state,
      draft: it.draft ?? false,
      author: it.user,
      head: {
        commit: it.head.sha,
        branch: it.head.ref,
        fork: it.head.repo === null || it.head.repo?.full_name !== it.base.repo?.full_name,
      },
      base: it.base.ref,
      // Before the merge GitHub has a trial merge's commit there.
      mergeCommit: merged ? (it.merge_commit_sha ?? undefined) : undefined,
      updatedAt: it.updated_at,
      url: it.html_url,
    };
  });

export const commentShape = z.looseObject({
  id: z.number(),
  body: text,
  user,
  created_at: z.string(),
  updated_at: z.string(),
  html_url: z.string(),
});

/** The number of the pull request that a comment's address names; `undefined` for one on an issue. */
export function pullRequestNumber(url: string): number | undefined {
  const found = /\/pulls?\/(\d+)/.exec(url)?.[1];
  return found === undefined ? undefined : Number(found);
}

export function toComment(
  shape: z.output<typeof commentShape>,
  number: number,
  own: boolean,
): Comment {
  return {
    id: shape.id,
    number,
    author: shape.user,
    own,
    body: shape.body,
    createdAt: shape.created_at,
    updatedAt: shape.updated_at,
    url: shape.html_url,
  };
}

export const savedShape = z
  .looseObject({ id: z.number(), html_url: z.string() })
  .transform(({ id, html_url: url }) => ({ id, url }));

export const permissionShape = z.looseObject({ permission: z.string() });

/** ISO 8601, to the second: what forges compare may be written with another zone. */
export const sameOrLater = (at: string, since: string): boolean =>
  Math.floor(Date.parse(at) / 1_000) >= Math.floor(Date.parse(since) / 1_000);

/** What a forge takes, cut between characters. */
export function cutAt(text: string, limit: number): string {
  const characters = Array.from(text);
  return characters.length <= limit ? text : `${characters.slice(0, limit - 1).join("")}…`;
}
