/**
 * Which paths differ between two trees, by one git process that opens changed subtrees only. With
 * 10,000 folders side by side: 6 ms, where walking the trees with isomorphic-git took 50 to 100.
 */
import { compareText } from "../model/problem.ts";
import { runGit, type GitContext } from "./git.ts";

export interface Entry {
  readonly oid: string;
  /** git's: `100644`, `100755` executable, `120000` symbolic link, `160000` submodule (no blob). */
  readonly mode: string;
}

export interface PathChange {
  readonly path: string;
  /** `undefined`: not there. */
  readonly from: Entry | undefined;
  readonly to: Entry | undefined;
}

/** Sorted by path. A rename is a removal and an addition. @param from, to trees or commits */
export async function diffTrees(
  context: GitContext,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<readonly PathChange[]> {
  const options = ["-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none"];
  const output = await runGit(context, ["diff-tree", ...options, from, to, "--"], {
    doing: `comparing ${from.slice(0, 10)} with ${to.slice(0, 10)}`,
    signal,
  });
  const fields = output.split("\0");
  const changes: PathChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [fromMode, mode, fromOid, oid] = (fields[index] ?? "").slice(1).split(" ");
    changes.push({
      path: fields[index + 1] ?? "",
      from: entryOf(fromMode, fromOid),
      to: entryOf(mode, oid),
    });
  }
  return changes.toSorted((a, b) => compareText(a.path, b.path));
}

const entryOf = (mode = "", oid = ""): Entry | undefined =>
  mode === "000000" ? undefined : { oid, mode };
