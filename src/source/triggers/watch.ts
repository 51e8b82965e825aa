/**
 * Says that something on this disk may have changed: a local repository's refs, a provider's
 * folder. A hint and no more: what it misses, the next poll finds.
 */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { watch } from "chokidar";
import { z } from "zod";

export interface WatchOptions {
  /** Files and folders; one that is not there yet is waited for. */
  readonly paths: readonly string[];
  /** From the first change to the hint; what happens in between is one hint. */
  readonly debounceMs: number;
  readonly signal: AbortSignal;
  readonly onChange: () => void;
  /** Watching goes on as well as it can. Some systems limit the number of watches, for one. */
  readonly onError?: (error: unknown) => void;
}

export interface Watch {
  /** From here on nothing that happens is missed. */
  readonly ready: Promise<void>;
  /** After the signal is aborted: nothing is watched any more, and no hint follows. */
  readonly stopped: Promise<void>;
}

export function watchTrigger(options: WatchOptions): Watch {
  const { paths, debounceMs, signal, onChange, onError } = options;
  if (signal.aborted) return { ready: Promise.resolve(), stopped: Promise.resolve() };
  const wanted = paths.map((path) => resolve(path));
  const ignored = (path: string): boolean =>
    path.endsWith(".lock") || !wanted.some((it) => related(it, path));
  const watcher = watch([...new Set(wanted.map(nearestFolder))], {
    ignoreInitial: true,
    atomic: false,
    ignored,
  });
  let pending: NodeJS.Timeout | undefined;
  // Not started anew by each change: a busy folder would put the hint off for ever.
  const hint = (): void => {
    pending ??= setTimeout(() => {
      pending = undefined;
      onChange();
    }, debounceMs);
  };
  // The second change of one file within 50 ms is no event to chokidar, and by then the hint of the
  // first may have been given: what the system says of a folder itself is heard as well.
  watcher.on("raw", (_event, name, details) => {
    const folder = watchedPath.safeParse(details).data?.watchedPath;
    if (folder === undefined || !name || !ignored(join(folder, name))) hint();
  });
  // What was in a new folder before it was watched is told of here only.
  watcher.on("all", hint);
  watcher.on("error", (error) => onError?.(error));
  const stopped = new Promise<void>((done) => {
    const stop = async (): Promise<void> => {
      await watcher.close();
      clearTimeout(pending);
      done();
    };
    signal.addEventListener("abort", () => void stop(), { once: true });
  });
  const ready = new Promise<void>((done) => {
    watcher.on("ready", done);
  });
  return { ready: Promise.race([ready, stopped]), stopped };
}

const watchedPath = z.object({ watchedPath: z.string() });

/** The folder it is in, or will be: what is replaced, or made later, shows there only. */
function nearestFolder(path: string): string {
  const parent = dirname(path);
  return parent === path || existsSync(parent) ? parent : nearestFolder(parent);
}

/** One is the other, or inside it. */
const related = (a: string, b: string): boolean =>
  a === b || b.startsWith(`${a.replace(/\/$/, "")}/`) || a.startsWith(`${b.replace(/\/$/, "")}/`);

/** Where a push to, or a commit in, the local repository at `path` shows: bare, with a work tree, or one of several. */
export async function refPaths(path: string): Promise<readonly string[]> {
  const gitdir = await gitdirOf(resolve(path));
  const common = await readFile(join(gitdir, "commondir"), "utf8").catch(() => ".");
  const shared = resolve(gitdir, common.trim());
  const own = ["refs", "packed-refs", "HEAD"].map((name) => join(shared, name));
  return shared === gitdir ? own : [...own, join(gitdir, "HEAD")];
}

async function gitdirOf(path: string): Promise<string> {
  const inside = join(path, ".git");
  const found = await stat(inside).catch(() => undefined);
  if (found === undefined) return path;
  if (found.isDirectory()) return inside;
  const link = /^gitdir: (.*)$/m.exec(await readFile(inside, "utf8"))?.[1];
  return link === undefined ? path : resolve(path, link);
}
