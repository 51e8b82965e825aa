/** Merging and reverting as forges do it, by git itself, in a work tree that is thrown away. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Origin } from "../repository.ts";

export const mergeMethods = ["merge", "squash", "rebase"] as const;
export type MergeMethod = (typeof mergeMethods)[number];

interface Merging {
  readonly base: string;
  /** A commit. */
  readonly head: string;
  readonly message: string;
}

/** @returns the commit that the target branch has now. @throws where git finds a conflict */
export async function mergeOnGit(
  git: Origin,
  method: MergeMethod,
  { base, head, message }: Merging,
): Promise<string> {
  return inWorkTree(git, `refs/heads/${base}`, async (run) => {
    if (method === "merge") {
      await run(["merge", "--quiet", "--no-ff", "-m", message, head]);
    } else if (method === "squash") {
      await run(["merge", "--quiet", "--squash", head]);
      await run(["commit", "--quiet", "-m", message]);
    } else {
      await run(["cherry-pick", `HEAD..${head}`]);
    }
    const commit = (await run(["rev-parse", "HEAD"])).trim();
    await git.git(["update-ref", `refs/heads/${base}`, commit]);
    return commit;
  });
}

/** Makes `branch` of the target branch, without what came between `before` and `merged`. */
export async function revertOnGit(
  git: Origin,
  branch: string,
  base: string,
  before: string,
  merged: string,
): Promise<void> {
  await inWorkTree(git, `refs/heads/${base}`, async (run) => {
    const parents =
      (await run(["rev-list", "--parents", "-1", merged])).trim().split(" ").length - 1;
    const what = parents > 1 ? ["-m", "1", merged] : [`${before}..${merged}`];
    await run(["revert", "--no-edit", ...what]);
    const commit = (await run(["rev-parse", "HEAD"])).trim();
    await git.git(["update-ref", `refs/heads/${branch}`, commit]);
  });
}

async function inWorkTree<T>(
  git: Origin,
  at: string,
  work: (run: (args: readonly string[]) => Promise<string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-merge-"));
  const path = join(folder, "tree");
  await git.git(["worktree", "add", "--quiet", "--detach", path, at]);
  try {
    return await work((args) => git.git(["-C", path, ...args]));
  } finally {
    await git.git(["worktree", "remove", "--force", path]);
    await rm(folder, { recursive: true, force: true });
  }
}
