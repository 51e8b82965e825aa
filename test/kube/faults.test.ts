/** What goes wrong between the controller and a cluster, on an API server of this file's own. */
import { randomUUID } from "node:crypto";
import { createServer } from "node:https";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Cluster } from "../../src/execute/kube/cluster.ts";
import { findKind } from "../../src/execute/kube/discovery.ts";
import type { KubeObject } from "../../src/execute/kube/object.ts";
import { getObject } from "../../src/execute/kube/objects.ts";
import type { Uid } from "../../src/model/uid.ts";
import type { Database } from "../../src/store/database.ts";
import { settings, spec, specPath } from "../e2e/things.ts";
import { build, start, sync as syncProcess } from "../faults/support/cli.ts";
import { openTestDatabase } from "../support/database.ts";
import { findAssets } from "./support/assets.ts";
import {
  grantDatabaseTeam,
  openKubePlatform,
  withdrawDatabaseTeam,
  type KubePlatform,
} from "./support/kube-platform.ts";
import { adminOf, applyAs } from "./support/namespace.ts";
import { startProxy, type Proxy } from "./support/proxy.ts";
import { startApiServer, type ApiServer } from "./support/server.ts";
import { installZalando, startZalando, type Zalando } from "./support/zalando.ts";

const { signal } = new AbortController();

let db: Database;
let server: ApiServer;
let proxy: Proxy;
let admin: Cluster;
beforeAll(async () => {
  const assets = findAssets();
  if (assets === undefined) throw new Error("run `npm run test:kube:setup` first");
  db = await openTestDatabase("postgres");
  server = await startApiServer(assets);
  proxy = await startProxy(server);
  admin = adminOf(server);
  await installZalando(admin);
  await grantDatabaseTeam(admin);
}, 180_000);
afterAll(async () => {
  await proxy.close();
  await server.remove();
  await db.close();
});

let app: string;
let uid: Uid;
let zalando: Zalando;
let platform: KubePlatform;
const repository = { ".innominatus.yaml": settings({ statefulGrace: "0s" }) };
beforeEach(async () => {
  app = `shop-${randomUUID().slice(0, 8)}`;
  uid = `postgres.default#${app}.db`;
  zalando = startZalando(admin);
  platform = await openKubePlatform(db, proxy, repository);
});
afterEach(async () => {
  proxy.judge(() => "pass");
  proxy.onAnswer(() => undefined);
  await platform.close();
  await zalando.stop();
});

const ask = (params: Record<string, string | number> = {}) =>
  platform.origin.commit({ [specPath(app)]: spec(app, { db: { type: "postgres", params } }) });

const clusterPath = () =>
  `/apis/acid.zalan.do/v1/namespaces/${app}-default/postgresqls/default-${app}-db`;

async function readCluster(): Promise<KubeObject | undefined> {
  const kind = await findKind(
    admin,
    { apiVersion: "acid.zalan.do/v1", kind: "postgresql" },
    signal,
  );
  return getObject(admin, kind, { namespace: `${app}-default`, name: `default-${app}-db` }, signal);
}

/** As a controller that never stops looking, for so long as a fault may take. */
async function settle(times = 6): Promise<string> {
  for (let tries = 1; ; tries++) {
    const { outcome } = await platform.sync();
    if (outcome === "settled" || tries === times) return outcome;
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await holds()) return;
    await delay(50);
  }
  throw new Error(`${what} did not come about`);
}

test("the API server restarted in mid-run costs time, and nothing else", async () => {
  zalando.behave("hang");
  await ask();
  const settling = settle();
  await until("the cluster", async () => (await readCluster()) !== undefined);
  await server.stop();
  await delay(1_000);
  await server.start();
  zalando.behave("run");
  expect(await settling).toBe("settled");
  expect(await platform.runs(uid)).toHaveLength(1);
});

test("etcd gone for 20 seconds costs time, and nothing else", async () => {
  zalando.behave("hang");
  await ask();
  const settling = settle();
  await until("the cluster", async () => (await readCluster()) !== undefined);
  const before = (await readCluster())?.metadata.uid;
  server.pauseEtcd();
  await delay(20_000);
  server.resumeEtcd();
  zalando.behave("run");
  expect(await settling).toBe("settled");
  expect((await readCluster())?.metadata.uid).toBe(before);
  expect(await platform.runs(uid)).toHaveLength(1);
});

test("E30: a watch that is cut costs one poll", async () => {
  zalando.behave("hang");
  await ask();
  const settling = settle();
  await until("the cluster", async () => (await readCluster()) !== undefined);
  proxy.cut();
  const cutAt = Date.now();
  zalando.behave("run");
  expect(await settling).toBe("settled");
  expect(Date.now() - cutAt).toBeLessThan(20_000);
});

test("a storm of 429 is waited out as Retry-After says, and counts as no failure", async () => {
  let answers = 0;
  proxy.judge(() => (answers++ < 25 ? "busy" : "pass"));
  await ask();
  expect(await settle()).toBe("settled");
  expect(answers).toBeGreaterThan(25);
  expect(await platform.runs(uid)).toHaveLength(1);
});

test("E18: an apply whose answer is lost makes one object", async () => {
  let dropped = 0;
  proxy.judge(({ method, path }) => {
    if (method !== "PATCH" || !path.includes("/postgresqls/") || dropped > 0) return "pass";
    dropped += 1;
    return "drop";
  });
  await ask();
  expect(await settle()).toBe("settled");
  expect(dropped).toBe(1);
  expect((await readCluster())?.metadata.generation).toBe(1);
});

test("E19: what a person deletes while it is waited for fails the run with that reason", async () => {
  zalando.behave("hang");
  await ask();
  const settling = settle(1);
  await until("the cluster", async () => (await readCluster()) !== undefined);
  await delay(500);
  await admin.call({ method: "DELETE", path: clusterPath() }, signal);
  await until("the reason", async () => {
    const [run] = await platform.runs(uid);
    const { message } = await platform.resource(uid);
    return `${run?.message} ${message}`.includes("ExternallyDeleted");
  });
  expect(await settling).not.toBe("settled");
  zalando.behave("run");
});

test("what a person deletes while it is being deleted is done", async () => {
  await ask();
  expect(await settle()).toBe("settled");
  await admin.call({ method: "DELETE", path: clusterPath() }, signal);
  await platform.origin.commit({ [specPath(app)]: null }, "Remove");
  expect(await settle()).toBe("settled");
  expect((await platform.resource(uid)).phase).toBe("deleted");
});

test("two replicas make one object in one run", async () => {
  const other = await platform.replica();
  await ask();
  await Promise.all([platform.sync(), platform.sync(other)]);
  expect((await platform.resource(uid)).phase).toBe("active");
  expect(await platform.runs(uid)).toHaveLength(1);
  const applies = platform.calls.filter((it) => it === `PATCH ${clusterPath()}`);
  expect(applies).toHaveLength(1);
});

test("a right that is withdrawn is told, and once it is back a retry goes on", async () => {
  await withdrawDatabaseTeam(admin);
  await delay(300);
  await ask();
  expect(await settle(1)).toBe("failed");
  expect((await platform.resource(uid)).message).toMatch(/Forbidden.*"controller" cannot/);
  await grantDatabaseTeam(admin);
  await delay(300);
  expect(await settle()).toBe("settled");
});

test("a finalizer that never ends is named, and forgets nothing", async () => {
  await ask();
  expect(await settle()).toBe("settled");
  const patch = (finalizers: readonly string[] | null) =>
    admin.call(
      {
        method: "PATCH",
        path: clusterPath(),
        contentType: "application/merge-patch+json",
        body: { metadata: { finalizers } },
      },
      signal,
    );
  await patch(["acme.example/never"]);
  await platform.origin.commit({ [specPath(app)]: null }, "Remove");
  expect(await settle(1)).toBe("timed-out");
  const [run] = await platform.runs(uid);
  expect(run).toMatchObject({ state: "waiting", reason: "Deleting" });
  expect(run?.message).toContain("acme.example/never");
  expect((await platform.resource(uid)).phase).toBe("deleting");
  await patch(null);
  expect(await settle()).toBe("settled");
  expect(await readCluster()).toBeUndefined();
});

test("an admission webhook that refuses is quoted, and its refusal not repeated", async () => {
  const webhook = createServer({ key: server.key, cert: server.ca }, (incoming, outgoing) => {
    let text = "";
    incoming.on("data", (part: Buffer) => (text += part.toString()));
    incoming.on("end", () => {
      const id = /"uid":"([^"]+)"/.exec(text)?.[1];
      const response = { uid: id, allowed: false, status: { message: "no databases on Fridays" } };
      outgoing.setHeader("content-type", "application/json");
      outgoing.end(
        JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }),
      );
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));
  const address = webhook.address();
  const port = address !== null && typeof address !== "string" ? address.port : 0;
  const apiVersion = "admissionregistration.k8s.io/v1";
  const path = `/apis/${apiVersion}/validatingwebhookconfigurations/no-databases`;
  const configuration = {
    apiVersion,
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "no-databases" },
    webhooks: [
      {
        name: "no-databases.acme.example",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(server.ca).toString("base64"),
        },
        rules: [
          {
            apiGroups: ["acid.zalan.do"],
            apiVersions: ["v1"],
            operations: ["CREATE"],
            resources: ["postgresqls"],
          },
        ],
      },
    ],
  };
  await applyAs(admin, configuration, "", "test");
  await delay(2_000);
  try {
    await ask();
    expect(await settle(1)).toBe("failed");
    const failed = await platform.resource(uid);
    expect(failed.message).toContain("no databases on Fridays");
    expect(failed.message).toContain("ConfigurationError");
    expect(platform.calls.filter((it) => it === `PATCH ${clusterPath()}`).length).toBeLessThan(3);
  } finally {
    await admin.call({ method: "DELETE", path }, signal);
    webhook.closeAllConnections();
    webhook.close();
  }
});

test("kill -9 between the create and its journal entry: the same object is found again", async () => {
  await build();
  const folder = await mkdtemp(join(tmpdir(), "innominatus-kube-killed-"));
  const config = {
    clusters: { test: { kubeconfig: proxy.kubeconfigFile, context: "controller" } },
  };
  await writeFile(join(folder, "innominatus.yaml"), JSON.stringify(config));
  const installation = { dataDir: folder, databaseUrl: undefined, repo: platform.origin.url };
  await ask();
  const running = start(["sync", "--timeout", "60s"], installation);
  proxy.onAnswer(({ method, path }) => {
    if (method === "PATCH" && path === clusterPath()) running.kill("SIGKILL");
  });
  expect((await running.ended).signal).toBe("SIGKILL");
  const made = await readCluster();
  expect(made).toBeDefined();

  proxy.onAnswer(() => undefined);
  expect(await syncProcess(installation)).toMatchObject({ code: 0 });
  expect((await readCluster())?.metadata.uid).toBe(made?.metadata.uid);
  expect((await readCluster())?.metadata.generation).toBe(1);
  await rm(folder, { recursive: true, force: true });
});
