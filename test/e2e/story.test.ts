/** The main job, from a merge to a revert (issue: merge a spec, get a resource; revert it, and it is gone). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { vaultOn } from "../../src/controller/services.ts";
import type { Uid } from "../../src/model/uid.ts";
import type { Platform } from "../support/platform.ts";
import { onEachStore } from "./stores.ts";
import { settings, spec, specPath } from "./things.ts";

const db: Uid = "thing.default#shop.db";
const app: Uid = "thing.default#shop.app";

const passwordOf = ({ services, scope }: Platform, uid: Uid) =>
  vaultOn(services.sealer, services.db).get({ ...scope, uid, key: "password" });

const contentOf = async ({ root }: Platform, name: string): Promise<string> =>
  (await readFile(join(root, "things", name), "utf8")).trimEnd();

onEachStore((open) => {
  it("goes from a merged spec to a resource, through a change, and back with a revert", async () => {
    const platform = await open();
    const start = await platform.origin.tip();
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.statusLog()).toHaveLength(1);

    const asked = await platform.origin.commit({ [specPath("shop")]: spec("shop", { db: {} }) });
    expect((await platform.plan()).operations).toMatchObject([
      { uid: db, operation: "create", reason: "Added", provider: "things-team@1.0.0", gate: null },
    ]);
    expect((await platform.sync()).outcome).toBe("settled");
    const created = await platform.resource(db);
    expect(created).toMatchObject({
      phase: "active",
      commit: asked,
      outputs: { host: "shop.db.example", size: "small" },
      secretRefs: { password: "secret://default/shop/db/password" },
    });
    const first = await passwordOf(platform, db);
    expect(first).toMatch(/^[A-Za-z0-9]{24}$/);
    expect(parse((await platform.statusFile("default/shop.yaml")) ?? "")).toMatchObject({
      apiVersion: "innominatus.dev/v1",
      kind: "WorkloadStatus",
      metadata: { name: "shop", environment: "default" },
      observedCommit: asked,
      conditions: [{ type: "Ready", status: "True", reason: "AllResourcesActive" }],
      resources: [
        {
          uid: db,
          phase: "active",
          provider: "things-team@1.0.0",
          operation: "create",
          run: created.run,
          outputs: { host: "shop.db.example", size: "small" },
          secretRefs: { password: "secret://default/shop/db/password" },
        },
      ],
    });
    const [message] = await platform.statusLog();
    expect(message).toContain("default: 1 of 1 resources active");
    expect(message).toContain("Innominatus-Environment: default\n");
    expect(message).toContain(`Innominatus-Observed-Commit: ${asked}`);

    const changed = await platform.origin.commit({
      [specPath("shop")]: spec("shop", { db: { params: { size: "large" } } }),
    });
    expect((await platform.plan()).operations).toMatchObject([
      {
        operation: "update",
        reason: "Changed",
        changes: [{ path: "/size", from: undefined, to: "large" }],
      },
    ]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(db)).toMatchObject({
      phase: "active",
      revision: 2,
      commit: changed,
      outputs: { host: "shop.db.example", size: "large" },
      secretRefs: created.secretRefs,
    });
    expect(await passwordOf(platform, db)).toBe(first);

    await platform.origin.revert(changed);
    await platform.sync();
    expect((await platform.resource(db)).outputs).toMatchObject({ size: "small" });

    const reverted = await platform.origin.revert(asked);
    expect(await platform.origin.listFiles()).toEqual(await platform.origin.listFiles(start));
    expect((await platform.plan()).operations).toMatchObject([
      { uid: db, operation: "delete", reason: "Removed", gate: null },
    ]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(db)).toMatchObject({
      phase: "deleted",
      commit: reverted,
      outputs: {},
      secretRefs: {},
    });
    expect(await platform.things()).toEqual([]);
    expect(await passwordOf(platform, db)).toBeUndefined();
    expect(await platform.statusFile("default/shop.yaml")).toBeUndefined();
    expect(await platform.statusFile("README.md")).toContain("No resources.");

    await platform.origin.revert(reverted);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(db)).toMatchObject({ phase: "active", revision: 1 });
    expect(await passwordOf(platform, db)).toMatch(/^[A-Za-z0-9]{24}$/);
    expect(await passwordOf(platform, db)).not.toBe(first);
    const done = (await platform.effects()).filter((line) => !line.endsWith("begins"));
    expect(done).toEqual(
      ["create", "update", "update", "delete", "create"].map((verb) => `${verb} shop.db`),
    );
  });

  it("makes first what others need, with values for scripts and references for the record", async () => {
    const params = { peer: "${resources.db.host}", token: "${resources.db.password}" };
    const platform = await open({
      [specPath("shop")]: spec("shop", { app: { params }, db: {} }),
    });
    expect(await platform.planned(app)).toMatchObject({ operation: "create", dependsOn: [db] });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.effects()).toEqual([
      "create shop.db begins",
      "create shop.db",
      "create shop.app begins",
      "create shop.app",
    ]);
    const password = await passwordOf(platform, db);
    expect(await contentOf(platform, "shop.app")).toBe(`small shop.db.example ${password}`);
    expect((await platform.resource(app)).params).toEqual({
      peer: "shop.db.example",
      token: "secret://default/shop/db/password",
    });
    expect(await platform.planned(app)).toMatchObject({ operation: "none", reason: "UpToDate" });

    await platform.origin.remove([specPath("shop")]);
    expect(await platform.planned(db)).toMatchObject({ operation: "delete", dependsOn: [app] });
    expect((await platform.sync()).outcome).toBe("settled");
    expect((await platform.effects()).slice(4)).toEqual([
      "delete shop.app begins",
      "delete shop.app",
      "delete shop.db begins",
      "delete shop.db",
    ]);
  });

  it("does not begin what needs a resource that cannot be made", async () => {
    const params = { peer: "${resources.db.host}" };
    const platform = await open({
      [specPath("shop")]: spec("shop", { app: { params }, db: {}, other: {} }),
    });
    await platform.put("fail", "create-shop.db");
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await platform.things()).toEqual(["shop.other"]);
    expect(await platform.resource(db)).toMatchObject({ phase: "failed" });
    expect((await platform.resource(db)).message).toContain("shop.db cannot be created");
    expect(await platform.effects()).not.toContain("create shop.app begins");
    const gate = { kind: "dependency", message: `waits for ${db}, which has failed` };
    expect((await platform.why(app)).gate).toMatchObject(gate);

    await platform.take("fail", "create-shop.db");
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.things()).toEqual(["shop.app", "shop.db", "shop.other"]);
  });

  it("shares a resource between workloads, and deletes it with the last that asks for it", async () => {
    const shared: Uid = "thing.default#cache";
    const platform = await open({
      [specPath("blog")]: spec("blog", { cache: { id: "cache" } }),
      [specPath("shop")]: spec("shop", {
        app: { params: { peer: "${resources.store.host}" } },
        store: { id: "cache" },
      }),
    });
    expect((await platform.sync()).outcome).toBe("settled");
    expect((await platform.resources()).map((it) => it.uid)).toEqual([shared, app]);
    const { host } = (await platform.resource(shared)).outputs;
    expect((await platform.resource(app)).params).toEqual({ peer: host });

    await platform.origin.remove([specPath("blog")]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(shared)).toMatchObject({ phase: "active", workload: "shop" });
    expect((await platform.effects()).filter((it) => it.startsWith("delete"))).toEqual([]);

    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(shared)).toMatchObject({ phase: "deleted" });
    expect(await platform.things()).toEqual([]);
  });

  it("takes a changed workflow for an update, and says that this is why", async () => {
    const platform = await open({ [specPath("shop")]: spec("shop", { db: {} }) });
    await platform.sync();
    const { bundle } = await platform.resource(db);
    const path = "providers/things/update.yaml";
    const before = (await platform.origin.readFile("main", path)) ?? "";
    await platform.origin.commit({ [path]: before.replace("update $name", "polish $name") });
    expect(await platform.planned(db)).toMatchObject({
      operation: "update",
      reason: "BundleChanged",
      changes: [],
    });
    expect((await platform.sync()).outcome).toBe("settled");
    expect((await platform.resource(db)).bundle.hash).not.toBe(bundle.hash);
    expect(await platform.effects()).toContain("polish shop.db begins");
  });

  it("replaces what cannot change in place, once the plan is approved", async () => {
    const platform = await open({ [specPath("shop")]: spec("shop", { db: {} }) });
    await platform.sync();
    await platform.origin.commit({
      [specPath("shop")]: spec("shop", { db: { params: { region: "south" } } }),
    });
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await platform.planned(db)).toMatchObject({
      operation: "replace",
      reason: "ImmutableChanged",
      gate: { kind: "approval" },
    });
    expect(await platform.runs(db)).toHaveLength(1);

    await platform.approve((await platform.plan()).hash);
    await platform.put("hold", "delete-shop.db");
    const replacing = platform.sync();
    await platform.saw("delete shop.db begins");
    // Whoever looks meanwhile lets it go on: another one, for whom nothing is as it was.
    expect(await platform.pass(await platform.replica())).toMatchObject([
      { pass: { queued: 0, plan: { summary: { replace: 1, held: 0 } } } },
    ]);
    await platform.take("hold", "delete-shop.db");
    await replacing;
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(db)).toMatchObject({
      phase: "active",
      revision: 1,
      params: { region: "south" },
    });
    const operations = (await platform.runs(db)).map((it) => it.operation);
    expect(operations).toEqual(["create", "delete", "create"]);
  });

  it("reads environments from the settings, each from its branch", async () => {
    const environments = [
      { name: "production", branch: "main" },
      { name: "staging", branch: "next" },
    ];
    const platform = await open({
      ".innominatus.yaml": settings({}, { environments, status: { branch: "status" } }),
      [specPath("shop")]: spec("shop", { db: {} }),
    });
    await platform.origin.branch("next");
    await platform.origin.commit({ [specPath("blog")]: spec("blog") }, "Add", { branch: "next" });
    const { outcome, environments: synced } = await platform.sync();
    expect(outcome).toBe("settled");
    const seen = synced.map((it) => [it.environment, it.resources.map(({ uid }) => uid)]);
    expect(seen).toEqual([
      ["production", [db]],
      ["staging", ["thing.default#blog.it", db]],
    ]);
    expect(await platform.origin.listFiles("status")).toEqual([
      "README.md",
      "production/shop.yaml",
      "staging/blog.yaml",
      "staging/shop.yaml",
    ]);
  });
});
