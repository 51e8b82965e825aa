/** Laws 2, 3 and 4: what is removed can be deleted, a rename is no removal, and deletions are bounded. */
import { expect, it } from "vitest";
import type { Uid } from "../../src/model/uid.ts";
import type { Files } from "../support/repository.ts";
import type { Platform } from "../support/platform.ts";
import { onEachStore } from "./stores.ts";
import { apps, settings, spec, specPath, thingsProvider } from "./things.ts";

const uidOf = (app: string, type = "thing"): Uid => `${type}.default#${app}.it`;
const hour = 3_600_000;

const without = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((it) => [specPath(it), null]));

const standing = async (platform: Platform): Promise<readonly string[]> =>
  (await platform.things()).map((it) => it.replace(".it", ""));

const gatesOf = async (platform: Platform): Promise<Record<string, string | undefined>> => {
  const { operations } = await platform.plan();
  const acting = operations.filter((it) => it.operation !== "none");
  return Object.fromEntries(acting.map((it) => [it.uid, it.gate?.kind]));
};

onEachStore((open) => {
  it("law 2: a resource is deleted after its provider has left, and the spec with it", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const provider = Object.keys(thingsProvider(platform.root));
    await platform.origin.remove([...provider, specPath("shop")]);
    await platform.origin.commit({ "README.md": "Nothing is left here.\n" });
    expect(await platform.planned(uidOf("shop"))).toMatchObject({
      operation: "delete",
      provider: "things-team@1.0.0",
      gate: null,
    });
    expect((await platform.sync(await platform.replica())).outcome).toBe("settled");
    expect(await platform.things()).toEqual([]);
    expect(await platform.resource(uidOf("shop"))).toMatchObject({ phase: "deleted" });
  });

  it("law 2: a delete uses the bundle it was made with, whatever git has in its place", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    await platform.origin.commit({
      ...thingsProvider(platform.root, { version: "2.0.0", mark: " by 2" }),
      ...without("shop"),
    });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.effects()).toContain("delete shop.it");
    expect(await platform.effects()).not.toContain("delete shop.it by 2");
  });

  it("law 2: a failed delete keeps the record, is retried, and is closed when it succeeded", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    await platform.put("fail", "delete-shop.it");
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("failed");
    const failed = await platform.resource(uidOf("shop"));
    expect(failed).toMatchObject({
      phase: "failed",
      failures: 1,
      outputs: { host: "shop.it.example" },
    });
    expect(failed.secretRefs).not.toEqual({});
    expect(failed.message).toContain("shop.it cannot be deleted");
    expect(await platform.statusFile("default/shop.yaml")).toContain("phase: failed");
    expect((await platform.why(uidOf("shop"))).next).toMatchObject({
      text: "it is tried again",
      at: failed.nextAttemptAt,
    });

    // Without anybody asking: when its time has come, and not before.
    await platform.pass();
    expect((await platform.resource(uidOf("shop"))).failures).toBe(1);
    await platform.advance(2 * hour);
    await platform.take("fail", "delete-shop.it");
    const [again] = await platform.pass();
    expect(again?.pass).toMatchObject({ queued: 1 });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.things()).toEqual([]);
    expect(await platform.resource(uidOf("shop"))).toMatchObject({ phase: "deleted", failures: 0 });
  });

  it("law 2: a delete that leaves the thing behind has failed, as observe says", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    await platform.put("fail", "keep-shop.it");
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("failed");
    const { phase, message } = await platform.resource(uidOf("shop"));
    expect(phase).toBe("failed");
    expect(message).toContain("observe says that it still exists");

    await platform.take("fail", "keep-shop.it");
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(uidOf("shop"))).toMatchObject({ phase: "deleted" });
  });

  it("law 2: what a failed create left is deleted too, and what never began is forgotten", async () => {
    const platform = await open({
      [specPath("shop")]: spec("shop", {
        it: {},
        late: { params: { peer: "${resources.it.host}" } },
      }),
    });
    await platform.put("fail", "create-shop.it");
    await platform.sync();
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.effects()).toEqual([
      "create shop.it begins",
      "delete shop.it begins",
      "delete shop.it",
    ]);
    expect((await platform.resources()).map((it) => [it.uid, it.phase])).toEqual([
      [uidOf("shop"), "deleted"],
    ]);
  });

  it("law 3: a moved file changes nothing at all", async () => {
    const platform = await open({ ...apps("shop"), "apps/a/b.score.yaml": spec("blog") });
    await platform.sync();
    const [runs, log] = [await platform.runs(), await platform.statusLog()];
    await platform.origin.move(specPath("shop"), "apps/front/shop/score.yaml");
    await platform.origin.move("apps/a/b.score.yaml", "elsewhere/blog.score.yaml");
    expect((await platform.plan()).summary).toMatchObject({ none: 2, delete: 0, held: 0 });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.runs()).toEqual(runs);
    expect(await platform.statusLog()).toEqual(log);
    // What was removed where it is now is removed.
    await platform.origin.remove(["elsewhere/blog.score.yaml"]);
    await platform.sync();
    expect(await standing(platform)).toEqual(["shop"]);
  });

  it("law 3: a rename that keeps innominatus.dev/id changes nothing but the name", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const runs = await platform.runs();
    await platform.origin.commit({
      ...without("shop"),
      [specPath("store")]: spec("store", { it: {} }, { "innominatus.dev/id": "shop" }),
    });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.runs()).toEqual(runs);
    expect(await platform.resource(uidOf("shop"))).toMatchObject({
      phase: "active",
      workload: "store",
    });
    expect(await platform.statusFile("default/store.yaml")).toContain(uidOf("shop"));
    expect(await platform.statusFile("default/shop.yaml")).toBeUndefined();
  });

  it("law 3: a rename without it is held on both sides, with the annotation to add", async () => {
    const platform = await open(apps("shop", "blog"));
    await platform.sync();
    await platform.origin.commit({ ...without("shop"), ...apps("store") });
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await gatesOf(platform)).toEqual({
      [uidOf("shop")]: "approval",
      [uidOf("store")]: "approval",
    });
    for (const app of ["shop", "store"]) {
      const { gate } = await platform.why(uidOf(app));
      expect(gate?.message).toContain('add the annotation innominatus.dev/id: "shop"');
    }
    expect(await standing(platform)).toEqual(["blog", "shop"]);

    await platform.origin.commit({
      [specPath("store")]: spec("store", { it: {} }, { "innominatus.dev/id": "shop" }),
    });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await standing(platform)).toEqual(["blog", "shop"]);
    expect(await platform.runs()).toHaveLength(2);
  });

  it("law 3: a rename without it deletes and creates once the plan is approved", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    await platform.origin.commit({ ...without("shop"), ...apps("store") });
    await platform.sync();
    await platform.approve((await platform.plan()).hash);
    await platform.sync();
    expect(await standing(platform)).toEqual(["store"]);
    expect((await platform.sync()).outcome).toBe("settled");
  });

  it("law 4: more deletions than the budget wait together, for the approval of this very plan", async () => {
    const names = ["a1", "a2", "a3", "a4", "a5"];
    const platform = await open(apps(...names));
    await platform.sync();
    await platform.origin.remove(["a1", "a2", "a3", "a4"].map(specPath));
    expect((await platform.sync()).outcome).toBe("failed");
    const budget = "budget";
    expect(await gatesOf(platform)).toEqual({
      [uidOf("a1")]: budget,
      [uidOf("a2")]: budget,
      [uidOf("a3")]: budget,
      [uidOf("a4")]: budget,
    });
    const { gate, next } = await platform.why(uidOf("a1"));
    const { hash } = await platform.plan();
    expect(gate?.message).toContain("4 deletions within the hour are more than the 3");
    expect(next.command).toBe(`innominatus approve ${hash}`);
    expect(await standing(platform)).toEqual(names);

    // Approved a plan that is no longer the plan: it counts for nothing.
    await platform.approve(hash);
    await platform.origin.remove([specPath("a5")]);
    expect((await platform.plan()).hash).not.toBe(hash);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await standing(platform)).toEqual(names);
    await platform.approve(hash.replace(/^./, (it) => (it === "0" ? "1" : "0")));
    expect((await platform.sync()).outcome).toBe("failed");

    await platform.approve((await platform.plan()).hash);
    await platform.sync();
    expect(await standing(platform)).toEqual([]);
    expect((await platform.sync()).outcome).toBe("settled");
  });

  it("law 4: small commits do not slip under the budget, and after an hour it is free again", async () => {
    const platform = await open(apps("a1", "a2", "a3", "a4", "a5"));
    await platform.sync();
    await platform.origin.remove([specPath("a1"), specPath("a2")]);
    expect((await platform.sync()).outcome).toBe("settled");
    await platform.advance(hour / 2);
    await platform.origin.remove([specPath("a3")]);
    expect((await platform.sync()).outcome).toBe("settled");
    await platform.origin.remove([specPath("a4")]);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await gatesOf(platform)).toEqual({ [uidOf("a4")]: "budget" });

    await platform.advance(hour / 2 + 60_000);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await standing(platform)).toEqual(["a5"]);
  });

  it("law 4: the budget is a share of what there is, where that is more", async () => {
    const platform = await open({
      ".innominatus.yaml": settings({ budget: { count: 0, percent: 50 } }),
      ...apps("a1", "a2", "a3", "a4"),
    });
    await platform.sync();
    await platform.origin.remove([specPath("a1"), specPath("a2")]);
    expect((await platform.sync()).outcome).toBe("settled");
    await platform.origin.remove([specPath("a3")]);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await standing(platform)).toEqual(["a3", "a4"]);
  });

  it("law 4: where deletions always need an approval, one does", async () => {
    const platform = await open({
      ".innominatus.yaml": settings({ approval: "always" }),
      ...apps("shop"),
    });
    await platform.sync();
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await gatesOf(platform)).toEqual({ [uidOf("shop")]: "approval" });
    await platform.approve((await platform.plan()).hash);
    expect((await platform.sync()).outcome).toBe("settled");
  });

  it("law 4: what is stateful waits out its grace, and a revert within it cancels", async () => {
    const keepsake = { it: { type: "keepsake" } };
    const uid = uidOf("shop", "keepsake");
    const platform = await open({ ...apps("blog"), [specPath("shop")]: spec("shop", keepsake) });
    await platform.sync();
    const removed = await platform.origin.remove([specPath("shop"), specPath("blog")]);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await standing(platform)).toEqual(["shop"]);
    expect(await gatesOf(platform)).toEqual({ [uid]: "grace" });
    const { gate, deleteAfter, removal } = await platform.resource(uid);
    expect(gate?.until).toBe(deleteAfter);
    expect(removal).toMatchObject({ commit: removed });
    expect((await platform.why(uid)).next.at).toBe(deleteAfter);

    await platform.advance(20 * hour);
    await platform.origin.commit({ [specPath("shop")]: spec("shop", keepsake) });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.resource(uid)).toMatchObject({
      phase: "active",
      gate: null,
      removal: null,
      deleteAfter: null,
    });
    expect(await platform.runs(uid)).toHaveLength(1);

    await platform.origin.remove([specPath("shop")]);
    await platform.sync();
    await platform.advance(20 * hour);
    await platform.origin.commit({ "README.md": "Another commit does not begin it again.\n" });
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await standing(platform)).toEqual(["shop"]);
    await platform.advance(4 * hour);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await standing(platform)).toEqual([]);
  });

  it("law 4: an approval shortens no grace", async () => {
    const platform = await open({
      ".innominatus.yaml": settings({ approval: "always", grace: "1h" }),
      ...apps("shop"),
    });
    await platform.sync();
    await platform.origin.remove([specPath("shop")]);
    await platform.sync();
    await platform.approve((await platform.plan()).hash);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await standing(platform)).toEqual(["shop"]);
    await platform.advance(hour + 1_000);
    expect((await platform.sync()).outcome).toBe("settled");
  });

  it("law 4: what is protected is deleted by two commits, and never by one", async () => {
    const annotations = { "innominatus.dev/protect": "true" };
    const platform = await open({ [specPath("shop")]: spec("shop", { it: {} }, annotations) });
    await platform.sync();
    const removed = await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("failed");
    expect((await platform.why(uidOf("shop"))).gate?.message).toContain("it is protected");
    await platform.approve((await platform.plan()).hash);
    expect((await platform.sync()).outcome).toBe("failed");
    expect(await standing(platform)).toEqual(["shop"]);

    await platform.origin.revert(removed);
    expect((await platform.sync()).outcome).toBe("settled");
    await platform.origin.commit(apps("shop"));
    expect((await platform.sync()).outcome).toBe("settled");
    await platform.origin.remove([specPath("shop")]);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await standing(platform)).toEqual([]);
    expect(await platform.runs(uidOf("shop"))).toHaveLength(2);
  });

  it("law 4: lifting the protection and removing the spec between two looks is still two commits", async () => {
    const annotations = { "innominatus.dev/protect": "true" };
    const platform = await open({ [specPath("shop")]: spec("shop", { it: {} }, annotations) });
    await platform.sync();
    await platform.origin.commit(apps("shop"));
    await platform.origin.remove([specPath("shop")]);
    await platform.sync();
    // The controller never saw it lifted: what it remembers holds.
    expect(await standing(platform)).toEqual(["shop"]);
  });

  it("holds what is annotated so, and goes on when the annotation is gone", async () => {
    const hold = { "innominatus.dev/hold": "true" };
    const platform = await open(apps("shop"));
    await platform.sync();
    const large = { it: { params: { size: "large" } } };
    await platform.origin.commit({ [specPath("shop")]: spec("shop", large, hold) });
    expect((await platform.sync()).outcome).toBe("failed");
    expect((await platform.why(uidOf("shop"))).gate?.message).toContain("innominatus.dev/hold");
    await platform.origin.commit({ [specPath("shop")]: spec("shop", large) });
    expect((await platform.sync()).outcome).toBe("settled");
    expect((await platform.resource(uidOf("shop"))).outputs).toMatchObject({ size: "large" });
  });
});
