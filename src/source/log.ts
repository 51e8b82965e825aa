/** Which commits came to a branch, and what their messages say. */
import { runGit, type GitContext } from "./git.ts";

export interface LoggedCommit {
  readonly commit: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** It was put on the branch itself, and did not come with a merge. */
  readonly onBranch: boolean;
}

export async function logBetween(
  context: GitContext,
  from: string,
  to: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly LoggedCommit[]> {
  const format = "--format=%H%n%P%n%B";
  const args = ["log", "-z", format, `--max-count=${limit}`, to, `^${from}`, "--"];
  const output = await runGit(context, args, { doing: `listing what came after ${from}`, signal });
  const commits = output
    .split("\0")
    .filter((it) => it !== "")
    .map((text) => {
      const [commit = "", parents = "", ...message] = text.split("\n");
      return {
        commit,
        parents: parents.split(" ").filter((it) => it !== ""),
        message: message.join("\n").trimEnd(),
      };
    });
  const byId = new Map(commits.map((it) => [it.commit, it]));
  const line = new Set<string>();
  for (let at = byId.get(to); at !== undefined; at = byId.get(at.parents[0] ?? "")) {
    line.add(at.commit);
  }
  return commits.map((it) => ({ ...it, onBranch: line.has(it.commit) }));
}
