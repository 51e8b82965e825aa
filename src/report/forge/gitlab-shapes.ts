/** GitLab's answers, as little of them as we read, and what they mean to us. */
import { z } from "zod";
import type { Person, PullRequest } from "./forge.ts";

const user = z
  .looseObject({ id: z.number(), username: z.string() })
  .nullish()
  .transform((it): Person => ({ id: it?.id ?? 0, login: it?.username ?? "ghost" }));

export const accountShape = z.looseObject({ id: z.number() });

export const mergeRequestShape = z
  .looseObject({
    iid: z.number(),
    title: z.string(),
    state: z.enum(["opened", "closed", "locked", "merged"]),
    draft: z.boolean().nullish(),
    author: user,
    sha: z.string().nullish(),
    source_branch: z.string(),
    target_branch: z.string(),
    source_project_id: z.number().nullish(),
    target_project_id: z.number(),
    merge_commit_sha: z.string().nullish(),
    squash_commit_sha: z.string().nullish(),
    updated_at: z.string(),
    web_url: z.string(),
  })
  .transform((it): PullRequest => {
    const state = states[it.state];
    const head = it.sha ?? "";
    return {
      number: it.iid,
      title: it.title,
      state,
      draft: it.draft ?? false,
      author: it.author,
      head: {
        commit: head,
        branch: it.source_branch,
        fork: it.source_project_id !== it.target_project_id,
      },
      base: it.target_branch,
      // Merged by fast-forward, also after a rebase, the head itself is what the branch has.
      mergeCommit:
        state === "merged" ? (it.merge_commit_sha ?? it.squash_commit_sha ?? head) : undefined,
      updatedAt: it.updated_at,
      url: it.web_url,
    };
  });

/** Locked: it is being merged. */
const states = { opened: "open", locked: "open", closed: "closed", merged: "merged" } as const;

export const noteShape = z.looseObject({
  id: z.number(),
  body: z.string(),
  author: user,
  system: z.boolean().nullish(),
  created_at: z.string(),
  updated_at: z.string(),
  noteable_type: z.string().nullish(),
  noteable_iid: z.number().nullish(),
});

export type Note = z.output<typeof noteShape>;

export const noteEventShape = z.looseObject({
  created_at: z.string(),
  note: noteShape.nullish(),
});

export const discussionShape = z.looseObject({ id: z.string(), notes: z.array(noteShape) });
