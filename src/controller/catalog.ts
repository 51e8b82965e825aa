/** Providers from outside the watched repository, and all of them together as one catalog. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readProviders, type ProvidersRead } from "../desired/providers.ts";
import { decodeText } from "../document/bytes.ts";
import type { Checked, Problem } from "../model/problem.ts";
import { buildCatalog, type Catalog } from "../provider/catalog.ts";
import type { Provider, ProviderSource } from "../provider/provider.ts";

export interface CatalogRead {
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
}

/** The same answer, to the object, while neither the outer providers nor the repository's change. */
export type CatalogOf = (repository: readonly Provider[]) => CatalogRead;

export function createCatalogOf(outer: readonly Provider[]): CatalogOf {
  let last: { readonly repository: readonly Provider[]; readonly read: CatalogRead } | undefined;
  return (repository) => {
    if (last?.repository !== repository) {
      last = { repository, read: buildCatalog([...outer, ...repository]) };
    }
    return last.read;
  };
}

/**
 * Every `provider.yaml` in `folder`, its sub-folders and theirs.
 *
 * @throws when the folder cannot be read
 */
export async function readProviderFolder(
  folder: string,
  source: ProviderSource,
): Promise<ProvidersRead> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((it) => it.isFile() && /\.ya?ml$/.test(it.name))
    .map((it) =>
      join(it.parentPath, it.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .toSorted();
  const texts = new Map<string, Checked<string>>();
  for (const path of paths) texts.set(path, decodeText(path, await readFile(join(folder, path))));
  const manifests = paths.filter((path) => /(^|\/)(provider|platform)\.ya?ml$/.test(path));
  return readProviders(manifests, texts, source);
}
