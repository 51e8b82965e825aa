/**
 * Commits status on a branch of its own: made in the bare mirror, without a work tree, on the
 * remote's tip, never forced. The same content makes no commit (law 9, DESIGN §5).
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { deflateSync } from "node:zlib";
import git, { type TreeEntry } from "isomorphic-git";
import { compareText } from "../model/problem.ts";

/** What this needs of the mirror. */
export interface StatusRemote {
  readonly gitdir: string;
  fetch(signal: AbortSignal): Promise<void>;
  /** The branch's commit at the last fetch or push; `undefined`: it is not there. */
  tip(branch: string): Promise<string | undefined>;
  /** `refused`: `expected` is not the branch's tip any more. */
  push(
    branch: string,
    commit: string,
    expected: string | undefined,
    signal: AbortSignal,
  ): Promise<"pushed" | "refused">;
}

export interface StatusCommit {
  /** Desired content by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Paths of ours: removed when they are not in `files`. Everybody else's are kept. */
  readonly owned: (path: string) => boolean;
  readonly subject: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly at: Date;
}

export interface Published {
  /** The branch's tip, made now or before. */
  readonly commit: string;
  readonly changed: boolean;
}

const attempts = 5;

/**
 * @param statusOn what to say on this tip, read after the tip was seen: who was late puts no older
 *   state on top of a newer one
 * @throws {Error} when others keep pushing first; what was published before stays as it is
 */
export async function publishStatus(
  remote: StatusRemote,
  branch: string,
  statusOn: (tip: string | undefined) => Promise<StatusCommit>,
  signal: AbortSignal,
): Promise<Published> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    signal.throwIfAborted();
    const tip = await remote.tip(branch);
    const commit = await commitOnto(remote.gitdir, tip, await statusOn(tip));
    if (commit === undefined && tip !== undefined) return { commit: tip, changed: false };
    if (commit !== undefined) {
      const outcome = await remote.push(branch, commit, tip, signal);
      if (outcome === "pushed") return { commit, changed: true };
    }
    await remote.fetch(signal);
  }
  throw new Error(
    `publishing to ${branch}: the push was refused ${attempts} times, each on a new tip; ` +
      `let nothing but the controller write to that branch, or set status.branch to another`,
  );
}

/** @returns the new commit, or `undefined` when `tip` says all of it already */
async function commitOnto(
  gitdir: string,
  tip: string | undefined,
  status: StatusCommit,
): Promise<string | undefined> {
  const repository = { fs, gitdir, cache: {} };
  const before = tip === undefined ? undefined : await git.readTree({ ...repository, oid: tip });
  const root: Folder = new Map();
  const kept = before === undefined ? [] : await leavesOf(repository, before.tree, "");
  for (const { path, entry } of kept) {
    if (!status.owned(path)) place(root, path, entry);
  }
  const present = new Set(kept.map(({ entry }) => entry.oid));
  const missing: GitObject[] = [];
  for (const [path, content] of status.files) {
    const object = blobOf(content);
    if (!present.has(object.oid)) missing.push(object);
    place(root, path, { mode: "100644", path, oid: object.oid, type: "blob" });
  }
  await writeObjects(repository, missing);
  const tree = await writeFolder(repository, root);
  if (tree === before?.oid) return undefined;

  const who = { ...author, timestamp: Math.floor(status.at.getTime() / 1000), timezoneOffset: 0 };
  const parent = tip === undefined ? [] : [tip];
  const message = messageOf(status);
  return git.writeCommit({
    ...repository,
    commit: { message, tree, parent, author: who, committer: who },
  });
}

const author = { name: "innominatus", email: "innominatus@users.noreply.innominatus.dev" };

interface Repository {
  readonly fs: typeof fs;
  readonly gitdir: string;
  readonly cache: object;
}

interface Leaf {
  readonly path: string;
  readonly entry: TreeEntry;
}

/** Everything that is no folder. */
async function leavesOf(
  repository: Repository,
  entries: readonly TreeEntry[],
  prefix: string,
): Promise<readonly Leaf[]> {
  const leaves: Leaf[] = [];
  for (const entry of entries) {
    const path = `${prefix}${entry.path}`;
    if (entry.type === "tree") {
      const { tree } = await git.readTree({ ...repository, oid: entry.oid });
      leaves.push(...(await leavesOf(repository, tree, `${path}/`)));
    } else {
      leaves.push({ path, entry });
    }
  }
  return leaves;
}

type Folder = Map<string, Folder | TreeEntry>;

/** What is placed later wins: a file makes way for a folder of its name, and the other way round. */
function place(root: Folder, path: string, entry: TreeEntry): void {
  const names = path.split("/");
  const last = names.pop() ?? "";
  let folder = root;
  for (const name of names) {
    const next = folder.get(name);
    if (next instanceof Map) {
      folder = next;
    } else {
      const made: Folder = new Map();
      folder.set(name, made);
      folder = made;
    }
  }
  folder.set(last, entry);
}

async function writeFolder(repository: Repository, folder: Folder): Promise<string> {
  const tree: TreeEntry[] = [];
  for (const [path, item] of [...folder].toSorted(([a], [b]) => compareText(a, b))) {
    if (item instanceof Map) {
      tree.push({ mode: "040000", path, oid: await writeFolder(repository, item), type: "tree" });
    } else {
      tree.push({ ...item, path });
    }
  }
  return git.writeTree({ ...repository, tree });
}

interface GitObject {
  readonly oid: string;
  readonly bytes: Buffer;
}

function blobOf(content: string): GitObject {
  const blob = Buffer.from(content);
  const bytes = Buffer.concat([Buffer.from(`blob ${blob.length}\0`), blob]);
  return { oid: createHash("sha1").update(bytes).digest("hex"), bytes };
}

/** Deflated here and several at a time: 10,000 first files in a third of the time of `writeBlob`. */
async function writeObjects(repository: Repository, objects: readonly GitObject[]): Promise<void> {
  const queue = objects.values();
  const work = async (): Promise<void> => {
    for (const { oid, bytes } of queue) {
      const object = deflateSync(bytes);
      await git.writeObject({ ...repository, format: "deflated", object, oid });
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

function messageOf({ subject, trailers }: StatusCommit): string {
  const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
  const lines = trailers.map(([name, value]) => `${name}: ${oneLine(value)}\n`);
  return `${oneLine(subject)}\n${lines.length > 0 ? "\n" : ""}${lines.join("")}`;
}
