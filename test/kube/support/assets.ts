/** Where etcd and kube-apiserver are: `KUBEBUILDER_ASSETS`, or the cache that setup.sh fills. */
import { accessSync, constants, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Assets {
  readonly etcd: string;
  readonly apiServer: string;
}

/** `undefined` while they are not prepared. */
export function findAssets(): Assets | undefined {
  const folder = process.env["KUBEBUILDER_ASSETS"] ?? cacheFolder();
  const assets = { etcd: join(folder, "etcd"), apiServer: join(folder, "kube-apiserver") };
  try {
    for (const it of Object.values(assets)) accessSync(it, constants.X_OK);
    return assets;
  } catch {
    return undefined;
  }
}

function cacheFolder(): string {
  const goMod = readFileSync(join(import.meta.dirname, "../assets/go.mod"), "utf8");
  const version = /k8s\.io\/kubernetes (v[\d.]+)/.exec(goMod)?.[1] ?? "";
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "innominatus/kube", version);
}
