/**
 * Two commits merged as a forge would merge a pull request, in the bare mirror: no work tree, no
 * hook, no merge driver. The result is a commit that no ref names, with the same id every time.
 */
import fs from "node:fs";
import git from "isomorphic-git";
import { askGit, type GitContext } from "./git.ts";

export type Merged =
  | { readonly kind: "merged"; readonly commit: string }
  /** These files were changed on both sides; sorted. */
  | { readonly kind: "conflict"; readonly files: readonly string[] }
  /** The two have no commit in common. */
  | { readonly kind: "unrelated" }
  /** git is older than 2.38, and cannot merge without a work tree. */
  | { readonly kind: "unsupported" };

/** What a file of a pull request says of merging (`.gitattributes`) is not believed: the empty tree says nothing. */
const noAttributes = [
  "-c",
  "core.attributesFile=/dev/null",
  "-c",
  "attr.tree=4b825dc642cb6eb9a060e54bf8d69288fbee4904",
];

/** Two processes: whether they are related at all, git says only in words otherwise. */
export async function mergeCommits(
  context: GitContext,
  base: string,
  head: string,
  signal: AbortSignal,
): Promise<Merged> {
  const doing = `merging ${head} into ${base}`;
  const call = { doing, signal };
  const common = await askGit(context, ["merge-base", base, head], call, [0, 1]);
  if (common.code === 1) return { kind: "unrelated" };
  const args = [
    ...noAttributes,
    "merge-tree",
    "--write-tree",
    "--name-only",
    "--no-messages",
    "-z",
    base,
    head,
  ];
  const { code, output } = await askGit(context, args, call, [0, 1, 129]);
  // 129 is git's way to say that it does not know an option.
  if (code === 129) return { kind: "unsupported" };
  const [tree = "", ...files] = output.split("\0").filter((it) => it !== "");
  if (code === 1) return { kind: "conflict", files: [...new Set(files)].toSorted() };
  const commit = await git.writeCommit({
    fs,
    gitdir: context.gitdir,
    commit: {
      message: `Merge ${head} into ${base}\n`,
      tree: tree.trim(),
      parent: [base, head],
      author: nobody,
      committer: nobody,
    },
  });
  return { kind: "merged", commit };
}

const nobody = {
  name: "innominatus",
  email: "innominatus@localhost",
  timestamp: 0,
  timezoneOffset: 0,
};
