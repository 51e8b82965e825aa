/** Providers from outside the watched repository and from inside of it, together as one catalog. */
import type { Problem } from "../model/problem.ts";
import { buildCatalog, type Catalog } from "../provider/catalog.ts";
import type { Provider } from "../provider/provider.ts";

export interface CatalogRead {
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
}

/** The same answer, to the object, while neither the outer providers nor the repository's change. */
export type CatalogOf = (repository: readonly Provider[]) => CatalogRead;

export function createCatalogOf(outer: readonly Provider[]): CatalogOf {
  const known = new WeakMap<readonly Provider[], CatalogRead>();
  return (repository) => {
    const read = known.get(repository) ?? buildCatalog([...outer, ...repository]);
    known.set(repository, read);
    return read;
  };
}
