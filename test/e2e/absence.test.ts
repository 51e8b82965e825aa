/** Law 1: absence is not intent. Every way that a spec can go missing without having been removed. */
import { rename } from "node:fs/promises";
import { expect, it } from "vitest";
import { FetchError } from "../../src/source/fetch-error.ts";
import type { Gate } from "../../src/model/plan.ts";
import type { Uid } from "../../src/model/uid.ts";
import type { Platform } from "../support/platform.ts";
import { onEachStore } from "./stores.ts";
import { apps, settings, spec, specPath, thingsProvider } from "./things.ts";

const uidOf = (app: string): Uid => `thing.default#${app}.it`;

/** It is there, nothing began to delete it, and the plan, `why` and the status branch say the same. */
async function expectHeld(
  platform: Platform,
  app: string,
  kind: Gate["kind"],
  says: string,
): Promise<void> {
  const uid = uidOf(app);
  const message: unknown = expect.stringContaining(says);
  expect(await platform.planned(uid)).toMatchObject({ uid, gate: { kind, message } });
  expect((await platform.why(uid)).gate).toMatchObject({ kind, message });
  expect((await platform.resource(uid)).phase).toBe("active");
  expect(await platform.statusFile(`default/${app}.yaml`)).toContain(says);
  expect(await platform.statusFile("README.md")).toContain("### Held and failed");
  expect(await platform.things()).toContain(`${app}.it`);
  const runs = await platform.runs(uid);
  expect(runs.filter((it) => it.operation === "delete")).toEqual([]);
}

async function expectDeleted(platform: Platform, ...names: readonly string[]): Promise<void> {
  for (const app of names) {
    expect(await platform.resource(uidOf(app))).toMatchObject({ phase: "deleted" });
    expect(await platform.things()).not.toContain(`${app}.it`);
  }
}

onEachStore((open) => {
  it("law 1: a spec that stops parsing deletes nothing, and creations elsewhere go on", async () => {
    const platform = await open(apps("shop", "old"));
    await platform.sync();
    await platform.origin.commit({
      [specPath("shop")]: "apiVersion: score.dev/v1b1\nmetadata: {name: shop\n",
      [specPath("old")]: null,
      ...apps("blog"),
    });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "problem", "apps/shop/score.yaml cannot be read");
    await expectHeld(platform, "old", "problem", "apps/shop/score.yaml cannot be read");
    expect(await platform.resource(uidOf("blog"))).toMatchObject({ phase: "active" });

    await platform.origin.commit(apps("shop"));
    expect((await platform.sync()).outcome).toBe("settled");
    await expectDeleted(platform, "old");
    expect(await platform.resource(uidOf("shop"))).toMatchObject({ phase: "active", revision: 1 });
  });

  it.each([
    ["is empty", "yaml/empty", ""],
    ["holds a comment", "yaml/empty", "# see elsewhere\n"],
    ["holds something else", "repository/spec-gone", "kind: ConfigMap\napiVersion: v1\n"],
  ])("law 1: a file that held a spec and now %s deletes nothing", async (_, code, content) => {
    const platform = await open(apps("shop", "old"));
    await platform.sync();
    await platform.origin.commit({ [specPath("shop")]: content, [specPath("old")]: null });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "problem", "apps/shop/score.yaml cannot be read");
    await expectHeld(platform, "old", "problem", "apps/shop/score.yaml cannot be read");
    expect((await platform.plan()).problems).toMatchObject([
      { file: "apps/shop/score.yaml", code, severity: "error" },
    ]);
    // A restarted controller concludes nothing else.
    await platform.sync(await platform.replica());
    await expectHeld(platform, "shop", "problem", "apps/shop/score.yaml cannot be read");

    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("settled");
    await expectDeleted(platform, "shop", "old");
  });

  it("law 1: a document taken out of a file is a removal, one that became something else is not", async () => {
    const [shop, blog] = [spec("shop"), spec("blog")];
    const platform = await open({ [specPath("all")]: `${shop}---\n${blog}` });
    await platform.sync();
    await platform.origin.commit({
      [specPath("all")]: `${shop}---\n${blog.replace("score.dev", "score.example")}`,
    });
    await platform.sync();
    expect(await platform.things()).toEqual(["blog.it", "shop.it"]);

    await platform.origin.commit({ [specPath("all")]: shop });
    expect((await platform.sync()).outcome).toBe("settled");
    await expectDeleted(platform, "blog");
  });

  it("law 1: a provider that disappears or breaks deletes nothing, and says what is missing", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const files = thingsProvider(platform.root);
    const gone = Object.fromEntries(Object.keys(files).map((it) => [it, null]));
    await platform.origin.commit({ ...gone, ...apps("blog") });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "problem", "thing");
    expect(await platform.planned(uidOf("blog"))).toMatchObject({
      operation: "create",
      gate: { kind: "problem" },
    });

    await platform.origin.commit({ ...files, "providers/things/provider.yaml": "apiVersion: {" });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "problem", "thing");

    await platform.origin.commit(files);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.things()).toEqual(["blog.it", "shop.it"]);
    expect(await platform.runs(uidOf("shop"))).toHaveLength(1);
  });

  it("law 1: settings that cannot be read delete nothing, and the last ones stay in force", async () => {
    const environments = [{ name: "production", branch: "main" }];
    const good = settings(
      {},
      { environments, specs: ["specs/*.yaml"], status: { branch: "status" } },
    );
    const platform = await open({
      ".innominatus.yaml": good,
      "specs/shop.yaml": spec("shop"),
      "specs/old.yaml": spec("old"),
    });
    await platform.sync();
    await platform.origin.commit({
      ".innominatus.yaml": "specs: {",
      "specs/old.yaml": null,
      "specs/blog.yaml": spec("blog"),
    });
    for (const replica of [undefined, await platform.replica()]) {
      const { outcome, environments: seen } = await platform.sync(replica);
      expect(outcome).toBe("failed");
      expect(seen.map((it) => it.environment)).toEqual(["production"]);
      const held = seen[0]?.plan?.operations.filter((it) => it.gate !== null);
      const message = ".innominatus.yaml cannot be read, and might hold the spec";
      expect(held).toMatchObject([{ uid: uidOf("old"), operation: "none", gate: { message } }]);
    }
    expect(await platform.things()).toEqual(["blog.it", "old.it", "shop.it"]);
    expect(await platform.origin.tip("innominatus/status")).toBeUndefined();

    await platform.origin.commit({ ".innominatus.yaml": good });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.things()).toEqual(["blog.it", "shop.it"]);
  });

  it("law 1: settings that could never be read let nothing begin", async () => {
    const platform = await open({ ...apps("shop"), ".innominatus.yaml": "environments: [" });
    const { outcome, environments } = await platform.sync();
    expect(outcome).toBe("failed");
    expect(environments).toMatchObject([{ stalled: expect.stringContaining(".innominatus.yaml") }]);
    expect(await platform.things()).toEqual([]);
  });

  it("law 1: globs that no longer select a spec delete nothing", async () => {
    const platform = await open(apps("shop", "old"));
    await platform.sync();
    await platform.origin.commit({
      ".innominatus.yaml": settings({}, { specs: ["specs/*.yaml"] }),
    });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "history", "apps/shop/score.yaml is still in the tree");

    await platform.origin.remove([specPath("old")]);
    expect((await platform.sync()).outcome).toBe("failed");
    await expectDeleted(platform, "old");
    await expectHeld(platform, "shop", "history", "apps/shop/score.yaml is still in the tree");

    await platform.origin.remove([".innominatus.yaml"]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.runs(uidOf("shop"))).toHaveLength(1);
  });

  it("law 1: an environment that the settings no longer name keeps its resources, and says so", async () => {
    const environments = [
      { name: "production", branch: "main" },
      { name: "staging", branch: "next" },
    ];
    const platform = await open({
      ...apps("shop"),
      ".innominatus.yaml": settings({}, { environments }),
    });
    await platform.origin.branch("next");
    await platform.sync();
    const before = await platform.statusFile("staging/shop.yaml");
    await platform.origin.commit({
      ".innominatus.yaml": settings({}, { environments: environments.slice(0, 1) }),
    });
    for (const replica of [undefined, await platform.replica()]) {
      const { outcome, environments: seen } = await platform.sync(replica);
      expect(outcome).toBe("failed");
      expect(seen).toMatchObject([
        { environment: "production" },
        { environment: "staging", stalled: expect.stringContaining("no longer names") },
      ]);
      expect(await platform.statusFile("README.md")).toContain("## staging");
    }
    expect(await platform.statusFile("staging/shop.yaml")).toBe(before);
    expect(await platform.effects()).not.toContain("delete shop.it");
  });

  it("law 1: an emptied repository deletes nothing", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const emptied = await platform.origin.commit(() => ({}), "Remove everything");
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "history", "the tree is empty");
    await platform.sync(await platform.replica());
    await expectHeld(platform, "shop", "history", "the tree is empty");

    await platform.origin.revert(emptied);
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("settled");
    await expectDeleted(platform, "shop");
  });

  it("law 1: a force-push deletes nothing, until a commit on the new history removes the spec", async () => {
    const platform = await open(apps("shop", "blog"));
    await platform.sync();
    const files = thingsProvider(platform.root);
    await platform.origin.rewrite({ ...files, ...apps("blog", "new") });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "history", "rewritten");
    expect(await platform.things()).toEqual(["blog.it", "new.it", "shop.it"]);
    expect(await platform.runs(uidOf("blog"))).toHaveLength(1);

    await platform.origin.commit({ "README.md": "Hello\n" });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "shop", "history", "rewritten");

    await platform.origin.commit(apps("shop"));
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.runs(uidOf("shop"))).toHaveLength(1);
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("settled");
    await expectDeleted(platform, "shop");
  });

  it("law 1: a force-push takes back what a removal under grace had proven", async () => {
    const platform = await open({
      ".innominatus.yaml": settings({ grace: "1h" }),
      ...apps("shop"),
    });
    await platform.sync();
    const start = await platform.origin.tip();
    await platform.origin.remove([specPath("shop")]);
    await platform.sync();
    await expectHeld(platform, "shop", "grace", "grace period");
    await platform.origin.rewrite(thingsProvider(platform.root));
    expect(await platform.origin.tip()).not.toBe(start);
    await platform.sync();
    await platform.advance(2 * 3_600_000);
    await platform.sync();
    await expectHeld(platform, "shop", "history", "rewritten");
  });

  it("law 1: a force-push over a commit that was read but in part deletes nothing it asked for", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const start = await platform.origin.tip();
    await platform.origin.commit({ ...apps("blog"), [specPath("bad")]: "{" });
    await platform.sync();
    expect(await platform.things()).toEqual(["blog.it", "shop.it"]);

    await platform.origin.branch("main", start);
    await platform.origin.commit({ "README.md": "Another line of history.\n" });
    expect((await platform.sync()).outcome).toBe("failed");
    await expectHeld(platform, "blog", "history", "rewritten");
    await platform.origin.commit({ "README.md": "It goes on.\n" });
    await platform.sync();
    await expectHeld(platform, "blog", "history", "rewritten");
  });

  it("law 1: a removal counts, and a force-push does not, also while no tree was ever whole", async () => {
    const bad = { [specPath("bad")]: "{" };
    const platform = await open({ ...apps("shop", "blog"), ...bad });
    await platform.sync();
    expect(await platform.things()).toEqual(["blog.it", "shop.it"]);
    await platform.origin.remove([specPath("bad"), specPath("shop")]);
    await platform.sync();
    expect(await platform.things()).toEqual(["blog.it"]);

    const other = await open({ ...apps("shop", "blog"), ...bad });
    await other.sync();
    await other.origin.rewrite({ ...thingsProvider(other.root), ...apps("blog") });
    await other.sync();
    await other.origin.commit({ "README.md": "It goes on.\n" });
    await other.sync();
    await expectHeld(other, "shop", "history", "rewritten");
  });

  it("law 1: a missing branch deletes nothing, and is told of until it is back", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const tip = await platform.origin.tip();
    await platform.origin.deleteBranch("main");
    const { outcome, environments } = await platform.sync();
    expect(outcome).toBe("failed");
    expect(environments).toMatchObject([
      { environment: "default", stalled: expect.stringContaining("main is not there") },
    ]);
    expect(await platform.environment()).toMatchObject({ reason: "BranchMissing" });
    await platform.sync(await platform.replica());
    expect(await platform.environment()).toMatchObject({ reason: "BranchMissing" });
    expect(await platform.things()).toEqual(["shop.it"]);

    await platform.origin.branch("main", tip);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.environment()).toMatchObject({ reason: "Planned", message: "" });
    expect(await platform.runs()).toHaveLength(1);
  });

  it("law 1: an unreachable remote deletes nothing, and is told of until it is back", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const restarted = await platform.replica();
    await platform.origin.remove([specPath("shop")]);
    const away = `${platform.origin.url}.away`;
    await rename(platform.origin.url, away);
    // Neither by who has seen the environment before, nor by who has just been started.
    for (const replica of [undefined, restarted]) {
      await platform.db.query(`update environments set reason = 'Planned', message = ''`);
      await expect(platform.sync(replica)).rejects.toThrow(FetchError);
      const { reason, message } = await platform.environment();
      expect(reason).toBe("NotARepository");
      expect(message).toContain("does not appear to be a git repository");
      expect(await platform.things()).toEqual(["shop.it"]);
    }
    await rename(away, platform.origin.url);
    expect((await platform.sync()).outcome).toBe("settled");
    await expectDeleted(platform, "shop");
    expect(await platform.environment()).toMatchObject({ reason: "Planned", message: "" });
  });

  it("law 1: what an unreachable remote was told of is taken back, though nothing has changed", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const away = `${platform.origin.url}.away`;
    await rename(platform.origin.url, away);
    await expect(platform.sync()).rejects.toThrow(FetchError);
    await rename(away, platform.origin.url);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.environment()).toMatchObject({ reason: "Planned", message: "" });
  });
});
