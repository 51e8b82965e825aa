/**
 * `npm run demo -- --kube`: the story against the cluster of the current kubeconfig context. It says
 * what it will make, asks first, and takes all of it away in the end, also after a failure.
 */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { home, type CommandContext } from "../cli/context.ts";
import { runSync } from "../cli/commands/sync.ts";
import { CommandError } from "../cli/output/failure.ts";
import { openClusters, type ClusterSettings } from "../execute/kube/clusters.ts";
import type { Cluster } from "../execute/kube/cluster.ts";
import { findKind } from "../execute/kube/discovery.ts";
import type { KubeObject } from "../execute/kube/object.ts";
import { deleteObject, getObject } from "../execute/kube/objects.ts";
import { kubeFiles, kubeSpec, specFile } from "./kube-files.ts";
import type { Narrator } from "./narrator.ts";
import { createWorkingCopy } from "./working-copy.ts";

export interface KubeDemoFlags {
  /** Somebody has said so already. */
  readonly yes: boolean;
}

/** @returns the exit code */
export async function runKubeDemo(
  context: CommandContext,
  narrator: Narrator,
  { yes }: KubeDemoFlags,
): Promise<number> {
  const { name, server } = currentContext();
  const workload = `demo-${Math.floor(context.random() * 0xffffff)
    .toString(16)
    .padStart(6, "0")}`;
  const namespace = `${workload}-default`;
  narrator.say(`The current kubeconfig context is ${name}, at ${server}.`);
  narrator.say(`In it this makes the namespace ${namespace}, a ConfigMap and a Secret in it,`);
  narrator.say("and deletes all of them in the end. Nothing else is touched.");
  if (!yes && !(await agrees(context.stop))) {
    narrator.say("Nothing was touched.");
    return 0;
  }

  const settings: ClusterSettings = {
    name: "demo",
    source: { kind: "kubeconfig", context: name },
    environments: ["*"],
    impersonate: {},
  };
  const scope = { repository: "demo", environment: "default" };
  const cluster = openClusters([settings]).find(scope, undefined);
  if (cluster === undefined) throw new Error("the demo's environment has no cluster");
  const folder = await mkdtemp(join(await realpath(tmpdir()), "innominatus-demo-"));
  try {
    await tell({ context, narrator, cluster, folder, workload, namespace, contextName: name });
  } finally {
    await narrator.timed("clearing up", () => clearUp(cluster, namespace, folder));
    narrator.so(`the namespace ${namespace} is deleted`);
  }
  return 0;
}

interface Scene {
  readonly context: CommandContext;
  readonly narrator: Narrator;
  readonly cluster: Cluster;
  readonly folder: string;
  readonly workload: string;
  readonly namespace: string;
  readonly contextName: string;
}

async function tell(scene: Scene): Promise<void> {
  const { context, narrator, cluster, folder, workload, namespace } = scene;
  const { stop } = context;
  const template = join(folder, "template");
  for (const [path, text] of Object.entries(kubeFiles)) {
    await mkdir(dirname(join(template, path)), { recursive: true });
    await writeFile(join(template, path), text);
  }
  const clusters = { demo: { context: scene.contextName } };
  await writeFile(join(folder, "innominatus.yaml"), JSON.stringify({ clusters }));
  const developer = await createWorkingCopy({
    folder,
    template,
    path: context.env["PATH"],
    onCommand: (text) => narrator.command(text),
    signal: stop,
  });
  const work = join(folder, "work", specFile);
  const own = { ...context, cwd: folder, env: { PATH: context.env["PATH"], HOME: folder } };
  const sync = async (): Promise<void> => {
    const dataDir = join(folder, "data");
    const flags = { repo: developer.origin, dataDir, timeout: "3m", output: "text" } as const;
    const code = await runSync(own, flags);
    if (code !== 0) throw new CommandError("the story did not go on", "sync", "see above for why");
  };
  const object = (kind: string): Promise<KubeObject | undefined> =>
    read(cluster, kind, namespace, `${workload}-settings`, stop);
  const write = async (level: string): Promise<void> => {
    await mkdir(dirname(work), { recursive: true });
    await writeFile(work, kubeSpec(workload, level));
  };

  narrator.chapter("A merged spec becomes a ConfigMap, and its credentials a Secret");
  await write("info");
  await developer.type(
    ["add", "--all"],
    ["commit", "-m", "Ask for settings"],
    ["push", "origin", "main"],
  );
  await sync();
  expectThat(narrator, level(await object("ConfigMap")) === "info", "the ConfigMap says info");
  const secret = await object("Secret");
  expectThat(narrator, secret !== undefined, `the Secret ${workload}-settings is in ${namespace}`);

  narrator.chapter("A change is applied in place");
  await write("debug");
  await developer.type(["commit", "-am", "Log more"], ["push", "origin", "main"]);
  await sync();
  expectThat(narrator, level(await object("ConfigMap")) === "debug", "the ConfigMap says debug");

  narrator.chapter("A revert deletes");
  await developer.type(["revert", "--no-edit", "HEAD", "HEAD~1"], ["push", "origin", "main"]);
  await sync();
  expectThat(narrator, (await object("ConfigMap")) === undefined, "the ConfigMap is gone");
  expectThat(narrator, (await object("Secret")) === undefined, "the Secret is gone");
}

function currentContext(): { readonly name: string; readonly server: string } {
  const config = new KubeConfig();
  config.loadFromDefault();
  const name = config.getCurrentContext();
  const server = config.getCurrentCluster()?.server;
  if (server !== undefined && config.getContextObject(name) !== null) return { name, server };
  const next = "choose one: kubectl config use-context NAME";
  throw new CommandError("the kubeconfig has no current context", home, next);
}

async function agrees(signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question("Go on? [y/N] ", { signal })).trim());
  } finally {
    lines.close();
  }
}

async function clearUp(cluster: Cluster, namespace: string, folder: string): Promise<void> {
  // Also when it was stopped: what was made is taken away.
  const { signal } = new AbortController();
  const kind = await findKind(cluster, { apiVersion: "v1", kind: "Namespace" }, signal);
  const place = { namespace: undefined, name: namespace };
  const found = await getObject(cluster, kind, place, signal);
  const uid = found?.metadata.uid;
  if (uid !== undefined) await deleteObject(cluster, kind, place, uid, "Background", signal);
  await rm(folder, { recursive: true, force: true });
}

async function read(
  cluster: Cluster,
  kind: string,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const found = await findKind(cluster, { apiVersion: "v1", kind }, signal);
  return getObject(cluster, found, { namespace, name }, signal);
}

const level = (object: KubeObject | undefined): unknown => {
  const data: unknown = object?.["data"];
  return typeof data === "object" && data !== null && "level" in data ? data.level : undefined;
};

function expectThat(narrator: Narrator, holds: boolean, claim: string): void {
  if (!holds) throw new Error(`the demo expected that ${claim}`);
  narrator.so(claim);
}
