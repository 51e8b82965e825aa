/** Providers from outside the watched repository and from inside of it, together as one catalog. */
import type { Problem } from "../model/problem.ts";
import type { Scope } from "../model/uid.ts";
import { buildCatalog, type Catalog } from "../provider/catalog.ts";
import type { Provider } from "../provider/provider.ts";

export interface CatalogRead {
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
}

/**
 * The same answer, to the object, while neither the outer providers nor the repository's change.
 * Without a scope: of an environment that has no cluster.
 */
export type CatalogOf = (repository: readonly Provider[], scope?: Scope) => CatalogRead;

export function createCatalogOf(
  outer: readonly Provider[],
  hasCluster: (scope: Scope) => boolean = () => false,
): CatalogOf {
  const within = new WeakMap<readonly Provider[], CatalogRead>();
  const without = new WeakMap<readonly Provider[], CatalogRead>();
  return (repository, scope) => {
    const inCluster = scope !== undefined && hasCluster(scope);
    const known = inCluster ? within : without;
    const read = known.get(repository) ?? buildCatalog([...outer, ...repository], { inCluster });
    known.set(repository, read);
    return read;
  };
}
