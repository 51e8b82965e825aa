/** `plan --server` on a real API server: what it would change, and nothing changed. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { planOnServer } from "../../src/controller/server-plan.ts";
import { openClusters } from "../../src/execute/kube/clusters.ts";
import type { Database } from "../../src/store/database.ts";
import { settings, spec, specPath } from "../e2e/things.ts";
import { openTestDatabase } from "../support/database.ts";
import { grantDatabaseTeam, openKubePlatform, type KubePlatform } from "./support/kube-platform.ts";
import { adminOf, applyAs, clusterAs } from "./support/namespace.ts";
import { installZalando, startZalando } from "./support/zalando.ts";

const admin = adminOf(inject("kube"));
const { signal } = new AbortController();

let db: Database;
let platform: KubePlatform;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
  await installZalando(admin);
  await grantDatabaseTeam(admin);
  const files = { ".innominatus.yaml": settings({ statefulGrace: "0s" }) };
  platform = await openKubePlatform(db, inject("kube"), files);
});
afterAll(async () => {
  await platform.close();
  await db.close();
});

test("the server says what a create and an update would change, and what it refuses", async () => {
  const app = `shop-${randomUUID().slice(0, 8)}`;
  const clusters = openClusters([clusterAs(inject("kube"), "controller")]);
  const plan = async () => planOnServer(clusters, platform.scope, await platform.look(), signal);
  const ask = (params: Record<string, string | number>) =>
    platform.origin.commit({ [specPath(app)]: spec(app, { db: { type: "postgres", params } }) });
  const object = `postgresql ${app}-default/default-${app}-db`;

  await ask({});
  // Its namespace is not there yet, and a dry-run makes none.
  const message = "its namespace is not there yet";
  expect(await plan()).toMatchObject([{ object, state: "created", message }]);
  const metadata = { name: `${app}-default` };
  await applyAs(admin, { apiVersion: "v1", kind: "Namespace", metadata }, "", "test");
  expect(await plan()).toMatchObject([{ object, state: "created", step: "cluster", message: "" }]);

  const zalando = startZalando(admin);
  expect((await platform.sync()).outcome).toBe("settled");
  await zalando.stop();
  await ask({ replicas: 3 });
  const [changed] = await plan();
  expect(changed).toMatchObject({ object, state: "changed" });
  expect(changed?.changes).toEqual([{ path: "/spec/numberOfInstances", from: 2, to: 3 }]);

  await ask({ replicas: -1 });
  const [refused] = await plan();
  expect(refused).toMatchObject({ object, state: "refused" });
  expect(refused?.message).toContain("spec.numberOfInstances");
});
