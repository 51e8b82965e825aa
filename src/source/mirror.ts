/**
 * A bare copy of a watched repository on our disk. What the remote has is under
 * refs/remotes/origin and refs/tags; our own commits are objects that no fetch touches; applied
 * commits stay readable after a force-push, so that history can be asked (laws 1 and 9).
 */
import fs from "node:fs";
import git from "isomorphic-git";
import { cloneAfresh, exists, isDamage, keepRefs, readMirror } from "./clone.ts";
import { diffTrees } from "./diff.ts";
import { FetchError } from "./fetch-error.ts";
import { runGit, type GitContext } from "./git.ts";
import { locate, mask } from "./location.ts";
import { logBetween, type LoggedCommit } from "./log.ts";
import { mergeCommits, type Merged } from "./merge.ts";
import {
  apart,
  fetchApart,
  fetchRefs,
  listRemote,
  noRefs,
  sameRefs,
  tracked,
  type Refs,
} from "./refs.ts";
import {
  defaultLimits,
  readCommit,
  takeSnapshot,
  type ReadLimits,
  type Snapshot,
} from "./snapshot.ts";

export interface MirrorOptions {
  /** URL, or path of a bare or other repository. */
  readonly url: string;
  /** Where the bare mirror lives; made when it is not there. */
  readonly directory: string;
  /** Extra environment for git: credentials through `GIT_ASKPASS`, `GIT_SSH_COMMAND`, … */
  readonly environment?: Readonly<Record<string, string>>;
  /** For each git process. */
  readonly timeoutMs?: number;
  /** Mirrors pull requests' heads (`refs/pull/1/head`, `refs/merge-requests/1/head`) too. */
  readonly pullRequests?: boolean;
  readonly limits?: ReadLimits;
}

interface Fetched {
  /** Some ref, or the default branch, is not what it was. */
  readonly changed: boolean;
  /** The mirror was damaged, and has been cloned afresh. */
  readonly recloned: boolean;
}

/** One path whose blob, mode or existence differs; `from` and `to` are object ids, `undefined`: not there. */
interface ChangedPath {
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface Mirror {
  readonly url: string;
  readonly gitdir: string;
  /** The mirror on disk was damaged when it was opened, and has been cloned afresh. */
  readonly recloned: boolean;
  /** One `ls-remote`; a fetch only if a ref changed. @throws {FetchError} */
  fetch(signal: AbortSignal): Promise<Fetched>;
  /**
   * Fetches refs that are mirrored by nobody else, a pull request's head say, each as a ref of our
   * own that `forgetRef` takes away. @throws {FetchError}
   */
  fetchRefs(refs: readonly string[], signal: AbortSignal): Promise<void>;
  forgetRef(ref: string): Promise<void>;
  /** Name of the branch the remote's HEAD is on; `undefined` when that has no commit. */
  defaultBranch(): Promise<string | undefined>;
  /** The commit of a branch, else a tag, else a full ref, else a commit id, at the last fetch. */
  resolve(ref: string): Promise<string | undefined>;
  /** @param limits for this one, where they are narrower than the mirror's. @throws {FetchError} */
  snapshot(commit: string, signal: AbortSignal, limits?: ReadLimits): Promise<Snapshot>;
  /** `head` merged onto `base`, as a commit of the mirror alone. @throws {FetchError} */
  merge(base: string, head: string, signal: AbortSignal): Promise<Merged>;
  /** False also when either is unknown: a rewritten history proves nothing. A commit is its own ancestor. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
  /** Commits of `to` that `from` does not have, newest first, `limit` at the most. */
  commitsBetween(from: string, to: string, limit: number): Promise<readonly LoggedCommit[]>;
  /** Sorted by path. */
  changedPaths(from: string, to: string): Promise<readonly ChangedPath[]>;
  /** Keeps the commit and its history readable, whatever becomes of the remote's branches. */
  keep(commit: string): Promise<void>;
  /** Undoes `keep`. */
  release(commit: string): Promise<void>;
  /**
   * Never forces. `refused`: somebody else pushed first, or the tip we know of is not `expected`.
   *
   * @param ref a branch, or a full ref
   * @param expected what the branch is at; `undefined`: it is not there
   * @throws {FetchError} for everything else that is in the way
   */
  push(
    ref: string,
    commit: string,
    expected: string | undefined,
    signal: AbortSignal,
  ): Promise<"pushed" | "refused">;
  /**
   * Takes back a branch that was pushed, if it is still at `commit`: what somebody has put on it since
   * stays.
   *
   * @throws {FetchError}
   */
  removeBranch(branch: string, commit: string, signal: AbortSignal): Promise<void>;
  /** Ends what is running. */
  close(): Promise<void>;
}

/** Makes the mirror, or opens it; a damaged one is replaced once its successor is whole. @throws {FetchError} */
export async function openMirror(options: MirrorOptions, signal: AbortSignal): Promise<Mirror> {
  const context: GitContext = {
    gitdir: options.directory,
    url: locate(options.url),
    environment: options.environment ?? {},
    timeoutMs: options.timeoutMs ?? 120_000,
  };
  const mirror = new GitMirror(
    context,
    options.limits ?? defaultLimits,
    options.pullRequests ?? false,
  );
  await mirror.open(signal);
  return mirror;
}

class GitMirror implements Mirror {
  readonly url: string;
  readonly gitdir: string;
  recloned = false;
  readonly #context: GitContext;
  readonly #limits: ReadLimits;
  readonly #pullRequests: boolean;
  readonly #closing = new AbortController();
  #refs: Refs = noRefs;
  #damaged = false;
  /** Latest first; a new snapshot is made from the latest. */
  #snapshots: readonly Snapshot[] = [];
  /** One fetch at a time: they write the same refs. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: GitContext, limits: ReadLimits, pullRequests: boolean) {
    this.url = context.url;
    this.gitdir = context.gitdir;
    this.#context = context;
    this.#limits = limits;
    this.#pullRequests = pullRequests;
  }

  async open(signal: AbortSignal): Promise<void> {
    const existed = await exists(this.gitdir);
    const refs = existed ? await readMirror(this.#context, signal) : undefined;
    if (refs === undefined) await this.#clone(signal);
    else this.#refs = refs;
    this.recloned = existed && refs === undefined;
  }

  fetch(signal: AbortSignal): Promise<Fetched> {
    const result = this.#turn.then(() => this.#fetch(signal));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #fetch(signal: AbortSignal): Promise<Fetched> {
    if (!this.#damaged) {
      try {
        return { changed: await this.#update(signal), recloned: false };
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    await this.#clone(signal);
    return { changed: true, recloned: true };
  }

  async #update(signal: AbortSignal): Promise<boolean> {
    const remote = await listRemote(this.#context, this.#pullRequests, signal);
    if (sameRefs(remote, this.#refs)) return false;
    this.#refs = await fetchRefs(this.#context, remote.head, this.#pullRequests, signal);
    return true;
  }

  fetchRefs(refs: readonly string[], signal: AbortSignal): Promise<void> {
    const result = this.#turn.then(() => this.#guard(fetchApart(this.#context, refs, signal)));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async forgetRef(ref: string): Promise<void> {
    await git.deleteRef({ fs, gitdir: this.gitdir, ref: apart(ref) });
  }

  async defaultBranch(): Promise<string | undefined> {
    const { head, byName } = this.#refs;
    return head !== undefined && byName.has(`refs/heads/${head}`) ? head : undefined;
  }

  async resolve(ref: string): Promise<string | undefined> {
    const { byName } = this.#refs;
    const named =
      byName.get(`refs/heads/${ref}`) ?? byName.get(`refs/tags/${ref}`) ?? byName.get(ref);
    if (named !== undefined) return named.commit;
    if (!isCommitId(ref)) return undefined;
    if (this.#isReferenced(ref)) return ref;
    try {
      return (await this.#guard(readCommit(this.#context, ref, this.#closing.signal))).commit;
    } catch (error) {
      if (isUnknown(error)) return undefined;
      throw error;
    }
  }

  async snapshot(commit: string, signal: AbortSignal, limits = this.#limits): Promise<Snapshot> {
    requireCommitId(commit);
    const [latest] = this.#snapshots;
    const found =
      this.#snapshots.find((it) => it.commit === commit) ??
      (await this.#about([commit], this.#takeSnapshot(commit, latest, limits, signal)));
    this.#snapshots = [found, ...this.#snapshots.filter((it) => it !== found)].slice(0, 4);
    return found;
  }

  async #takeSnapshot(
    commit: string,
    base: Snapshot | undefined,
    limits: ReadLimits,
    signal: AbortSignal,
  ): Promise<Snapshot> {
    const snapshot = await takeSnapshot(this.#context, limits, commit, base, signal);
    return {
      ...snapshot,
      read: (paths, readSignal) => this.#guard(snapshot.read(paths, readSignal)),
    };
  }

  async isAncestor(ancestor: string, commit: string): Promise<boolean> {
    if (!isCommitId(ancestor) || !isCommitId(commit)) return false;
    const signal = this.#closing.signal;
    const doing = `asking whether ${commit} descends from ${ancestor}`;
    // `merge-base --is-ancestor` answers by exit code alone, which a killed process has too.
    const args = ["rev-list", "--count", "--max-count=1", ancestor, `^${commit}`, "--"];
    const work = runGit(this.#context, args, { doing, signal });
    try {
      return (await this.#about([ancestor, commit], work)).trim() === "0";
    } catch (error) {
      if (isUnknown(error)) return false;
      throw error;
    }
  }

  commitsBetween(from: string, to: string, limit: number): Promise<readonly LoggedCommit[]> {
    requireCommitId(from);
    requireCommitId(to);
    const { signal } = this.#closing;
    return this.#about([from, to], logBetween(this.#context, from, to, limit, signal));
  }

  merge(base: string, head: string, signal: AbortSignal): Promise<Merged> {
    requireCommitId(base);
    requireCommitId(head);
    return this.#about([base, head], mergeCommits(this.#context, base, head, signal));
  }

  async changedPaths(from: string, to: string): Promise<readonly ChangedPath[]> {
    requireCommitId(from);
    requireCommitId(to);
    const work = diffTrees(this.#context, from, to, this.#closing.signal);
    const changes = await this.#about([from, to], work);
    return changes.map((it) => ({ path: it.path, from: it.from?.oid, to: it.to?.oid }));
  }

  async keep(commit: string): Promise<void> {
    requireCommitId(commit);
    const ref = `${keepRefs}/${commit}`;
    await git.writeRef({ fs, gitdir: this.gitdir, ref, value: commit, force: true });
  }

  async release(commit: string): Promise<void> {
    requireCommitId(commit);
    await git.deleteRef({ fs, gitdir: this.gitdir, ref: `${keepRefs}/${commit}` });
  }

  async push(
    ref: string,
    commit: string,
    expected: string | undefined,
    signal: AbortSignal,
  ): Promise<"pushed" | "refused"> {
    requireCommitId(commit);
    const target = ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
    if (this.#refs.byName.get(target)?.oid !== expected) return "refused";
    const args = ["push", "--porcelain", "--", this.url, `${commit}:${target}`];
    const doing = `pushing ${target} to ${mask(this.url, [])}`;
    try {
      await this.#guard(runGit(this.#context, args, { doing, signal }));
    } catch (error) {
      if (error instanceof FetchError && error.reason === "PushRefused") return "refused";
      throw error;
    }
    await this.#remember(target, commit);
    return "pushed";
  }

  async removeBranch(branch: string, commit: string, signal: AbortSignal): Promise<void> {
    requireCommitId(commit);
    const target = `refs/heads/${branch}`;
    const lease = `--force-with-lease=${target}:${commit}`;
    const args = ["push", "--porcelain", lease, "--", this.url, `:${target}`];
    const doing = `removing ${target} from ${mask(this.url, [])}`;
    await this.#guard(runGit(this.#context, args, { doing, signal }));
    await git.deleteRef({ fs, gitdir: this.gitdir, ref: target.replace("refs/heads/", tracked) });
    const byName = new Map(this.#refs.byName);
    byName.delete(target);
    this.#refs = { ...this.#refs, byName };
  }

  /** Law 9: what we pushed ourselves is no change when the next fetch looks. */
  async #remember(target: string, commit: string): Promise<void> {
    const ref = target.replace("refs/heads/", tracked);
    await git.writeRef({ fs, gitdir: this.gitdir, ref, value: commit, force: true });
    const byName = new Map(this.#refs.byName).set(target, { oid: commit, commit });
    this.#refs = { ...this.#refs, byName };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error(`the mirror ${this.gitdir} is closed`));
    await this.#turn;
  }

  async #clone(signal: AbortSignal): Promise<void> {
    this.#refs = await cloneAfresh(this.#context, this.#pullRequests, signal);
    this.#snapshots = [];
    this.#damaged = false;
  }

  /**
   * git says the same of a commit that the mirror never had as of one that it lost. Only what a ref
   * names is lost; for anything else a fresh clone would be made in vain at every fetch.
   */
  async #about<T>(commits: readonly string[], work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!isDamage(error) && !isUnknown(error)) throw error;
      for (const commit of commits) {
        if ((await this.resolve(commit)) === undefined) {
          throw new FetchError("UnknownCommit", `commit ${commit} is not in the mirror`);
        }
      }
      this.#damaged = true;
      if (isDamage(error)) throw error;
      throw new FetchError("CorruptMirror", `commit ${commits.join(", ")} is lost from the mirror`);
    }
  }

  #isReferenced(commit: string): boolean {
    return [...this.#refs.byName.values()].some((it) => it.commit === commit);
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (isDamage(error)) this.#damaged = true;
      throw error;
    }
  }
}

const isCommitId = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

function requireCommitId(text: string): void {
  if (!isCommitId(text)) throw new TypeError(`"${text}" is no full commit id: resolve it first`);
}

const isUnknown = (error: unknown): boolean =>
  error instanceof FetchError && error.reason === "UnknownCommit";
