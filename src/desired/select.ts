/** Which files of a tree are read as what, by the globs of `.innominatus.yaml`. */
import picomatch from "picomatch";
import { settingsFile, type RepositorySettings } from "./settings.ts";

export type Selected = "spec" | "provider" | undefined;

export type Select = (path: string) => Selected;

/** Remembers its answers: a tree is gone through at every commit. */
export function createSelect({ specs, providers, environments }: RepositorySettings): Select {
  const isOverride = createSelectOverrides(environments ?? []);
  const isSpec = picomatch([...specs], { dot: true });
  const isManifest = picomatch([...providers], { dot: true });
  const known = new Map<string, Selected>();
  return (path) => {
    if (!known.has(path)) {
      known.set(
        path,
        isOverride(path)
          ? undefined
          : isSpec(path)
            ? "spec"
            : isManifest(path)
              ? "provider"
              : undefined,
      );
    }
    return known.get(path);
  };
}

/** Whether a file holds overrides of any of the environments: it is no spec of its own then. */
export function createSelectOverrides(
  environments: NonNullable<RepositorySettings["environments"]>,
): (path: string) => boolean {
  const patterns = environments.flatMap((it) => it.overrides ?? []);
  if (patterns.length === 0) return () => false;
  const isCovered = picomatch(patterns, { dot: true });
  return (path) => /\.ya?ml$/.test(path) && path !== settingsFile && isCovered(path);
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
