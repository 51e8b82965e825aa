/** The developer of the story: a bare origin, and a clone of it that is worked in with git itself. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument, type Document } from "yaml";
import { CommandError } from "../cli/output/failure.ts";

export interface WorkingCopy {
  /** Path of the bare repository that it pushes to. */
  readonly origin: string;
  /** Runs one git command after the other, and shows them on one line. */
  type(...commands: readonly (readonly string[])[]): Promise<void>;
  /** Runs a git command on the origin. @returns what it printed */
  ask(...args: readonly string[]): Promise<string>;
  /** Changes a YAML file, and leaves all else in it as it is. */
  edit(path: string, change: (document: Document) => void): Promise<void>;
  /** What the branch in hand changes of `main`, without context. */
  changedLines(): Promise<readonly string[]>;
}

interface WorkingCopyOptions {
  readonly folder: string;
  /** What is in the first commit. */
  readonly template: string;
  readonly path: string | undefined;
  readonly onCommand: (text: string) => void;
  readonly signal: AbortSignal;
}

export async function createWorkingCopy(options: WorkingCopyOptions): Promise<WorkingCopy> {
  const { folder, template, onCommand, signal } = options;
  const origin = join(folder, "origin.git");
  const work = join(folder, "work");
  const run = (cwd: string, args: readonly string[]): Promise<string> =>
    git(cwd, args, environment(options), signal);

  await mkdir(work);
  await run(folder, ["init", "--bare", "-b", "main", origin]);
  await run(work, ["init", "-b", "main"]);
  await cp(template, work, { recursive: true });
  await run(work, ["add", "--all"]);
  await run(work, ["commit", "-m", "Start from gitops-example"]);
  await run(work, ["remote", "add", "origin", origin]);
  await run(work, ["push", "origin", "main"]);

  return {
    origin,
    async type(...commands) {
      onCommand(commands.map((args) => ["git", ...args.map(quoted)].join(" ")).join(" && "));
      for (const args of commands) await run(work, args);
    },
    ask: (...args) => run(origin, args),
    async edit(path, change) {
      const file = join(work, path);
      const document = parseDocument(await readFile(file, "utf8"));
      change(document);
      await writeFile(file, document.toString({ lineWidth: 0 }));
    },
    async changedLines() {
      const text = await run(work, ["diff", "--unified=0", "main", "HEAD"]);
      return text.split("\n").filter((it) => /^[+-](?![+-])/.test(it));
    },
  };
}

/** Nobody's settings: what happens is the same on every machine, and asks for nothing. */
const environment = ({ folder, path }: WorkingCopyOptions): Record<string, string | undefined> => ({
  PATH: path,
  HOME: folder,
  LC_ALL: "C",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Dana Developer",
  GIT_AUTHOR_EMAIL: "dana@example.com",
  GIT_COMMITTER_NAME: "Dana Developer",
  GIT_COMMITTER_EMAIL: "dana@example.com",
});

const quoted = (word: string): string => (/^[\w./:=~-]+$/.test(word) ? word : `"${word}"`);

function git(
  cwd: string,
  args: readonly string[],
  env: Record<string, string | undefined>,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("git", args, { cwd, env, signal }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === "ENOENT") reject(noGit());
      else reject(new Error(`git ${args.join(" ")}: ${stderr.trim()}`, { cause: error }));
    });
  });
}

const noGit = (): CommandError =>
  new CommandError("git is not installed", "PATH", "install git, and run it again");
