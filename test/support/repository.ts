/**
 * A bare origin in a temporary folder, and what people do to one: commit, revert, force-push. Real
 * git, two processes a commit, the same ids on every machine: authors and dates are made up here.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareText } from "../../src/model/problem.ts";

/** By path. `null` removes; an entry with a mode is a link (`120000`), a program or a submodule. */
export type Files = Readonly<Record<string, FileContent | null>>;

type FileContent =
  | string
  | Uint8Array
  | { readonly mode: "100755" | "120000"; readonly content: string }
  | { readonly mode: "160000"; readonly oid: string };

interface CommitOptions {
  /** `main` unless told; made when it is not there. */
  readonly branch?: string;
  /** Starts the branch's history anew, as a force-push does. */
  readonly orphan?: boolean;
  readonly author?: string;
}

interface LoggedCommit {
  readonly commit: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly message: string;
}

export interface Origin {
  /** Path of the bare repository. */
  readonly url: string;
  /** Adds, changes and (`null`) removes files; a function is given all files and returns all files. @returns the commit */
  commit(
    change: Files | ((files: Readonly<Record<string, string>>) => Files),
    message?: string,
    options?: CommitOptions,
  ): Promise<string>;
  /** A commit that gives every path `commit` touched what it had before. */
  revert(commit: string, options?: CommitOptions): Promise<string>;
  move(from: string, to: string, options?: CommitOptions): Promise<string>;
  remove(paths: readonly string[], options?: CommitOptions): Promise<string>;
  /** Force-pushes a history of one commit that holds `files` and nothing else. */
  rewrite(files: Files, options?: CommitOptions): Promise<string>;
  /** Points `name` at `target`, wherever it was. */
  branch(name: string, target?: string): Promise<void>;
  deleteBranch(name: string): Promise<void>;
  tag(name: string, target?: string): Promise<void>;
  setDefaultBranch(name: string): Promise<void>;
  tip(ref?: string): Promise<string | undefined>;
  /** Newest first. */
  log(ref?: string): Promise<readonly LoggedCommit[]>;
  /** `undefined`: not there. */
  readFile(ref: string, path: string): Promise<string | undefined>;
  listFiles(ref?: string): Promise<readonly string[]>;
  /** Any other git command on the bare repository. @returns what it printed */
  git(args: readonly string[], input?: string | Uint8Array): Promise<string>;
  close(): Promise<void>;
}

/** @param files of the first commit; none: a repository without commits */
export async function createOrigin(files: Files = {}): Promise<Origin> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-origin-"));
  const url = join(folder, "origin.git");
  await run(folder, ["init", "--quiet", "--bare", "--template=", "-b", "main", url]);
  const git = async (args: readonly string[], input?: string | Uint8Array): Promise<string> =>
    (await run(url, args, input)).toString();
  let minutes = 0;

  const tip: Origin["tip"] = async (ref = "main") =>
    (await git(["rev-list", "-1", ref, "--"]).catch(() => "")).trim() || undefined;

  /** Two processes for any number of files. */
  const readAll = async (branch: string): Promise<Record<string, string>> => {
    const paths = await listFiles(branch);
    // git takes one name a line, so one with a line break in it is read by itself.
    const odd = paths.filter((path) => path.includes("\n"));
    const plain = paths.filter((path) => !path.includes("\n"));
    const input = plain.map((path) => `${branch}:${path}\n`).join("");
    const output = await run(url, ["cat-file", "--batch", "--buffer"], input);
    const all: Record<string, string> = {};
    let offset = 0;
    for (const path of plain) {
      const end = output.indexOf("\n", offset);
      const size = Number(output.toString("latin1", offset, end).split(" ")[2]);
      all[path] = output.toString("utf8", end + 1, end + 1 + size);
      offset = end + size + 2;
    }
    for (const path of odd) all[path] = (await readFile(branch, path)) ?? "";
    return all;
  };

  const commit: Origin["commit"] = async (change, message = "Change", options = {}) => {
    const { branch = "main", orphan = false, author = "Dev <dev@example.com>" } = options;
    const parent = orphan ? undefined : await tip(`refs/heads/${branch}`);
    const whole = typeof change === "function";
    const changed = whole
      ? change(parent === undefined ? {} : await readAll(`refs/heads/${branch}`))
      : change;
    minutes += 1;
    const who = `${author} ${firstSecond + minutes * 60} +0000`;
    const stream = [
      `commit refs/heads/${branch}\nmark :1\nauthor ${who}\ncommitter ${who}\n`,
      ...data(message),
      parent === undefined ? "" : `from ${parent}\n`,
      whole ? "deleteall\n" : "",
      ...Object.entries(changed).flatMap(([path, content]) => fileCommand(path, content)),
      "\nget-mark :1\n",
    ];
    const force = orphan ? ["--force"] : [];
    const bytes = Buffer.concat(stream.map((it) => Buffer.from(it)));
    return (await git(["fast-import", "--quiet", ...force], bytes)).trim();
  };

  const readFile: Origin["readFile"] = async (ref, path) =>
    git(["cat-file", "blob", `${ref}:${path}`]).catch(() => undefined);

  const listFiles: Origin["listFiles"] = async (ref = "main") => {
    const output = await git(["ls-tree", "-r", "-z", "--name-only", ref]);
    return output
      .split("\0")
      .filter((it) => it !== "")
      .toSorted(compareText);
  };

  const revert: Origin["revert"] = async (reverted, options = {}) => {
    const { branch = "main" } = options;
    const listed = await git(["diff-tree", "-r", "-z", "--no-renames", reverted, `${reverted}^`]);
    const fields = listed.split("\0");
    const commands: string[] = [];
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const [, mode = "", , oid = ""] = (fields[index] ?? "").split(" ");
      const path = quoted(fields[index + 1] ?? "");
      commands.push(mode === "000000" ? `D ${path}\n` : `M ${mode} ${oid} ${path}\n`);
    }
    const subject = (await git(["log", "-1", "--format=%s", reverted])).trim();
    minutes += 1;
    const who = `Dev <dev@example.com> ${firstSecond + minutes * 60} +0000`;
    const stream = [
      `commit refs/heads/${branch}\nmark :1\nauthor ${who}\ncommitter ${who}\n`,
      ...data(`Revert "${subject}"\n\nThis reverts commit ${reverted}.\n`),
      `from refs/heads/${branch}^0\n`,
      ...commands,
      "\nget-mark :1\n",
    ];
    const bytes = Buffer.concat(stream.map((it) => Buffer.from(it)));
    return (await git(["fast-import", "--quiet"], bytes)).trim();
  };

  if (Object.keys(files).length > 0) await commit(files, "Start");

  return {
    url,
    git,
    tip,
    commit,
    revert,
    readFile,
    listFiles,
    move: async (from, to, options) => {
      const branch = options?.branch ?? "main";
      const content = await readFile(`refs/heads/${branch}`, from);
      return commit({ [from]: null, [to]: content ?? "" }, `Move ${from} to ${to}`, options);
    },
    remove: (paths, options) =>
      commit(
        Object.fromEntries(paths.map((it) => [it, null])),
        `Remove ${paths.join(", ")}`,
        options,
      ),
    rewrite: (all, options) => commit(all, "Rewrite", { ...options, orphan: true }),
    branch: async (name, target = "main") => {
      await git(["branch", "--force", name, target]);
    },
    deleteBranch: async (name) => {
      await git(["update-ref", "-d", `refs/heads/${name}`]);
    },
    tag: async (name, target = "main") => {
      await git(["tag", "--force", "--annotate", "--message", name, name, target]);
    },
    setDefaultBranch: async (name) => {
      await git(["symbolic-ref", "HEAD", `refs/heads/${name}`]);
    },
    log: async (ref = "main") => {
      const output = await git(["log", "-z", "--format=%H%n%P%n%an <%ae>%n%B", ref, "--"]);
      return output
        .split("\0")
        .filter((it) => it !== "")
        .map(loggedCommit);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function loggedCommit(text: string): LoggedCommit {
  const [commit = "", parents = "", author = "", ...message] = text.split("\n");
  return {
    commit,
    parents: parents.split(" ").filter((it) => it !== ""),
    author,
    message: message.join("\n").trimEnd(),
  };
}

/** 2026-01-01T00:00:00Z; every commit is a minute later than the one before. */
const firstSecond = 1_767_225_600;

function data(content: string | Uint8Array): (string | Uint8Array)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, "\n"];
}

function fileCommand(path: string, content: FileContent | null): (string | Uint8Array)[] {
  if (content === null) return [`D ${quoted(path)}\n`];
  if (typeof content === "string" || content instanceof Uint8Array) {
    return [`M 100644 inline ${quoted(path)}\n`, ...data(content)];
  }
  if (content.mode === "160000") return [`M 160000 ${content.oid} ${quoted(path)}\n`];
  return [`M ${content.mode} inline ${quoted(path)}\n`, ...data(content.content)];
}

const quoted = (path: string): string =>
  `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

/** Without anybody's settings: what a test sees does not depend on whose machine it is. */
const environment = {
  PATH: process.env["PATH"],
  LC_ALL: "C",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Dev",
  GIT_AUTHOR_EMAIL: "dev@example.com",
  GIT_AUTHOR_DATE: `${firstSecond} +0000`,
  GIT_COMMITTER_NAME: "Dev",
  GIT_COMMITTER_EMAIL: "dev@example.com",
  GIT_COMMITTER_DATE: `${firstSecond} +0000`,
};

function run(
  cwd: string,
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd, env: environment });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new Error(`git ${args.join(" ")}: ${Buffer.concat(errors).toString().trim()}`));
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
