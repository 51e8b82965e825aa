/**
 * Makes a mirror, and replaces a damaged one: the old one goes when the new one is whole, so that
 * a remote that is away, a full disk or a kill in between loses nothing.
 */
import fs from "node:fs";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import git from "isomorphic-git";
import { FetchError } from "./fetch-error.ts";
import { runGit, writeSettings, type GitContext } from "./git.ts";
import { fetchRefs, listRemote, readRefs, type Refs } from "./refs.ts";

/** Commits that were applied, each under a ref of its own id: gc leaves them alone. */
export const keepRefs = "refs/innominatus/keep";

export const isDamage = (error: unknown): boolean =>
  error instanceof FetchError && error.reason === "CorruptMirror";

/**
 * What the mirror on disk holds; `undefined` when it is damaged: not every object that a ref needs
 * is there. Contents are checked when they are read. 11 ms for 10,000 files.
 */
export async function readMirror(
  context: GitContext,
  signal: AbortSignal,
): Promise<Refs | undefined> {
  if (!(await exists(join(context.gitdir, "HEAD")))) return undefined;
  await onDisk(context, () => writeSettings(context));
  const doing = `checking the mirror ${context.gitdir}`;
  const args = ["rev-list", "--objects", "--no-walk", "--count", "--all"];
  try {
    await runGit(context, args, { doing, signal });
    return await readRefs(context, signal);
  } catch (error) {
    if (isDamage(error) || isNoRepository(error)) return undefined;
    throw error;
  }
}

/** @throws {FetchError} what was there is there still */
export async function cloneAfresh(
  context: GitContext,
  pullRequests: boolean,
  signal: AbortSignal,
): Promise<Refs> {
  const incoming = { ...context, gitdir: `${context.gitdir}.incoming` };
  const old = `${context.gitdir}.damaged`;
  await onDisk(context, async () => {
    await removeFolder(incoming.gitdir);
    await removeFolder(old);
    await mkdir(incoming.gitdir, { recursive: true });
    await git.init({ fs, gitdir: incoming.gitdir, bare: true, defaultBranch: "none" });
    await writeSettings(incoming);
  });
  const { head } = await listRemote(incoming, pullRequests, signal);
  const refs = await fetchRefs(incoming, head, pullRequests, signal);
  const replaces = await exists(context.gitdir);
  if (replaces) await rescueKept(context, incoming, signal);
  await onDisk(context, async () => {
    if (replaces) await rename(context.gitdir, old);
    await rename(incoming.gitdir, context.gitdir);
    await writeSettings(context);
    await removeFolder(old);
  });
  return refs;
}

/** Kept commits may be nowhere else. Lost ones only hold deletions back (law 1). */
async function rescueKept(
  damaged: GitContext,
  incoming: GitContext,
  signal: AbortSignal,
): Promise<void> {
  const flags = ["--no-tags", "--no-write-fetch-head"];
  const args = ["fetch", ...flags, "--", damaged.gitdir, `+${keepRefs}/*:${keepRefs}/*`];
  const doing = `rescuing applied commits from ${damaged.gitdir}`;
  try {
    await runGit(incoming, args, { doing, signal });
  } catch {
    signal.throwIfAborted();
  }
}

async function onDisk(context: GitContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const doing = `writing the mirror ${context.gitdir}: ${code}`;
    if (code === "ENOSPC" || code === "EDQUOT") throw new FetchError("DiskFull", doing);
    if (["EACCES", "EPERM", "EROFS", "ENOTDIR"].includes(code)) {
      throw new FetchError("PermissionDenied", doing);
    }
    throw error;
  }
}

const isNoRepository = (error: unknown): boolean =>
  error instanceof FetchError && error.reason === "NotARepository";

const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
