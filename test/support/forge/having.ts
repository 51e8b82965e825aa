/** Which pull requests a commit is of, as git tells it. */
import type { ForgeWorld, WorldPullRequest } from "./world.ts";

/** Pull requests that brought a commit to their target, or would. */
export async function having(world: ForgeWorld, commit: string): Promise<WorldPullRequest[]> {
  const found: WorldPullRequest[] = [];
  for (const it of world.pullRequests.values()) {
    const listed = await world.git.git([
      "rev-list",
      it.mergeCommit ?? it.headCommit,
      `^${it.mergedOnto ?? it.base}`,
    ]);
    if (listed.split("\n").includes(commit) || it.headCommit === commit) found.push(it);
  }
  return found;
}
