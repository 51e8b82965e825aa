/**
 * What is on a test forge, and what people do there: a real bare repository, its pull requests,
 * comments and statuses. Knows no forge's API: flavours speak for it.
 */
import { createOrigin, type Files, type Origin } from "../repository.ts";
import { mergeOnGit, revertOnGit, type MergeMethod } from "./merge.ts";
import type { ForgeKind } from "../../../src/report/forge/forge.ts";

export interface WorldUser {
  readonly id: number;
  readonly login: string;
  readonly permission: "none" | "read" | "write" | "admin";
}

export interface WorldPullRequest {
  readonly number: number;
  title: string;
  body: string;
  state: "open" | "closed" | "merged";
  draft: boolean;
  readonly author: WorldUser;
  readonly headBranch: string;
  /** Whose fork the head is in; `undefined`: in the repository itself. */
  readonly fork: string | undefined;
  headCommit: string;
  base: string;
  mergeMethod: MergeMethod | undefined;
  mergeCommit: string | undefined;
  /** What the target branch had before the merge. */
  mergedOnto: string | undefined;
  readonly createdAt: string;
  updatedAt: string;
  mergedAt: string | undefined;
  closedAt: string | undefined;
}

export interface WorldComment {
  readonly id: number;
  readonly on:
    | { readonly kind: "pull-request"; readonly number: number }
    | { readonly kind: "commit"; readonly commit: string };
  readonly author: WorldUser;
  body: string;
  readonly createdAt: string;
  updatedAt: string;
  readonly reactions: { readonly by: WorldUser; readonly content: string }[];
}

export interface WorldStatus {
  readonly id: number;
  readonly commit: string;
  readonly context: string;
  readonly state: string;
  readonly description: string;
  readonly targetUrl: string | undefined;
}

export interface WorldCheckRun {
  readonly id: number;
  readonly commit: string;
  readonly name: string;
  conclusion: string;
  title: string;
  summary: string;
  readonly annotations: Readonly<Record<string, unknown>>[];
}

export interface WorldEvent {
  readonly kind: "push" | "pull-request" | "comment";
  readonly action: string;
  readonly number: number | undefined;
  readonly ref: string | undefined;
  readonly comment: WorldComment | undefined;
}

export interface OpenPullRequest {
  readonly title: string;
  readonly branch: string;
  readonly base?: string;
  /** `dev` unless told. */
  readonly by?: string;
  readonly body?: string;
}

export interface ForgeWorld {
  readonly kind: ForgeKind;
  /** `owner/name` */
  readonly repository: string;
  readonly git: Origin;
  /** We, on the forge: what the token is of. */
  readonly self: WorldUser;
  readonly users: Map<string, WorldUser>;
  readonly pullRequests: Map<number, WorldPullRequest>;
  readonly comments: Map<number, WorldComment>;
  readonly statuses: WorldStatus[];
  readonly checkRuns: WorldCheckRun[];
  /** What webhooks tell, in order; whoever delivers takes them away. */
  readonly events: WorldEvent[];
  /** ISO 8601; a second later with everything that happens. */
  now(): string;
  nextId(): number;

  user(login: string, permission?: WorldUser["permission"]): WorldUser;
  /** Commits to a branch, made from the target of `from` where it is not there. @returns the commit */
  push(branch: string, files: Files, message?: string, from?: string): Promise<string>;
  open(asked: OpenPullRequest): Promise<WorldPullRequest>;
  /** From a stranger's fork: a branch that is not in the repository. */
  openFromFork(login: string, files: Files, title: string): Promise<WorldPullRequest>;
  merge(number: number, method?: MergeMethod): Promise<string>;
  closePullRequest(number: number): Promise<void>;
  reopen(number: number): Promise<void>;
  retarget(number: number, base: string): Promise<void>;
  /** As the forge's own button does: a branch, and a pull request of it. */
  revert(number: number): Promise<WorldPullRequest>;
  comment(number: number, by: string, body: string): WorldComment;
  editComment(id: number, body: string): void;
  deleteComment(id: number): void;
  commentsOf(number: number): readonly WorldComment[];
  /** The last of each context. */
  statusesOf(commit: string): ReadonlyMap<string, WorldStatus>;
  /** Looks at the repository: what was pushed by git itself moves heads as well. */
  refresh(): Promise<void>;
}

export interface WorldOptions {
  readonly kind: ForgeKind;
  readonly files: Files;
  readonly repository?: string;
  readonly selfLogin?: string;
}

const firstSecond = Date.parse("2026-01-01T00:00:00Z");

export async function createWorld(options: WorldOptions): Promise<ForgeWorld> {
  const { kind, repository = "acme/platform" } = options;
  const git = await createOrigin(options.files);
  let seconds = 0;
  let ids = 100;
  let numbers = 0;
  const users = new Map<string, WorldUser>();
  const pullRequests = new Map<number, WorldPullRequest>();
  const comments = new Map<number, WorldComment>();
  const statuses: WorldStatus[] = [];
  const events: WorldEvent[] = [];

  const now = (): string =>
    new Date(firstSecond + seconds * 1_000).toISOString().slice(0, 19) + "Z";
  const tick = (): string => {
    seconds += 1;
    return now();
  };
  const nextId = (): number => {
    ids += 1;
    return ids;
  };
  const user: ForgeWorld["user"] = (login, permission) => {
    const known = users.get(login);
    if (known !== undefined && (permission === undefined || known.permission === permission)) {
      return known;
    }
    const made = { id: known?.id ?? nextId(), login, permission: permission ?? "none" };
    users.set(login, made);
    return made;
  };
  const pullRequest = (number: number): WorldPullRequest => {
    const found = pullRequests.get(number);
    if (found === undefined) throw new Error(`there is no pull request ${number}`);
    return found;
  };
  const tell = (event: Partial<WorldEvent> & Pick<WorldEvent, "kind" | "action">): void => {
    events.push({ number: undefined, ref: undefined, comment: undefined, ...event });
  };
  const headRef = (number: number): string =>
    kind === "gitlab" ? `refs/merge-requests/${number}/head` : `refs/pull/${number}/head`;
  const touch = (it: WorldPullRequest, action: string): void => {
    it.updatedAt = tick();
    tell({ kind: "pull-request", action, number: it.number });
  };
  const forkRef = (login: string, branch: string): string => `refs/forks/${login}/${branch}`;

  const add = async (
    asked: OpenPullRequest,
    fork: string | undefined,
    headCommit: string,
  ): Promise<WorldPullRequest> => {
    numbers += 1;
    const at = tick();
    const made: WorldPullRequest = {
      number: numbers,
      title: asked.title,
      body: asked.body ?? "",
      state: "open",
      draft: false,
      author: user(asked.by ?? "dev"),
      headBranch: asked.branch,
      fork,
      headCommit,
      base: asked.base ?? "main",
      mergeMethod: undefined,
      mergeCommit: undefined,
      mergedOnto: undefined,
      createdAt: at,
      updatedAt: at,
      mergedAt: undefined,
      closedAt: undefined,
    };
    pullRequests.set(made.number, made);
    await git.git(["update-ref", headRef(made.number), headCommit]);
    tell({ kind: "pull-request", action: "opened", number: made.number });
    return made;
  };

  const world: ForgeWorld = {
    kind,
    repository,
    git,
    self: user(options.selfLogin ?? "innominatus", "write"),
    users,
    pullRequests,
    comments,
    statuses,
    checkRuns: [],
    events,
    now,
    nextId,
    user,

    async push(branch, files, message, from = "main") {
      if ((await git.tip(`refs/heads/${branch}`)) === undefined) await git.branch(branch, from);
      const commit = await git.commit(files, message ?? "Change", { branch });
      tick();
      tell({ kind: "push", action: "push", ref: `refs/heads/${branch}` });
      await world.refresh();
      return commit;
    },

    async open(asked) {
      const head = await git.tip(`refs/heads/${asked.branch}`);
      if (head === undefined) throw new Error(`there is no branch ${asked.branch}`);
      return add(asked, undefined, head);
    },

    async openFromFork(login, files, title) {
      const branch = "fork-of-main";
      await git.branch(branch, "main");
      const commit = await git.commit(files, title, { branch });
      await git.git(["update-ref", forkRef(login, "main"), commit]);
      await git.deleteBranch(branch);
      return add({ title, branch: "main", by: login }, login, commit);
    },

    async merge(number, method = "merge") {
      await world.refresh();
      const it = pullRequest(number);
      if (it.state !== "open") throw new Error(`pull request ${number} is ${it.state}`);
      it.mergedOnto = await git.tip(`refs/heads/${it.base}`);
      const owner = it.fork ?? repository.split("/")[0];
      const subject =
        method === "squash"
          ? `${it.title} (#${number})`
          : `Merge pull request #${number} from ${owner}/${it.headBranch}\n\n${it.title}`;
      it.mergeCommit = await mergeOnGit(git, method, {
        base: it.base,
        head: it.headCommit,
        message: subject,
      });
      it.mergeMethod = method;
      it.state = "merged";
      it.mergedAt = tick();
      it.closedAt = it.mergedAt;
      // GitLab rebases the merge request's own branch, and then only moves the target's.
      if (kind === "gitlab" && method === "rebase") {
        it.headCommit = it.mergeCommit;
        await git.git(["update-ref", headRef(number), it.headCommit]);
      }
      touch(it, "merged");
      tell({ kind: "push", action: "push", ref: `refs/heads/${it.base}` });
      return it.mergeCommit;
    },

    async closePullRequest(number) {
      const it = pullRequest(number);
      it.state = "closed";
      it.closedAt = tick();
      touch(it, "closed");
    },

    async reopen(number) {
      const it = pullRequest(number);
      it.state = "open";
      it.closedAt = undefined;
      touch(it, "reopened");
    },

    async retarget(number, base) {
      const it = pullRequest(number);
      it.base = base;
      touch(it, "edited");
    },

    async revert(number) {
      const it = pullRequest(number);
      if (it.mergeCommit === undefined || it.mergedOnto === undefined) {
        throw new Error(`pull request ${number} is not merged`);
      }
      const branch = `revert-${number}-${it.headBranch}`;
      await revertOnGit(git, branch, it.base, it.mergedOnto, it.mergeCommit);
      return world.open({
        title: `Revert "${it.title}"`,
        branch,
        base: it.base,
        body: `Reverts ${repository}#${number}`,
      });
    },

    comment(number, by, body) {
      const at = tick();
      const on = { kind: "pull-request", number } as const;
      const author = user(by);
      const made = { id: nextId(), on, author, body, createdAt: at, updatedAt: at, reactions: [] };
      comments.set(made.id, made);
      const it = pullRequests.get(number);
      if (it !== undefined) it.updatedAt = at;
      tell({ kind: "comment", action: "created", number, comment: made });
      return made;
    },

    editComment(id, body) {
      const found = comments.get(id);
      if (found === undefined) throw new Error(`there is no comment ${id}`);
      found.body = body;
      found.updatedAt = tick();
      if (found.on.kind === "pull-request") {
        tell({ kind: "comment", action: "edited", number: found.on.number, comment: found });
      }
    },

    deleteComment(id) {
      const found = comments.get(id);
      comments.delete(id);
      tick();
      if (found?.on.kind === "pull-request") {
        tell({ kind: "comment", action: "deleted", number: found.on.number, comment: found });
      }
    },

    commentsOf: (number) =>
      [...comments.values()].filter(({ on }) => on.kind === "pull-request" && on.number === number),

    statusesOf: (commit) =>
      new Map(statuses.filter((it) => it.commit === commit).map((it) => [it.context, it])),

    async refresh() {
      const open = [...pullRequests.values()].filter((it) => it.state === "open");
      if (open.length === 0) return;
      const format = "%(refname) %(objectname)";
      const listed = await git.git([
        "for-each-ref",
        `--format=${format}`,
        "refs/heads",
        "refs/forks",
      ]);
      const tips = new Map(
        listed.split("\n").map((line): [string, string] => {
          const [ref = "", oid = ""] = line.split(" ");
          return [ref, oid];
        }),
      );
      for (const it of open) {
        const ref =
          it.fork === undefined ? `refs/heads/${it.headBranch}` : forkRef(it.fork, it.headBranch);
        const tip = tips.get(ref);
        if (tip === undefined || tip === it.headCommit) continue;
        it.headCommit = tip;
        await git.git(["update-ref", headRef(it.number), tip]);
        touch(it, "synchronize");
      }
    },
  };
  user("dev", "write");
  user("admin", "admin");
  user("reader", "read");
  return world;
}
