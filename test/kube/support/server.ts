/**
 * A Kubernetes API server with its etcd, on free ports and with RBAC, to be stopped, paused and
 * started again. It has no controllers and no nodes: what they would do, a test does.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Assets } from "./assets.ts";

/** Who may sign in, by token; all but `admin` may do nothing until a role says so. */
const users = { admin: "system:masters", controller: "innominatus" } as const;

export type User = keyof typeof users;

export interface ApiServer {
  readonly url: string;
  /** Text of a kubeconfig with one context by user. */
  readonly kubeconfig: string;
  /** The same in a file. */
  readonly kubeconfigFile: string;
  readonly ca: string;
  readonly tokens: Readonly<Record<User, string>>;
  /** Of its own certificate, for who stands in front of it. */
  readonly key: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stands still, without closing a connection. */
  pauseEtcd(): void;
  resumeEtcd(): void;
  remove(): Promise<void>;
}

/** @param flags further ones of kube-apiserver */
export async function startApiServer(
  assets: Assets,
  flags: readonly string[] = [],
): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-kube-"));
  const [client, peer, port] = await freePorts();
  const tokens = { admin: token(), controller: token() };
  const lines = Object.entries(users).map(
    ([user, group]) =>
      `${user === "admin" ? tokens.admin : tokens.controller},${user},${user},"${group}"`,
  );
  await writeFile(join(folder, "tokens.csv"), `${lines.join("\n")}\n`, { mode: 0o600 });
  const key = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }).privateKey;
  await writeFile(join(folder, "service-account.key"), key, { mode: 0o600 });

  const etcdUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const etcd = run(join(folder, "etcd.log"), assets.etcd, [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
  ]);
  const url = `https://127.0.0.1:${port}`;
  const startServer = async (): Promise<ChildProcess> => {
    const server = run(join(folder, "kube-apiserver.log"), assets.apiServer, [
      `--etcd-servers=${etcdUrl}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      `--cert-dir=${join(folder, "certificates")}`,
      `--token-auth-file=${join(folder, "tokens.csv")}`,
      `--service-account-key-file=${join(folder, "service-account.key")}`,
      `--service-account-signing-key-file=${join(folder, "service-account.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--service-cluster-ip-range=10.0.0.0/24",
      "--authorization-mode=RBAC",
      "--disable-admission-plugins=ServiceAccount",
      "--shutdown-delay-duration=0s",
      "--profiling=false",
      ...flags,
    ]);
    await ready(url, join(folder, "certificates/apiserver.crt"), tokens.admin, server, folder);
    return server;
  };
  let server = await startServer();
  const ca = await readFile(join(folder, "certificates/apiserver.crt"), "utf8");
  const kubeconfig = configOf(url, ca, tokens);
  const kubeconfigFile = join(folder, "kubeconfig");
  await writeFile(kubeconfigFile, kubeconfig, { mode: 0o600 });

  const stop = async (): Promise<void> => end(server, "SIGTERM");
  return {
    url,
    kubeconfig,
    kubeconfigFile,
    ca,
    tokens,
    key: await readFile(join(folder, "certificates/apiserver.key"), "utf8"),
    stop,
    start: async () => {
      server = await startServer();
    },
    pauseEtcd: () => void etcd.kill("SIGSTOP"),
    resumeEtcd: () => void etcd.kill("SIGCONT"),
    async remove() {
      etcd.kill("SIGCONT");
      await end(server, "SIGKILL");
      await end(etcd, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const token = (): string => randomBytes(16).toString("hex");

function run(log: string, program: string, args: readonly string[]): ChildProcess {
  const out = openSync(log, "a");
  const child = spawn(program, args, { stdio: ["ignore", out, out] });
  // An interrupted test run leaves no servers behind.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  const late = setTimeout(10_000, undefined, { ref: false }).then(() => child.kill("SIGKILL"));
  await Promise.race([ended, late]);
  await ended;
}

/** Ready is what `/readyz` says, and RBAC's own roles being there. */
async function ready(
  url: string,
  certificate: string,
  bearer: string,
  server: ChildProcess,
  folder: string,
): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (server.exitCode !== null) break;
    const ca = await readFile(certificate, "utf8").catch(() => undefined);
    if (ca !== undefined && (await answers(`${url}/readyz`, ca, bearer))) return;
    await setTimeout(100);
  }
  const log = await readFile(join(folder, "kube-apiserver.log"), "utf8");
  throw new Error(`kube-apiserver did not become ready:\n${log.slice(-2_000)}`);
}

function answers(url: string, ca: string, bearer: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { ca, headers: { authorization: `Bearer ${bearer}` }, timeout: 2_000 };
    const asked = request(url, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}

function configOf(url: string, ca: string, tokens: ApiServer["tokens"]): string {
  const named = Object.entries(tokens);
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "test",
        cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") },
      },
    ],
    users: named.map(([name, it]) => ({ name, user: { token: it } })),
    contexts: named.map(([name]) => ({ name, context: { cluster: "test", user: name } })),
    "current-context": "admin",
  });
}

async function freePorts(): Promise<readonly [number, number, number]> {
  const servers = [createServer(), createServer(), createServer()];
  const ports: number[] = [];
  for (const it of servers) {
    await new Promise<void>((resolve) => it.listen(0, "127.0.0.1", resolve));
    const address = it.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    ports.push(address.port);
  }
  await Promise.all(servers.map((it) => new Promise((resolve) => it.close(resolve))));
  const [a = 0, b = 0, c = 0] = ports;
  return [a, b, c];
}
