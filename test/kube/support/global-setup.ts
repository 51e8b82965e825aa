/** One API server for the Kubernetes suite; tests keep apart by namespace. Says how to get it where it is missing. */
import type { TestProject } from "vitest/node";
import { findAssets } from "./assets.ts";
import { startApiServer, type User } from "./server.ts";

export interface SharedKube {
  readonly url: string;
  readonly kubeconfig: string;
  readonly kubeconfigFile: string;
  readonly ca: string;
  readonly tokens: Readonly<Record<User, string>>;
}

declare module "vitest" {
  export interface ProvidedContext {
    kube: SharedKube;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const assets = findAssets();
  if (assets === undefined) {
    throw new Error("etcd and kube-apiserver are missing: run `npm run test:kube:setup` first");
  }
  const server = await startApiServer(assets);
  const { url, kubeconfig, kubeconfigFile, ca, tokens } = server;
  project.provide("kube", { url, kubeconfig, kubeconfigFile, ca, tokens });
  return () => server.remove();
}
