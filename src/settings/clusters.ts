/** The Kubernetes clusters of environments, and as whom providers act in them. */
import { resolve } from "node:path";
import type { Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import type { ClusterSettings } from "./settings.ts";

/** @param base folder that a relative kubeconfig is meant from */
export function clustersOf(
  file: SettingsFile["clusters"],
  base: string,
  tell: Tell,
): readonly ClusterSettings[] {
  return Object.entries(file).map(([name, given]) => {
    const { environments, inCluster, kubeconfig, context, impersonate } = given;
    if (inCluster && (kubeconfig !== undefined || context !== undefined)) {
      tell(["clusters", name], {
        code: "settings/cluster",
        message: `the cluster \`${name}\` is both the one we run in and one of a kubeconfig`,
        hint: "remove `inCluster`, or `kubeconfig` and `context`",
      });
    }
    const source: ClusterSettings["source"] = inCluster
      ? { kind: "in-cluster" }
      : {
          kind: "kubeconfig",
          ...(kubeconfig === undefined ? {} : { file: resolve(base, kubeconfig) }),
          ...(context === undefined ? {} : { context }),
        };
    const users = Object.entries(impersonate).map(([provider, account]) => {
      const [namespaceOf = "", accountName = ""] = account.split("/");
      return [provider, serviceAccount(namespaceOf, accountName)] as const;
    });
    return { name, source, environments, impersonate: Object.fromEntries(users) };
  });
}

/** How the API server knows a service account. */
const serviceAccount = (namespace: string, name: string) => ({
  user: `system:serviceaccount:${namespace}:${name}`,
  groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
});
