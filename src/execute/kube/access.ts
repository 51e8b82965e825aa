/** Where a cluster is and who we are there: from the pod we run in, or from a kubeconfig's context. */
import type { KubeConfig } from "@kubernetes/client-node";
import type { KubeAccess } from "./cluster.ts";

export type AccessSource =
  | { readonly kind: "in-cluster" }
  | {
      readonly kind: "kubeconfig";
      /** Absent: `KUBECONFIG`, or `~/.kube/config`. */
      readonly file?: string;
      /** Absent: the file's current one. */
      readonly context?: string;
    };

/** @throws when there is no such file or context */
export async function readAccess(source: AccessSource): Promise<KubeAccess> {
  const config = await load(source);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig names no cluster");
  return {
    server: cluster.server.replace(/\/+$/, ""),
    async apply(options) {
      await config.applyToHTTPSOptions(options);
      if (cluster.tlsServerName !== undefined) options.servername = cluster.tlsServerName;
    },
  };
}

async function load(source: AccessSource): Promise<KubeConfig> {
  // Its 1,500 modules take 60 MB and a third of a second, of those who have a cluster only.
  const client = await import("@kubernetes/client-node");
  const config = new client.KubeConfig();
  if (source.kind === "in-cluster") {
    if (process.env["KUBERNETES_SERVICE_HOST"] === undefined) {
      throw new Error("this process does not run in a Kubernetes cluster");
    }
    config.loadFromCluster();
    return config;
  }
  if (source.file === undefined) config.loadFromDefault();
  else config.loadFromFile(source.file);
  const { context } = source;
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map((it) => it.name);
    throw new Error(`the kubeconfig has no context "${context}"; it has: ${known.join(", ")}`);
  }
  config.setCurrentContext(context);
  return config;
}
