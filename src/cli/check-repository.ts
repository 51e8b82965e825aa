/**
 * A work tree, checked as the controller would check it once it is committed: its settings, specs and
 * providers together with the providers from outside.
 */
import type { CatalogOf } from "../controller/catalog.ts";
import { createDesirer } from "../desired/resources.ts";
import { createSelect, createSelectOverrides } from "../desired/select.ts";
import { defaultSettings, settingsFile, type RepositorySettings } from "../desired/settings.ts";
import type { Contents, Entries } from "../desired/text.ts";
import { createTreeReader, readRepositorySettings } from "../desired/tree.ts";
import type { Problem } from "../model/problem.ts";
import type { Mode } from "../score/read.ts";
import type { DocumentKind } from "./check-file.ts";

/** A folder's YAML files by their names in it. */
export interface WorkTree {
  /** For people. */
  readonly label: string;
  readonly entries: Entries;
  readonly read: (names: readonly string[]) => Promise<Contents>;
}

export interface CheckedRepository {
  /** Files are named from the work tree's folder. */
  readonly problems: readonly Problem[];
  /** The kinds that were checked in a file. */
  covered(name: string): ReadonlySet<DocumentKind>;
}

/** Whether there is anything in it that the controller would read. */
export function holdsAnything({ entries }: WorkTree): boolean {
  const select = createSelect(defaultSettings);
  return entries.has(settingsFile) || [...entries.keys()].some((it) => select(it) !== undefined);
}

export async function checkRepository(
  { label, entries, read }: WorkTree,
  catalogOf: CatalogOf,
  mode: Mode,
): Promise<CheckedRepository> {
  const first = entries.has(settingsFile) ? await read([settingsFile]) : new Map();
  const settings = readRepositorySettings(entries, first, defaultSettings);
  const { environments = [] } = settings.settings;
  // What is wrong between providers from outside is no mistake of this repository.
  const outer = new Set(catalogOf(noProviders).problems.map(keyOf));
  const problems: Problem[] = [];
  for (const environment of distinct(environments)) {
    const reader = createTreeReader({ layer: "repository", label }, mode, environment);
    const contents = await read(reader.needed(entries, settings.settings));
    const tree = reader.read(entries, contents, settings, new Set());
    const { catalog, problems: conflicts } = catalogOf(tree.providers);
    const desirer = createDesirer({ repository: label, environment });
    const state = desirer.desire(tree.workloads, catalog, () => undefined);
    problems.push(
      ...tree.problems,
      ...conflicts.filter((it) => !outer.has(keyOf(it))),
      // A manifest that cannot be read may be the one that serves the type.
      ...state.problems.filter(
        (it) => it.code !== "provider/unknown-type" || tree.unreadableProviders.length === 0,
      ),
    );
  }
  const select = createSelect(settings.settings);
  const isOverride = createSelectOverrides(environments);
  const coveredAs = (name: string): keyof typeof coveredBy =>
    name === settingsFile ? "settings" : isOverride(name) ? "spec" : (select(name) ?? "nothing");
  return { problems, covered: (name) => coveredBy[coveredAs(name)] };
}

/** Only overrides make a difference: of the environments without any, the first stands for all. */
function distinct(environments: NonNullable<RepositorySettings["environments"]>): string[] {
  const plain = environments.filter((it) => it.overrides === undefined);
  const overridden = environments.filter((it) => it.overrides !== undefined);
  const [first = { name: "default" }] = plain;
  const names = overridden.map((it) => it.name);
  return plain.length === 0 && names.length > 0 ? names : [first.name, ...names];
}

const noProviders: never[] = [];

const coveredBy: Readonly<
  Record<"settings" | "spec" | "provider" | "nothing", ReadonlySet<DocumentKind>>
> = {
  settings: new Set(["Repository"]),
  spec: new Set(["Score"]),
  provider: new Set(["Provider"]),
  nothing: new Set(),
};

/** The same for one mistake, however often it was come across. */
export const keyOf = ({ file, line, column, pointer, code, message }: Problem): string =>
  JSON.stringify([file, line, column, pointer, code, message]);
