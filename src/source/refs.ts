/** Branches, tags and pull requests' heads: what the remote has, and what the mirror holds of it. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runGit, type GitContext } from "./git.ts";
import { mask } from "./location.ts";

interface Ref {
  readonly oid: string;
  /** `oid`, or what the annotated tag `oid` is about. */
  readonly commit: string;
}

export interface Refs {
  /** The branch that the remote's HEAD names. */
  readonly head: string | undefined;
  /** By the remote's full name: `refs/heads/main`. */
  readonly byName: ReadonlyMap<string, Ref>;
}

export const noRefs: Refs = { head: undefined, byName: new Map() };

export function sameRefs(a: Refs, b: Refs): boolean {
  if (a.head !== b.head || a.byName.size !== b.byName.size) return false;
  return [...a.byName].every(([name, { oid }]) => b.byName.get(name)?.oid === oid);
}

const pullRequestRefs = ["refs/pull/*/head", "refs/merge-requests/*/head"];

/** What the remote has now, by one process. */
export async function listRemote(
  context: GitContext,
  pullRequests: boolean,
  signal: AbortSignal,
): Promise<Refs> {
  const patterns = [
    "HEAD",
    "refs/heads/*",
    "refs/tags/*",
    ...(pullRequests ? pullRequestRefs : []),
  ];
  const output = await runGit(context, ["ls-remote", "--symref", "--", context.url, ...patterns], {
    doing: `looking at ${mask(context.url, [])}`,
    signal,
  });
  const byName = new Map<string, Ref>();
  let symbolic: string | undefined;
  let detached: string | undefined;
  for (const line of output.split("\n")) {
    const [left = "", name = ""] = line.split("\t");
    const peeled = name.endsWith("^{}") ? byName.get(name.slice(0, -3)) : undefined;
    // A clone as the remote tells what its own remotes' HEADs name, too.
    if (left.startsWith("ref: ")) symbolic = name === "HEAD" ? branchOf(left.slice(5)) : symbolic;
    else if (name === "HEAD") detached = left;
    else if (peeled !== undefined) byName.set(name.slice(0, -3), { ...peeled, commit: left });
    // The patterns match at any depth: refs/remotes/x/refs/heads/y is none of ours.
    else if (/^refs\/(heads|tags|pull|merge-requests)\//.test(name)) {
      byName.set(name, { oid: left, commit: left });
    }
  }
  return { head: symbolic ?? branchAt(byName, detached), byName };
}

/** A server that does not say what HEAD names tells only its commit; main and master come first. */
function branchAt(byName: Refs["byName"], commit: string | undefined): string | undefined {
  if (commit === undefined) return undefined;
  const at = [...byName].filter(([, ref]) => ref.oid === commit).map(([name]) => branchOf(name));
  return ["main", "master", ...at].find((it) => it !== undefined && at.includes(it));
}

const branchOf = (name: string): string | undefined =>
  name.startsWith("refs/heads/") ? name.slice("refs/heads/".length) : undefined;

/** Brings the mirror to what the remote has; what is gone there is gone here. */
export async function fetchRefs(
  context: GitContext,
  head: string | undefined,
  pullRequests: boolean,
  signal: AbortSignal,
): Promise<Refs> {
  const specs = [
    "+refs/heads/*:refs/remotes/origin/*",
    "+refs/tags/*:refs/tags/*",
    ...(pullRequests ? pullRequestRefs.map((it) => `+${it}:${it}`) : []),
  ];
  const flags = ["--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
  // A shallow clone as origin (a CI checkout) is mirrored as it is: what it lacks proves nothing.
  const args = ["fetch", ...flags, "--update-shallow", "--", context.url, ...specs];
  await runGit(context, args, { doing: `fetching ${mask(context.url, [])}`, signal });
  await writeFile(join(context.gitdir, headFile), head ?? "");
  return readRefs(context, signal);
}

/** Where a ref is kept that is fetched by name: out of the way of what is mirrored whole. */
export const apart = (ref: string): string => `refs/innominatus/${ref.replace(/^refs\//, "")}`;

/** A ref that is not there fails them all. */
export async function fetchApart(
  context: GitContext,
  refs: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const flags = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
  const specs = refs.map((it) => `+${it}:${apart(it)}`);
  const args = ["fetch", ...flags, "--update-shallow", "--", context.url, ...specs];
  await runGit(context, args, { doing: `fetching ${refs.join(", ")}`, signal });
}

/** What the mirror holds, by one process. */
export async function readRefs(context: GitContext, signal: AbortSignal): Promise<Refs> {
  const format = "--format=%(objectname)%09%(*objectname)%09%(refname)";
  const places = ["refs/remotes", "refs/tags", "refs/pull", "refs/merge-requests"];
  const output = await runGit(context, ["for-each-ref", format, ...places], {
    doing: `reading the refs of ${context.gitdir}`,
    signal,
  });
  const byName = new Map<string, Ref>();
  for (const line of output.split("\n")) {
    const [oid = "", peeled = "", name = ""] = line.split("\t");
    if (name !== "") {
      byName.set(name.replace(tracked, "refs/heads/"), { oid, commit: peeled || oid });
    }
  }
  const head = await readFile(join(context.gitdir, headFile), "utf8").catch(() => "");
  return { head: head === "" ? undefined : head, byName };
}

export const tracked = "refs/remotes/origin/";

/** Name of the remote's default branch, remembered so that a restart need not ask. */
const headFile = "innominatus.head";
