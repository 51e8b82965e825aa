/** Which files of a tree are read as what, by the globs of `.innominatus.yaml`. */
import picomatch from "picomatch";
import type { RepositorySettings } from "./settings.ts";

export type Selected = "spec" | "provider" | undefined;

export type Select = (path: string) => Selected;

/** Remembers its answers: a tree is gone through at every commit. */
export function createSelect({ specs, providers }: RepositorySettings): Select {
  const isSpec = picomatch([...specs], { dot: true });
  const isManifest = picomatch([...providers], { dot: true });
  const known = new Map<string, Selected>();
  return (path) => {
    if (!known.has(path)) {
      known.set(path, isSpec(path) ? "spec" : isManifest(path) ? "provider" : undefined);
    }
    return known.get(path);
  };
}

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** True for YAML in one of the folders, or below: what a manifest there may name. */
export function isInFolders(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0 || !/\.ya?ml$/.test(path)) return false;
  for (let folder = folderOf(path); ; folder = folderOf(folder.slice(0, -1))) {
    if (folders.has(folder)) return true;
    if (folder === "") return false;
  }
}
