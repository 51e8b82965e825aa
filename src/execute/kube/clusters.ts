/** Which cluster an environment's objects are in, and as whom a provider acts there. */
import { StallingError } from "../../model/errors.ts";
import type { Scope } from "../../model/uid.ts";
import { readAccess, type AccessSource } from "./access.ts";
import { openCluster, type Cluster, type Impersonation, type KubeAccess } from "./cluster.ts";

export interface ClusterSettings {
  readonly name: string;
  readonly source: AccessSource;
  /** Names of environments, `repository/environment`, or `*`. */
  readonly environments: readonly string[];
  /** By provider; what is not listed acts as the controller itself. */
  readonly impersonate: { readonly [provider: string]: Impersonation };
}

export interface Clusters {
  /** `undefined`: the environment has no cluster. */
  settingsOf(scope: Scope): ClusterSettings | undefined;
  /** @param provider whose rights to use; `undefined`: the controller's own. */
  find(scope: Scope, provider: string | undefined): Cluster | undefined;
}

export interface ClustersOptions {
  readonly onCall?: (call: { readonly method: string; readonly path: string }) => void;
}

/** The first of the list that names the environment serves it. */
export const clusterFor = (
  list: readonly ClusterSettings[],
  { repository, environment }: Scope,
): ClusterSettings | undefined =>
  list.find(({ environments }) =>
    ["*", environment, `${repository}/${environment}`].some((it) => environments.includes(it)),
  );

export function openClusters(
  list: readonly ClusterSettings[],
  { onCall }: ClustersOptions = {},
): Clusters {
  const opened = new Map<string, Cluster>();
  const accesses = new Map<string, Promise<KubeAccess>>();

  const settingsOf: Clusters["settingsOf"] = (scope) => clusterFor(list, scope);
  return {
    settingsOf,
    find(scope, provider) {
      const settings = settingsOf(scope);
      if (settings === undefined) return undefined;
      const { name, source } = settings;
      const impersonate = provider === undefined ? undefined : settings.impersonate[provider];
      const key = JSON.stringify([name, impersonate?.user ?? ""]);
      const known = opened.get(key);
      if (known !== undefined) return known;
      const refresh = (): void => void accesses.delete(name);
      const access = async (): Promise<KubeAccess> => {
        const read = accesses.get(name) ?? readAccess(source);
        accesses.set(name, read);
        read.catch(refresh);
        return read;
      };
      const cluster = openCluster({
        name,
        access,
        refresh,
        ...(impersonate === undefined ? {} : { impersonate }),
        ...(onCall === undefined ? {} : { onCall }),
      });
      opened.set(key, cluster);
      return cluster;
    },
  };
}

/** @throws {StallingError} the environment has none */
export function clusterOf(clusters: Clusters, scope: Scope, provider: string | undefined): Cluster {
  const cluster = clusters.find(scope, provider);
  if (cluster !== undefined) return cluster;
  throw new StallingError(
    "NoCluster",
    `the environment ${scope.environment} has no Kubernetes cluster`,
    "name one for it under `clusters` in the controller's settings",
  );
}
