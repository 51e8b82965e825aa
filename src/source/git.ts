/**
 * Runs git: one process a call, with our settings, a time limit and an end when the signal says
 * so. Nothing of the remote's is run, nothing prompts, and no error holds a credential (law 7).
 */
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { simpleGit, type SimpleGit } from "simple-git";
import { FetchError, explain } from "./fetch-error.ts";
import { credentialsIn, isPath, mask } from "./location.ts";

export interface GitContext {
  readonly gitdir: string;
  readonly url: string;
  /** On top of the few variables that git gets from our own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

interface GitCall {
  /** What is being done, for messages: "fetching https://…". */
  readonly doing: string;
  readonly signal: AbortSignal;
  readonly input?: string;
}

/** @returns what git printed. @throws {FetchError} also for an exit code other than 0 without a word */
export const runGit = (
  context: GitContext,
  args: readonly string[],
  call: GitCall,
): Promise<string> => run(context, call, (git) => git.raw([...args]));

/** The same for a command that answers by its exit code too: `accepted` are the answers. */
export async function askGit(
  context: GitContext,
  args: readonly string[],
  call: GitCall,
  accepted: readonly number[],
): Promise<{ readonly code: number; readonly output: string }> {
  let code = 0;
  const onExit = (exitCode: number): void => {
    code = exitCode;
  };
  const output = await run(context, call, (git) => git.raw([...args]), { accepted, onExit });
  return { code, output };
}

/** `git cat-file`, whose output is no text. */
export function catFile(
  context: GitContext,
  args: readonly string[],
  call: GitCall,
): Promise<Buffer> {
  return run(context, call, async (git) => {
    const output: unknown = await git.binaryCatFile([...args]);
    return Buffer.isBuffer(output) ? output : Buffer.alloc(0);
  });
}

interface Exit {
  /** Exit codes that are no failure. */
  readonly accepted: readonly number[];
  readonly onExit: (exitCode: number) => void;
}

async function run<T>(
  context: GitContext,
  { doing, signal, input }: GitCall,
  start: (git: SimpleGit) => PromiseLike<T>,
  { accepted, onExit }: Exit = { accepted: [0], onExit: () => undefined },
): Promise<T> {
  signal.throwIfAborted();
  const secrets = [...credentialsIn(context.url), ...valuesOf(context.environment)];
  const about = mask(doing, secrets);
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  const deadline = setTimeout(onAbort, context.timeoutMs);
  // simple-git takes a process that was killed, or that failed without a word, for a success.
  let exitCode = -1;
  let thrown: unknown;
  let result: T | undefined;
  // What git started (ssh, in a connect) may outlive it and hold its pipes: nobody waits for that.
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", reject, { once: true });
  });
  try {
    const git = prepare(context, stop.signal, input, (code) => {
      exitCode = code;
      return code !== 0 && accepted.includes(code);
    });
    result = await Promise.race([start(git), stopped]);
  } catch (error) {
    thrown = error;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
  }
  signal.throwIfAborted();
  if (stop.signal.aborted) {
    throw new FetchError("Timeout", `${about}: no end after ${context.timeoutMs / 1000} s`);
  }
  if (thrown === undefined && accepted.includes(exitCode) && result !== undefined) {
    onExit(exitCode);
    return result;
  }
  const output = thrown instanceof Error ? thrown.message : `git ended with code ${exitCode}`;
  throw explain(about, mask(output, secrets));
}

/** Values long enough to be one; a path or a flag that is masked with them does no harm. */
const valuesOf = (environment: Readonly<Record<string, string>>): string[] =>
  Object.values(environment).filter((it) => it.length >= 6);

function prepare(
  context: GitContext,
  abort: AbortSignal,
  input: string | undefined,
  /** @returns whether the code is an answer, whatever was said along with it */
  onExit: (exitCode: number) => boolean,
): SimpleGit {
  const environment = environmentOf(context);
  const git = simpleGit({
    baseDir: context.gitdir,
    abort,
    // Waiting for the pipes' end, not the process': output that we were slow to read is not lost.
    completion: { onClose: true, onExit: false },
    config: ["core.hooksPath=/dev/null"],
    allowEnvironment: Object.keys(environment),
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeHooksPath: true,
      allowUnsafeSshCommand: true,
    },
    input: () => input,
    errors: (error, { exitCode }) => {
      return onExit(exitCode) ? undefined : error;
    },
  });
  return git.env(environment);
}

const inherited = `
  PATH HOME USER LOGNAME TMPDIR XDG_CONFIG_HOME SSH_AUTH_SOCK
  GIT_ASKPASS SSH_ASKPASS GIT_SSH_COMMAND GIT_SSL_CAINFO SSL_CERT_FILE SSL_CERT_DIR
  http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
`
  .trim()
  .split(/\s+/);

function environmentOf(context: GitContext): Record<string, string> {
  const own = inherited.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(own),
    ...context.environment,
    LC_ALL: "C",
    GIT_DIR: context.gitdir,
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: join(context.gitdir, settingsFile),
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
  };
}

const settingsFile = "innominatus.gitconfig";

/**
 * Writes the settings our git processes run with. In a file, because what git starts on a local
 * path (upload-pack) takes no `-c`. The user's own settings come first, for credential helpers,
 * proxies and certificates; ours win.
 */
export async function writeSettings(context: GitContext): Promise<void> {
  const { HOME, XDG_CONFIG_HOME } = process.env;
  const homes = [
    ...(XDG_CONFIG_HOME === undefined ? [] : [join(XDG_CONFIG_HOME, "git", "config")]),
    ...(HOME === undefined
      ? []
      : [join(HOME, ".config", "git", "config"), join(HOME, ".gitconfig")]),
  ];
  const local = context.url.replace(/^file:\/\//, "");
  const real = isPath(local) ? await realpath(local).catch(() => local) : undefined;
  const safe = real === undefined ? [context.gitdir] : [context.gitdir, real, join(real, ".git")];
  const lines = [
    "[core]",
    '\tsshCommand = "ssh -oBatchMode=yes"',
    "[include]",
    ...homes.map((path) => `\tpath = ${quoted(path)}`),
    "[safe]",
    ...safe.map((path) => `\tdirectory = ${quoted(path)}`),
    '[protocol "ext"]',
    "\tallow = never",
    "[gc]",
    "\tautoDetach = false",
    "[maintenance]",
    "\tautoDetach = false",
    "[core]",
    "\tfsmonitor = false",
    "\tquotePath = false",
    "",
  ];
  await writeFile(join(context.gitdir, settingsFile), lines.join("\n"));
}

const quoted = (path: string): string =>
  `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
