/** The provider database-team on a real API server, under exactly the rights that the chart grants. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { parse } from "yaml";
import { valuesOf } from "../../src/execute/kube/secret-values.ts";
import { findKind } from "../../src/execute/kube/discovery.ts";
import { getObject } from "../../src/execute/kube/objects.ts";
import type { KubeObject } from "../../src/execute/kube/object.ts";
import type { Uid } from "../../src/model/uid.ts";
import type { Database } from "../../src/store/database.ts";
import { openTestDatabase } from "../support/database.ts";
import { settings, spec, specPath } from "../e2e/things.ts";
import { grantDatabaseTeam, openKubePlatform, type KubePlatform } from "./support/kube-platform.ts";
import { adminOf } from "./support/namespace.ts";
import { installZalando, startZalando, type Zalando } from "./support/zalando.ts";

const admin = adminOf(inject("kube"));
const { signal } = new AbortController();

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
  await installZalando(admin);
  await grantDatabaseTeam(admin);
});
afterAll(() => db.close());

let app: string;
let uid: Uid;
let zalando: Zalando;
let platform: KubePlatform;
beforeEach(async () => {
  app = `shop-${randomUUID().slice(0, 8)}`;
  uid = `postgres.default#${app}.db`;
  zalando = startZalando(admin);
  platform = await openKubePlatform(db, inject("kube"), {
    ".innominatus.yaml": settings({ statefulGrace: "0s" }),
  });
});
afterEach(async () => {
  await platform.close();
  await zalando.stop();
});

const ask = (params: Record<string, string | number> = {}) =>
  platform.origin.commit({ [specPath(app)]: spec(app, { db: { type: "postgres", params } }) });

async function read(
  apiVersion: string,
  kind: string,
  name: string,
): Promise<KubeObject | undefined> {
  const found = await findKind(admin, { apiVersion, kind }, signal);
  return getObject(admin, found, { namespace: `${app}-default`, name }, signal);
}

const readCluster = () => read("acid.zalan.do/v1", "postgresql", `default-${app}-db`);

test("from a merged spec to a database with credentials nobody sees, through growth, and back with a revert", async () => {
  const start = await platform.origin.tip();
  await ask();
  const synced = await platform.sync();
  expect(synced.outcome).toBe("settled");
  const cluster = await readCluster();
  expect(cluster?.["spec"]).toMatchObject({
    teamId: "default",
    numberOfInstances: 2,
    volume: { size: "5Gi" },
    postgresql: { version: "16" },
    resources: {
      requests: { cpu: "100m", memory: "256Mi" },
      limits: { cpu: "500m", memory: "512Mi" },
    },
  });
  const namespace = `${app}-default`;
  const host = `default-${app}-db.${namespace}.svc.cluster.local`;
  const created = await platform.resource(uid);
  const secretName = `app.default-${app}-db.credentials.postgresql.acid.zalan.do`;
  expect(created).toMatchObject({
    phase: "active",
    outputs: {
      cluster_name: `default-${app}-db`,
      namespace,
      host,
      port: "5432",
      database_name: `${app.replaceAll("-", "_")}_db`,
      username: "app",
      credentials_secret: secretName,
    },
    secretRefs: {
      password: `k8s://${namespace}/${secretName}/password`,
      connection_string: `k8s://${namespace}/default-${app}-db-connection/connection_string`,
    },
    credentialsSecret: `k8s://${namespace}/${app}-db`,
  });

  const secret = await read("v1", "Secret", `${app}-db`);
  if (secret === undefined) throw new Error("there is no Secret for the workload");
  const password = `zalando-default-${app}-db-secret`;
  expect(valuesOf(secret)).toMatchObject({
    host,
    password,
    connection_string: `postgresql://app:${password}@${host}:5432/${app.replaceAll("-", "_")}_db`,
  });
  const status = parse((await platform.statusFile(`default/${app}.yaml`)) ?? "");
  expect(status).toMatchObject({
    resources: [{ credentialsSecret: `k8s://${namespace}/${app}-db` }],
  });
  expect(platform.logged.join("")).not.toContain(password);
  expect(JSON.stringify([created, status])).not.toContain(password);

  await ask({ size: "medium", replicas: 3, version: "17" });
  expect((await platform.sync()).outcome).toBe("settled");
  const grown = await readCluster();
  expect(grown?.metadata.uid).toBe(cluster?.metadata.uid);
  expect(grown?.["spec"]).toMatchObject({
    numberOfInstances: 3,
    volume: { size: "20Gi" },
    postgresql: { version: "17" },
  });

  if (start === undefined) throw new Error("the repository is empty");
  await platform.origin.commit({ [specPath(app)]: null }, "Remove");
  expect((await platform.sync()).outcome).toBe("settled");
  expect(await readCluster()).toBeUndefined();
  expect(await read("v1", "Secret", `${app}-db`)).toBeUndefined();
  expect(await read("v1", "Secret", `default-${app}-db-connection`)).toBeUndefined();
  expect((await platform.resource(uid)).phase).toBe("deleted");
});

test.each([
  [{ size: "large" }, { size: "small" }, "large to small"],
  [{ version: "16" }, { version: "15" }, "16 to 15"],
])("going from %j to %j is a problem before anything runs", async (from, to, told) => {
  await ask(from);
  await platform.sync();
  const before = (await readCluster())?.metadata.resourceVersion;
  await ask(to);
  const planned = await platform.planned(uid);
  expect(planned).toMatchObject({ operation: "update", gate: { kind: "problem" } });
  expect(planned?.gate?.message).toContain(told);
  expect(planned?.gate?.message).toContain(`${specPath(app)}:`);
  await platform.sync();
  expect((await readCluster())?.metadata.resourceVersion).toBe(before);
});

test("a name beyond the operator's 53 characters is a problem at the spec's line", async () => {
  const long = `${app}-${"x".repeat(40)}`;
  await platform.origin.commit({ [specPath(long)]: spec(long, { db: { type: "postgres" } }) });
  const { problems } = (await platform.look()).input;
  expect(problems).toMatchObject([{ file: specPath(long), code: "provider/parameter" }]);
  expect(problems[0]?.line).toBeGreaterThan(1);
});

test("the operator's older name for the Secret is found as well", async () => {
  zalando.nameSecrets("old");
  await ask();
  await platform.sync();
  expect((await platform.resource(uid)).outputs).toMatchObject({
    credentials_secret: `app.default-${app}-db.credentials`,
  });
});

test("an operator that is slow is waited for without a worker; one that fails fails the run", async () => {
  zalando.delay(700);
  await ask();
  expect((await platform.sync()).outcome).toBe("settled");

  zalando.delay(0);
  zalando.behave("fail");
  await ask({ replicas: 3 });
  expect((await platform.sync()).outcome).toBe("failed");
  const failed = await platform.resource(uid);
  expect(failed.phase).toBe("failed");
  expect(failed.message).toContain("UpdateFailed");
});

test("an update of a cluster that a person deleted fails, and makes no empty one in its place", async () => {
  await ask();
  await platform.sync();
  const path = `/apis/acid.zalan.do/v1/namespaces/${app}-default/postgresqls/default-${app}-db`;
  await admin.call({ method: "DELETE", path }, signal);
  await ask({ replicas: 3 });
  expect((await platform.sync()).outcome).toBe("failed");
  expect(await readCluster()).toBeUndefined();
});

test("without a cluster the shared database serves postgres, as ever", async () => {
  const { openPlatform } = await import("../support/platform.ts");
  const without = await openPlatform(db, () => ({
    ".innominatus.yaml": settings({ statefulGrace: "0s" }),
  }));
  await without.origin.commit({ [specPath(app)]: spec(app, { db: { type: "postgres" } }) });
  expect(await without.planned(uid)).toMatchObject({ workflow: "create-postgres-shared" });
  expect(await platform.planned(uid)).toBeUndefined();
  await ask();
  expect(await platform.planned(uid)).toMatchObject({ workflow: "create-postgres-cluster" });
  await without.close();
});
