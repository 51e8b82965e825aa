/**
 * Providers from outside of the watched repositories: the shipped ones, folders and git repositories
 * that the settings name. A source that cannot be read keeps what it gave last: nothing is concluded
 * from its absence (law 1).
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readProviders, type ProvidersRead } from "../desired/providers.ts";
import { decodeText } from "../document/bytes.ts";
import type { Problem } from "../model/problem.ts";
import type { Scope } from "../model/uid.ts";
import type { ProviderSource } from "../provider/provider.ts";
import { openMirror, type Mirror, type MirrorOptions } from "../source/mirror.ts";
import { createCatalogOf, type CatalogOf } from "./catalog.ts";

export type OuterSource =
  | { readonly kind: "folder"; readonly path: string; readonly layer: "shipped" | "configured" }
  | {
      readonly kind: "git";
      readonly mirror: MirrorOptions;
      readonly ref: string;
      /** Folder in the repository, with a slash at its end; empty: its root. */
      readonly folder: string;
    };

export interface OuterProviders {
  readonly catalogOf: CatalogOf;
  /** Of the last refresh; sources that could not be read are among them. */
  readonly problems: readonly Problem[];
  /** Reads every source again. @returns whether any gave something new */
  refresh(signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

interface SourceRead extends ProvidersRead {
  /** Equal for equal files. */
  readonly key: string;
}

interface SourceFiles {
  readonly source: ProviderSource;
  readonly files: readonly (readonly [path: string, content: Uint8Array])[];
}

/** @throws when a folder cannot be read at the start: then the settings name a wrong one */
export async function openProviders(
  sources: readonly OuterSource[],
  signal: AbortSignal,
  hasCluster: (scope: Scope) => boolean = () => false,
): Promise<OuterProviders> {
  const mirrors = new Map<OuterSource, Mirror>();
  let reads: readonly (SourceRead | undefined)[] = [];
  let failures: readonly Problem[] = [];
  let catalogOf: CatalogOf = createCatalogOf([], hasCluster);

  const filesOf = async (source: OuterSource, at: AbortSignal): Promise<SourceFiles> => {
    if (source.kind === "folder") return listFolder(source.path, source.layer);
    const mirror = mirrors.get(source) ?? (await openMirror(source.mirror, at));
    mirrors.set(source, mirror);
    return listGit(mirror, source, at);
  };
  const readOne = async (
    source: OuterSource,
    before: SourceRead | undefined,
    at: AbortSignal,
  ): Promise<SourceRead> => {
    const found = await filesOf(source, at);
    const key = keyOf(found);
    return before?.key === key ? before : { ...parseFiles(found), key };
  };

  const refresh = async (at: AbortSignal): Promise<boolean> => {
    const problems: Problem[] = [];
    const next: (SourceRead | undefined)[] = [];
    for (const [index, source] of sources.entries()) {
      try {
        next.push(await readOne(source, reads[index], at));
      } catch (error) {
        at.throwIfAborted();
        if (source.kind === "folder" && reads.length === 0) throw error;
        problems.push(unreadable(source, error));
        next.push(reads[index]);
      }
    }
    failures = problems;
    const changed = next.some((it, index) => it?.key !== reads[index]?.key);
    if (changed || reads.length === 0) {
      catalogOf = createCatalogOf(
        next.flatMap((it) => it?.providers ?? []),
        hasCluster,
      );
    }
    reads = next;
    return changed;
  };

  await refresh(signal);
  let last: Promise<unknown> = Promise.resolve();
  return {
    // Through a function, so that whoever holds it gets the latest.
    catalogOf: (repository, scope) => catalogOf(repository, scope),
    get problems() {
      return [...failures, ...reads.flatMap((it) => it?.problems ?? [])];
    },
    // One after the other: two would fetch into one mirror, and the slower one would win.
    refresh(at) {
      const next = last.then(() => refresh(at));
      last = next.catch(() => undefined);
      return next;
    },
    async close() {
      for (const mirror of mirrors.values()) await mirror.close();
    },
  };
}

const isManifest = (path: string): boolean => /(^|\/)(provider|platform)\.ya?ml$/.test(path);

async function listFolder(path: string, layer: "shipped" | "configured"): Promise<SourceFiles> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  const names = found
    .filter((it) => it.isFile() && /\.ya?ml$/.test(it.name))
    .map((it) =>
      join(it.parentPath, it.name)
        .slice(path.length)
        .replace(/^[\\/]/, ""),
    )
    .toSorted();
  const files: [string, Uint8Array][] = [];
  for (const name of names) files.push([name, await readFile(join(path, name))]);
  return { source: { layer, label: path }, files };
}

async function listGit(
  mirror: Mirror,
  { ref, folder }: Extract<OuterSource, { kind: "git" }>,
  signal: AbortSignal,
): Promise<SourceFiles> {
  await mirror.fetch(signal);
  const name = ref === "HEAD" ? ((await mirror.defaultBranch()) ?? ref) : ref;
  const commit = await mirror.resolve(name);
  if (commit === undefined) throw new Error(`${mirror.url} has no ${ref}`);
  const snapshot = await mirror.snapshot(commit, signal);
  const { entries } = snapshot;
  const paths = [...entries.keys()].filter(
    (it) => it.startsWith(folder) && /\.ya?ml$/.test(it) && entries.get(it)?.mode !== "160000",
  );
  const files: [string, Uint8Array][] = [];
  for (const [path, content] of await snapshot.read(paths, signal)) {
    if (content !== "too-large") files.push([path, content]);
  }
  return { source: { layer: "configured", label: `${mirror.url}@${ref}` }, files };
}

function keyOf({ files }: SourceFiles): string {
  const hash = createHash("sha256");
  for (const [path, bytes] of files) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex");
}

function parseFiles({ source, files }: SourceFiles): ProvidersRead {
  const texts = new Map(files.map(([path, bytes]) => [path, decodeText(path, bytes)]));
  return readProviders([...texts.keys()].filter(isManifest), texts, source);
}

function unreadable(source: OuterSource, error: unknown): Problem {
  const file = source.kind === "folder" ? source.path : source.mirror.url;
  const reason = error instanceof Error ? error.message : "it cannot be read";
  return {
    file,
    line: 1,
    column: 1,
    pointer: "",
    code: "provider/source-unreadable",
    severity: "error",
    message: `providers from here are as they were last: ${reason}`,
    hint: "what they made is left alone; correct the source in the controller's settings",
  };
}
