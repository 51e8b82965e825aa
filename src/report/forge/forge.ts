/**
 * What we need of a place where pull requests are: GitHub, Gitea and GitLab answer to it alike. All
 * of it can be asked again at any time, and asking for the same twice changes nothing twice.
 */

export type ForgeKind = "github" | "gitea" | "gitlab";

/** One repository on a forge. Everything here throws ForgeError (forge-error.ts), and stops with the signal. */
export interface Forge {
  readonly kind: ForgeKind;
  /** `owner/name`; on GitLab with its groups. */
  readonly repository: string;
  /** A comment may have so many characters. */
  readonly bodyLimit: number;
  readonly links: ForgeLinks;

  /** Every open pull request, by number. One listing, which costs next to nothing where nothing changed. */
  listPullRequests(signal: AbortSignal): Promise<PullRequestListing>;
  /** `undefined`: there is none of that number. */
  readPullRequest(number: number, signal: AbortSignal): Promise<PullRequest | undefined>;
  /** Those that brought the commit to a branch, or would. */
  pullRequestsOf(commit: string, signal: AbortSignal): Promise<readonly PullRequest[]>;
  /** Opens one, or finds the open one of the same head and base. */
  openPullRequest(asked: NewPullRequest, signal: AbortSignal): Promise<PullRequest>;

  /** Makes our comment, or edits it where it is; never a second one. */
  upsertComment(wanted: WantedComment, signal: AbortSignal): Promise<SavedComment>;
  /** Comments on pull requests, made or edited at `since` (ISO 8601) or later, oldest first. */
  listComments(since: string, signal: AbortSignal): Promise<CommentListing>;
  addReaction(comment: CommentPlace, reaction: Reaction, signal: AbortSignal): Promise<void>;
  permissionOf(person: Person, signal: AbortSignal): Promise<Permission>;

  setStatus(commit: string, status: CommitStatus, signal: AbortSignal): Promise<void>;
  /** `undefined`: this forge has no comments on commits, or not for us. */
  readonly commitComments: CommitComments | undefined;
  /** `undefined`: this forge has no check runs, or not for us. */
  readonly checkRuns: CheckRuns | undefined;

  /** Of the git repository: the ref that holds a pull request's head, also one from a fork. */
  headRef(number: number): string;
  /** A pattern of all of those, to fetch at once. */
  readonly headRefs: string;
  /** As the forge said last; `undefined` before it said, and where it never does. */
  budget(): RateBudget | undefined;
}

export interface Person {
  readonly id: number;
  readonly login: string;
}

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly state: "open" | "merged" | "closed";
  readonly draft: boolean;
  readonly author: Person;
  readonly head: Head;
  /** The branch that it is to be merged into. */
  readonly base: string;
  /** What the target branch has of it: a merge, a squashed or the last rebased commit. `undefined` before. */
  readonly mergeCommit: string | undefined;
  /** ISO 8601. */
  readonly updatedAt: string;
  /** Where a person reads it. */
  readonly url: string;
}

export interface Head {
  readonly commit: string;
  readonly branch: string;
  /** From another repository, or from one that is gone: nothing of it is trusted (law 8). */
  readonly fork: boolean;
}

export interface PullRequestListing {
  /** False: the same as the last listing that this process got. */
  readonly changed: boolean;
  readonly pullRequests: readonly PullRequest[];
}

export interface NewPullRequest {
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

export interface WantedComment {
  readonly number: number;
  /** A line of the body that is seen by nobody, and tells our comment from others. */
  readonly marker: string;
  readonly body: string;
  /** What an earlier upsert answered, if that is still known: spares a search. */
  readonly id: number | undefined;
}

export interface SavedComment {
  readonly id: number;
  readonly url: string;
  readonly outcome: "created" | "edited" | "unchanged";
}

export interface CommentPlace {
  readonly id: number;
  /** The pull request's. */
  readonly number: number;
}

export interface Comment extends CommentPlace {
  readonly author: Person;
  /** We wrote it. */
  readonly own: boolean;
  readonly body: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly url: string;
}

export interface CommentListing {
  /** False: the same as the last listing with the same `since`. */
  readonly changed: boolean;
  readonly comments: readonly Comment[];
}

/** 👍, 👎, 👀, 😕 and 🚀. */
export type Reaction = "+1" | "-1" | "eyes" | "confused" | "rocket";

/** `admin` may do what `write` may. */
export type Permission = "none" | "read" | "write" | "admin";

export interface CommitStatus {
  readonly context: string;
  readonly state: "pending" | "success" | "failure" | "error";
  /** Cut at what the forge takes. */
  readonly description: string;
  readonly targetUrl: string | undefined;
}

export interface CommitComments {
  upsert(
    wanted: { readonly commit: string; readonly marker: string; readonly body: string },
    signal: AbortSignal,
  ): Promise<SavedComment>;
}

export interface CheckRuns {
  /** Of the same name and commit there is one: it is made, or brought up to date. */
  upsert(commit: string, check: CheckRun, signal: AbortSignal): Promise<void>;
}

export interface CheckRun {
  readonly name: string;
  readonly conclusion: "success" | "failure" | "neutral" | "action_required";
  readonly title: string;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

export interface Annotation {
  readonly file: string;
  readonly line: number;
  readonly level: "notice" | "warning" | "failure";
  readonly title: string;
  readonly message: string;
}

export interface ForgeLinks {
  readonly repository: string;
  commit(commit: string): string;
  /** A file as it is at a commit or on a branch. */
  file(ref: string, path: string, line?: number): string;
  pullRequest(number: number): string;
}

export interface RateBudget {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds since 1970. */
  readonly resetAtMs: number;
}
