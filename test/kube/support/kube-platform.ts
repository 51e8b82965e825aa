/** A whole platform whose environment has a cluster: the test's API server, as the user `controller`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { openClusters } from "../../../src/execute/kube/clusters.ts";
import type { Cluster } from "../../../src/execute/kube/cluster.ts";
import { createWatchHub } from "../../../src/execute/kube/watch-hub.ts";
import type { KubernetesTools } from "../../../src/execute/steps/kubernetes.ts";
import type { Database } from "../../../src/store/database.ts";
import { kubernetesObjects } from "../../../src/store/kubernetes-objects.ts";
import { openPlatform, type Platform } from "../../support/platform.ts";
import type { Files } from "../../support/repository.ts";
import { applyAs, clusterAs, type KubeAccessFile } from "./namespace.ts";

export interface KubePlatform extends Platform {
  /** Requests that the controller made. */
  readonly calls: string[];
}

export async function openKubePlatform(
  db: Database,
  access: KubeAccessFile,
  files: Files,
): Promise<KubePlatform> {
  const calls: string[] = [];
  const watches = createWatchHub();
  const kubernetes: KubernetesTools = {
    clusters: openClusters([clusterAs(access, "controller")], {
      onCall: ({ method, path }) => void calls.push(`${method} ${path}`),
    }),
    inventory: kubernetesObjects(db),
    watches,
  };
  const platform = await openPlatform(db, () => files, undefined, { kubernetes });
  return {
    ...platform,
    calls,
    async close() {
      watches.close();
      await platform.close();
    },
  };
}

const rules = (): unknown =>
  parse(readFileSync(join(import.meta.dirname, "../../../helm/rbac/database-team.yaml"), "utf8"));

/** Exactly what the chart grants, to the user `controller`. */
export async function grantDatabaseTeam(admin: Cluster): Promise<void> {
  const role = {
    apiGroup: "rbac.authorization.k8s.io",
    kind: "ClusterRole",
    name: "database-team",
  };
  const metadata = { name: "database-team" };
  const apiVersion = "rbac.authorization.k8s.io/v1";
  await applyAs(admin, { apiVersion, kind: "ClusterRole", metadata, rules: rules() }, "", "test");
  const subjects = [{ kind: "User", name: "controller", apiGroup: "rbac.authorization.k8s.io" }];
  const binding = { apiVersion, kind: "ClusterRoleBinding", metadata, roleRef: role, subjects };
  await applyAs(admin, binding, "", "test");
}

export async function withdrawDatabaseTeam(admin: Cluster): Promise<void> {
  const path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/database-team";
  await admin.call({ method: "DELETE", path }, new AbortController().signal);
}
