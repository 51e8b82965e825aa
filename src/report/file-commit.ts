/**
 * A commit that puts or removes one file on a branch's tip: made in the bare mirror, without a work
 * tree. Only the folders on the way to the file are read, however large the repository is.
 */
import fs from "node:fs";
import git, { type TreeEntry } from "isomorphic-git";
import { compareText } from "../model/problem.ts";

export interface FileChange {
  readonly path: string;
  /** `undefined`: removed. */
  readonly content: string | undefined;
  readonly author: { readonly name: string; readonly email: string };
  readonly subject: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly at: Date;
}

/** Something on the way to the file is none of a folder, or the file is none of a file. */
export class PathTakenError extends Error {
  override readonly name = "PathTakenError";
}

/**
 * Pushes nothing.
 *
 * @returns `undefined` when `tip` says all of it already
 * @throws {PathTakenError}
 */
export async function commitFile(
  gitdir: string,
  tip: string,
  change: FileChange,
): Promise<string | undefined> {
  const repository = { fs, gitdir, cache: {} };
  const before = await git.readTree({ ...repository, oid: tip });
  const { content, path } = change;
  const oid =
    content === undefined
      ? undefined
      : await git.writeBlob({ ...repository, blob: Buffer.from(content) });
  const names = path.split("/");
  const tree =
    (await replace(repository, before.tree, names, oid, path)) ??
    (await git.writeTree({ ...repository, tree: [] }));
  if (tree === before.oid) return undefined;
  const timestamp = Math.floor(change.at.getTime() / 1_000);
  const when = { timestamp, timezoneOffset: 0 };
  return git.writeCommit({
    ...repository,
    commit: {
      message: messageOf(change),
      tree,
      parent: [tip],
      author: { ...cleaned(change.author), ...when },
      committer: { ...committer, ...when },
    },
  });
}

const committer = { name: "innominatus", email: "innominatus@users.noreply.innominatus.dev" };

interface Repository {
  readonly fs: typeof fs;
  readonly gitdir: string;
  readonly cache: object;
}

/** @returns the folder's tree with the file in it or out of it; `undefined`: nothing is left of it */
async function replace(
  repository: Repository,
  entries: readonly TreeEntry[],
  [name = "", ...rest]: readonly string[],
  oid: string | undefined,
  path: string,
): Promise<string | undefined> {
  const known = entries.find((it) => it.path === name);
  const others = entries.filter((it) => it.path !== name);
  const next =
    rest.length === 0
      ? fileEntry(name, known, oid, path)
      : await folderEntry(repository, name, known, rest, oid, path);
  const tree = [...others, ...next].toSorted((a, b) => compareText(sortKey(a), sortKey(b)));
  return tree.length === 0 ? undefined : git.writeTree({ ...repository, tree });
}

/** Git sorts a folder as if its name ended in a slash. */
const sortKey = (it: TreeEntry): string => (it.type === "tree" ? `${it.path}/` : it.path);

function fileEntry(
  name: string,
  known: TreeEntry | undefined,
  oid: string | undefined,
  path: string,
): readonly TreeEntry[] {
  if (known !== undefined && !known.mode.startsWith("100")) {
    throw new PathTakenError(`${path} is no plain file in the repository`);
  }
  if (oid === undefined) return [];
  return [{ mode: known?.mode ?? "100644", path: name, oid, type: "blob" }];
}

async function folderEntry(
  repository: Repository,
  name: string,
  known: TreeEntry | undefined,
  rest: readonly string[],
  oid: string | undefined,
  path: string,
): Promise<readonly TreeEntry[]> {
  if (known !== undefined && known.type !== "tree") {
    throw new PathTakenError(`${name} on the way to ${path} is no folder in the repository`);
  }
  const inside =
    known === undefined ? [] : (await git.readTree({ ...repository, oid: known.oid })).tree;
  const tree = await replace(repository, inside, rest, oid, path);
  return tree === undefined ? [] : [{ mode: "040000", path: name, oid: tree, type: "tree" }];
}

/** What would end a header of the commit's. */
const oneLine = (text: string): string => text.replaceAll(/[\s\0<>]+/g, " ").trim();

const cleaned = ({ name, email }: FileChange["author"]): FileChange["author"] => ({
  name: oneLine(name) || "unknown",
  email: oneLine(email).replaceAll(" ", ""),
});

function messageOf({ subject, trailers }: FileChange): string {
  const lines = trailers.map(([name, value]) => `${name}: ${oneLine(value)}\n`);
  return `${oneLine(subject)}\n${lines.length > 0 ? "\n" : ""}${lines.join("")}`;
}
