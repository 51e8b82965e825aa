/**
 * 1,000 resources of one applied object each, from one commit to all active: how long, how much
 * memory, and how many requests. `INNOMINATUS_BENCH_RESOURCES` is another number of them.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { stringify } from "yaml";
import type { Database } from "../../src/store/database.ts";
import { settings, spec, specPath } from "../e2e/things.ts";
import { openTestDatabase } from "../support/database.ts";
import type { Files } from "../support/repository.ts";
import { openKubePlatform } from "./support/kube-platform.ts";
import { adminOf, applyAs } from "./support/namespace.ts";

const count = Number(process.env["INNOMINATUS_BENCH_RESOURCES"] ?? 1_000);
const perWorkload = 50;
const admin = adminOf(inject("kube"));

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
  const metadata = { name: "thousand" };
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const verbs = ["get", "list", "watch", "create", "patch", "delete"];
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs }];
  await applyAs(admin, { apiVersion, kind: "ClusterRole", metadata, rules }, "", "test");
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "thousand" };
  const subjects = [{ kind: "User", name: "controller", apiGroup: "rbac.authorization.k8s.io" }];
  const binding = { apiVersion, kind: "ClusterRoleBinding", metadata, roleRef, subjects };
  await applyAs(admin, binding, "", "test");
});
afterAll(() => db.close());

const provider = {
  apiVersion: "v1",
  kind: "Provider",
  metadata: { name: "settings-team", version: "1.0.0" },
  compatibility: { minCoreVersion: "1.0.0" },
  capabilities: {
    resourceTypeCapabilities: [
      {
        type: "setting",
        operations: { create: { workflow: "make" }, delete: { workflow: "take" } },
      },
    ],
  },
  workflows: [
    { name: "make", file: "./workflows/make.yaml" },
    { name: "take", file: "./workflows/take.yaml" },
  ],
};

const workflow = (name: string, config: object): string =>
  stringify({
    apiVersion: "innominatus.io/v1alpha1",
    kind: "Workflow",
    metadata: { name },
    steps: [{ name: "object", type: "kubernetes", config }],
  });

test("a thousand resources cost at most four requests each", async () => {
  const prefix = `app-${randomUUID().slice(0, 8)}`;
  const metadata = { name: prefix };
  await applyAs(admin, { apiVersion: "v1", kind: "Namespace", metadata }, "", "test");
  const manifest = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "{{ .parameters.app_name }}-{{ .parameters.resource_name }}" },
    data: { level: "info" },
  };
  const files: Files = {
    ".innominatus.yaml": settings({}),
    "providers/settings-team/provider.yaml": stringify(provider),
    "providers/settings-team/workflows/make.yaml": workflow("make", {
      namespace: prefix,
      manifest,
    }),
    "providers/settings-team/workflows/take.yaml": workflow("take", {
      operation: "delete",
      inventory: true,
    }),
  };
  const platform = await openKubePlatform(db, inject("kube"), files);
  const names = Array.from({ length: perWorkload }, (_, index) => `r${index}`);
  const resources = Object.fromEntries(names.map((it) => [it, { type: "setting" }]));
  const apps = Array.from({ length: count / perWorkload }, (_, index) => `${prefix}-${index}`);
  await platform.origin.commit(
    Object.fromEntries(apps.map((it) => [specPath(it), spec(it, resources)])),
  );

  let peak = 0;
  const sample = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 200);
  const startedAt = performance.now();
  let outcome = "";
  while (outcome !== "settled" && performance.now() - startedAt < 280_000) {
    ({ outcome } = await platform.sync());
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  clearInterval(sample);
  const active = (await platform.resources()).filter((it) => it.phase === "active");
  const each = platform.calls.length / count;
  process.stdout.write(
    `${count} resources active in ${seconds.toFixed(1)} s, ${Math.round(peak / 1_048_576)} MB at the most, ${each.toFixed(2)} requests each\n`,
  );
  expect(active).toHaveLength(count);
  expect(each).toBeLessThanOrEqual(4);
  await platform.close();
});
