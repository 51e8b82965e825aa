/**
 * A commit's files → what they say: settings, workloads and providers, and every problem at once.
 * Pure but for its memory: parsed files are kept by object id, so that a commit costs what it changed.
 */
import { parseFile } from "../document/file.ts";
import { isRecord, type JsonRecord } from "../model/json.ts";
import { byPlace, compareText, isError, type Checked, type Problem } from "../model/problem.ts";
import type { Provider, ProviderSource } from "../provider/provider.ts";
import type { Mode } from "../score/read.ts";
import type { Workload } from "../score/workload.ts";
import {
  byWorkload,
  readOverrideFile,
  unmatched,
  type Override,
  type OverrideFile,
} from "./overrides.ts";
import { readProviders, type ProvidersRead } from "./providers.ts";
import {
  createSelect,
  createSelectOverrides,
  folderOf,
  isInFolders,
  type Select,
} from "./select.ts";
import {
  defaultSettings,
  readSettings,
  settingsFile,
  type RepositorySettings,
} from "./settings.ts";
import {
  parseSpecFile,
  readSpecFile,
  specGone,
  type SpecDocuments,
  type SpecFile,
} from "./spec-file.ts";
import { isRegular, readText, type Contents, type Entries } from "./text.ts";

export interface SettingsRead {
  /** Where the file cannot be read: the ones that were given instead. */
  readonly settings: RepositorySettings;
  readonly readable: boolean;
  /** The file's own words, to fall back on later; `null`: there is none, or none that can be read. */
  readonly source: JsonRecord | null;
  readonly problems: readonly Problem[];
}

export interface Tree {
  readonly settings: RepositorySettings;
  readonly workloads: readonly Workload[];
  /** The same list while no provider's file has changed. */
  readonly providers: readonly Provider[];
  readonly problems: readonly Problem[];
  readonly unreadableProviders: readonly string[];
  /** Files that may hold a spec nobody could read: they hold every deletion (law 1). */
  readonly unreadable: readonly string[];
  /** Files that were read for specs. */
  readonly specFiles: ReadonlySet<string>;
  /** There is no file at all. */
  readonly empty: boolean;
}

/** One per repository and environment; remembers the files of the tree it read last. */
export interface TreeReader {
  /** The paths whose contents `read` has to be given. */
  needed(entries: Entries, settings: RepositorySettings): readonly string[];
  /** @param known files that held specs when they were applied last */
  read(
    entries: Entries,
    contents: Contents,
    settings: SettingsRead,
    known: ReadonlySet<string>,
  ): Tree;
}

interface Kept<T> {
  readonly oid: string;
  readonly value: T;
}

interface KeptSpec extends Kept<SpecFile> {
  readonly documents: SpecDocuments;
  /** What was merged into it. */
  readonly overrides: readonly Override[];
}

interface Selection {
  readonly settings: RepositorySettings;
  readonly of: Select;
  readonly isOverride: (path: string) => boolean;
}

const none: readonly Override[] = [];

const isSame = (a: readonly Override[], b: readonly Override[]): boolean =>
  a === b || (a.length === b.length && a.every((it, index) => it === b[index]));

/** Nothing is said while a spec file cannot be read: it may hold the workload. */
function unmatchedAmong(
  overrides: ReadonlyMap<string, readonly Override[]>,
  specs: readonly KeptSpec[],
): Problem[] {
  if (overrides.size === 0 || specs.some((it) => it.documents.incomplete)) return [];
  const names = new Set(specs.flatMap((it) => it.documents.names));
  return [...overrides].flatMap(([name, all]) => (names.has(name) ? [] : all.map(unmatched)));
}

export function readRepositorySettings(
  entries: Entries,
  contents: Contents,
  fallback: RepositorySettings,
): SettingsRead {
  const entry = entries.get(settingsFile);
  if (entry === undefined) {
    return { settings: defaultSettings, readable: true, source: null, problems: [] };
  }
  const refused = (problems: readonly Problem[]): SettingsRead => ({
    settings: fallback,
    readable: false,
    source: null,
    problems,
  });
  const text = readText(settingsFile, entry, contents);
  if (!text.ok) return refused(text.problems);
  const { documents, problems } = parseFile(settingsFile, text.value);
  const [document] = documents;
  if (document === undefined || problems.some(isError)) return refused(problems);
  const checked = readSettings(document);
  if (!checked.ok) return refused(checked.problems);
  const source = isRecord(document.value) ? document.value : null;
  return { settings: checked.value, readable: true, source, problems: checked.problems };
}

/** @param environment whose overrides are merged into the specs; none: the specs as they are written */
export function createTreeReader(
  source: ProviderSource,
  mode: Mode = "default",
  environment?: string,
): TreeReader {
  let specs: ReadonlyMap<string, KeptSpec> = new Map();
  let overrides: ReadonlyMap<string, Kept<OverrideFile>> = new Map();
  let texts: ReadonlyMap<string, Kept<Checked<string>>> = new Map();
  let providers: { readonly key: string; readonly read: ProvidersRead } | undefined;
  let select: Selection | undefined;

  const selectBy = (settings: RepositorySettings): Selection => {
    if (select?.settings === settings) return select;
    const mine = settings.environments?.filter((it) => it.name === environment) ?? [];
    select = { settings, of: createSelect(settings), isOverride: createSelectOverrides(mine) };
    return select;
  };

  const overridesIn = (entries: Entries, contents: Contents, { isOverride }: Selection) => {
    const next = new Map<string, Kept<OverrideFile>>();
    const found: string[] = [];
    for (const path of entries.keys()) if (isOverride(path)) found.push(path);
    for (const path of found.toSorted(compareText)) {
      const entry = entries.get(path);
      if (entry === undefined) continue;
      const kept = overrides.get(path);
      const text = kept?.oid === entry.oid ? undefined : readText(path, entry, contents);
      const value = text === undefined ? kept?.value : readOverrideFile(path, text);
      if (value !== undefined) next.set(path, { oid: entry.oid, value });
    }
    overrides = next;
    return next;
  };

  const providersOf = (entries: Entries, contents: Contents, manifests: readonly string[]) => {
    const folders = new Set(manifests.map(folderOf));
    const files = [...entries].filter(([path]) => isInFolders(path, folders));
    const key = files.map(([path, { oid, mode: bits }]) => `${bits} ${oid} ${path}`).join("\n");
    if (providers?.key === key) return providers.read;
    const next = new Map<string, Kept<Checked<string>>>();
    for (const [path, entry] of files) {
      const kept = texts.get(path);
      const value = kept?.oid === entry.oid ? kept.value : readText(path, entry, contents);
      next.set(path, { oid: entry.oid, value });
    }
    texts = next;
    const byPath = new Map([...next].map(([path, { value }]) => [path, value]));
    providers = { key, read: readProviders(manifests, byPath, source) };
    return providers.read;
  };

  return {
    needed(entries, settings) {
      const { of: selected, isOverride } = selectBy(settings);
      const manifests = [...entries.keys()].filter((path) => selected(path) === "provider");
      const folders = new Set(manifests.map(folderOf));
      const wanted = ([path, { oid }]: [string, { readonly oid: string }]): boolean => {
        if (selected(path) === "spec") return specs.get(path)?.oid !== oid;
        if (isOverride(path) && overrides.get(path)?.oid !== oid) return true;
        return isInFolders(path, folders) && texts.get(path)?.oid !== oid;
      };
      return [...entries].filter((it) => isRegular(it[1]) && wanted(it)).map(([path]) => path);
    },

    read(entries, contents, { settings, readable, problems: settingsProblems }, known) {
      const selection = selectBy(settings);
      const { of: selected } = selection;
      const next = new Map<string, KeptSpec>();
      const problems: Problem[] = [...settingsProblems];
      const workloads: Workload[] = [];
      const unreadable: string[] = readable ? [] : [settingsFile];
      const manifests: string[] = [];
      const overriding = overridesIn(entries, contents, selection);
      for (const [path, { value }] of overriding) {
        problems.push(...value.problems);
        if (value.unreadable) unreadable.push(path);
      }
      const overridesUnreadable = unreadable.some((it) => overriding.has(it));
      const byName = byWorkload([...overriding.values()].map((it) => it.value));
      const overridesOf = (name: string): readonly Override[] => byName.get(name) ?? [];
      for (const [path, entry] of entries) {
        const kind = selected(path);
        if (kind === "provider") manifests.push(path);
        if (kind !== "spec") continue;
        const kept = specs.get(path);
        const documents =
          kept?.oid === entry.oid
            ? kept.documents
            : parseSpecFile(path, readText(path, entry, contents));
        const merged = byName.size === 0 ? none : documents.names.flatMap(overridesOf);
        const stands =
          kept !== undefined && kept.documents === documents && isSame(kept.overrides, merged);
        const file = stands ? kept.value : readSpecFile(documents, mode, overridesOf);
        const { oid } = entry;
        next.set(path, stands ? kept : { oid, value: file, documents, overrides: merged });
        problems.push(...file.problems);
        workloads.push(...file.workloads);
        const gone = known.has(path) && file.workloads.length === 0 && !file.unreadable;
        if (gone) problems.push(specGone(path));
        if (gone || file.unreadable) unreadable.push(path);
      }
      specs = next;
      problems.push(...unmatchedAmong(byName, [...next.values()]));
      const provided = providersOf(entries, contents, manifests);
      return {
        settings,
        // Without what it says, every spec might be read for something that nobody wants.
        workloads: overridesUnreadable ? [] : workloads,
        providers: provided.providers,
        problems: [...problems, ...provided.problems].toSorted(byPlace),
        unreadableProviders: provided.unreadable,
        unreadable,
        specFiles: new Set(next.keys()),
        empty: entries.size === 0,
      };
    },
  };
}
