/**
 * What a repository holds at a commit: every path with its object id, and contents on demand. A
 * constant number of git processes, however many files (DESIGN §9).
 */
import { compareText } from "../model/problem.ts";
import { diffTrees, type Entry } from "./diff.ts";
import { FetchError } from "./fetch-error.ts";
import { catFile, runGit, type GitContext } from "./git.ts";

export interface Snapshot {
  readonly commit: string;
  readonly tree: string;
  /** `Name <address>` */
  readonly author: string;
  /** ISO 8601, UTC. */
  readonly committedAt: string;
  readonly subject: string;
  /** Everything that is no folder, sorted by path. */
  readonly entries: ReadonlyMap<string, Entry>;
  /**
   * Contents by path, each blob read once. A symbolic link's content is its target's name. What
   * is not in `entries`, or is a submodule, is not in the answer; `"too-large"` stands for a file
   * above the limit, whose content is never loaded.
   */
  read(paths: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Content>>;
}

export type Content = Uint8Array | "too-large";

export interface ReadLimits {
  readonly blobBytes: number;
  readonly totalBytes: number;
}

export const defaultLimits: ReadLimits = { blobBytes: 2 ** 21, totalBytes: 2 ** 29 };

/** @param base a snapshot near this one: what did not change since is taken from it */
export async function takeSnapshot(
  context: GitContext,
  limits: ReadLimits,
  commit: string,
  base: Snapshot | undefined,
  signal: AbortSignal,
): Promise<Snapshot> {
  const tree = `${commit}^{tree}`;
  const listing =
    base === undefined
      ? listTree(context, tree, signal)
      : updateEntries(context, base, tree, signal);
  // Meanwhile; that there is no such commit is told by whoever asks for it by name.
  listing.catch(() => undefined);
  const facts = await readCommit(context, commit, signal);
  const entries = await listing;
  const read: Snapshot["read"] = (paths, readSignal = new AbortController().signal) =>
    readContents(context, limits, entries, paths, readSignal);
  return { ...facts, entries, read };
}

type CommitFacts = Pick<Snapshot, "commit" | "tree" | "author" | "committedAt" | "subject">;

export async function readCommit(
  context: GitContext,
  commit: string,
  signal: AbortSignal,
): Promise<CommitFacts> {
  const doing = `reading commit ${commit}`;
  const output = await catFile(context, ["--batch"], {
    doing,
    signal,
    input: `${commit}^{commit}\n`,
  });
  const [object] = parseObjects(output);
  if (object === undefined) {
    throw new FetchError("UnknownCommit", `${doing}: it is not in the mirror`);
  }
  const text = Buffer.from(object.content).toString();
  const end = text.indexOf("\n\n");
  const header = (name: string): string =>
    new RegExp(`^${name} (.*)$`, "m").exec(text.slice(0, end))?.[1] ?? "";
  const seconds = Number(/ (\d+) [+-]\d+$/.exec(header("committer"))?.[1] ?? 0);
  return {
    commit: object.oid,
    tree: header("tree"),
    author: header("author").replace(/ -?\d+ [+-]\d+$/, ""),
    committedAt: new Date(seconds * 1000).toISOString(),
    subject:
      text
        .slice(end + 2)
        .trimStart()
        .split("\n", 1)[0] ?? "",
  };
}

async function listTree(
  context: GitContext,
  tree: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Entry>> {
  const doing = `listing tree ${tree}`;
  const output = await runGit(context, ["ls-tree", "-r", "-z", "--full-tree", tree], {
    doing,
    signal,
  });
  const entries = new Map<string, Entry>();
  for (const line of output.split("\0")) {
    const tab = line.indexOf("\t");
    if (tab < 0) continue;
    const [mode = "", , oid = ""] = line.slice(0, tab).split(" ");
    entries.set(line.slice(tab + 1), { oid, mode });
  }
  return sorted(entries);
}

async function updateEntries(
  context: GitContext,
  base: Snapshot,
  tree: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Entry>> {
  const changes = await diffTrees(context, base.tree, tree, signal);
  if (changes.length === 0) return base.entries;
  const entries = new Map(base.entries);
  for (const { path, to } of changes) {
    if (to === undefined) entries.delete(path);
    else entries.set(path, to);
  }
  return changes.some((it) => it.from === undefined) ? sorted(entries) : entries;
}

/** By code unit, as everything of ours; git sorts by byte, and what was added came last. */
const sorted = (entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> =>
  new Map([...entries].toSorted(([a], [b]) => compareText(a, b)));

/** Two processes: sizes first, so that what is too large is never loaded; then the contents. */
async function readContents(
  context: GitContext,
  limits: ReadLimits,
  entries: ReadonlyMap<string, Entry>,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Content>> {
  const oids = new Map<string, string>();
  for (const path of paths) {
    const entry = entries.get(path);
    if (entry !== undefined && entry.mode !== "160000") oids.set(path, entry.oid);
  }
  if (oids.size === 0) return new Map();

  const doing = `reading ${oids.size} files`;
  const input = (list: Iterable<string>): string => [...list].map((oid) => `${oid}\n`).join("");
  const check = await catFile(context, ["--batch-check", "--buffer"], {
    doing,
    signal,
    input: input(new Set(oids.values())),
  });
  const contents = new Map<string, Content>();
  let total = 0;
  for (const line of check.toString().trimEnd().split("\n")) {
    const [oid = "", type, size] = line.split(" ");
    if (type !== "blob") throw missing(doing, oid);
    if (Number(size) > limits.blobBytes) contents.set(oid, "too-large");
    else total += Number(size);
  }
  if (total > limits.totalBytes) {
    throw new FetchError("TooLarge", `${doing}: ${total} bytes, at most ${limits.totalBytes}`);
  }
  const wanted = new Set([...oids.values()].filter((oid) => !contents.has(oid)));
  if (wanted.size > 0) {
    const output = await catFile(context, ["--batch", "--buffer"], {
      doing,
      signal,
      input: input(wanted),
    });
    for (const { oid, content } of parseObjects(output)) contents.set(oid, content);
  }
  const result = new Map<string, Content>();
  for (const [path, oid] of oids) {
    const content = contents.get(oid);
    if (content === undefined) throw missing(doing, oid);
    result.set(path, content);
  }
  return result;
}

const missing = (doing: string, oid: string): FetchError =>
  new FetchError("CorruptMirror", `${doing}: object ${oid} is missing from the mirror`);

interface GitObject {
  readonly oid: string;
  /** A view into the output, not a copy. */
  readonly content: Uint8Array;
}

/** The answer of `cat-file --batch`; objects that are not there are left out. */
function parseObjects(output: Buffer): readonly GitObject[] {
  const objects: GitObject[] = [];
  for (let offset = 0; offset < output.length;) {
    const end = output.indexOf(10, offset);
    if (end < 0) break;
    const [oid = "", type, size] = output.toString("latin1", offset, end).split(" ");
    offset = end + 1;
    if (type === "missing" || size === undefined) continue;
    const content = output.subarray(offset, offset + Number(size));
    // Cut short: whatever follows is not there either, and the caller sees what is missing.
    if (content.length < Number(size)) break;
    objects.push({ oid, content });
    offset += Number(size) + 1;
  }
  return objects;
}
