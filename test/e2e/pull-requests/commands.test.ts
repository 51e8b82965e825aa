/** What people ask for in comments, what they may, and what a pull request says when something is wrong. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Uid } from "../../../src/model/uid.ts";
import type { Database } from "../../../src/store/database.ts";
import { listEvents } from "../../../src/store/events.ts";
import { openTestDatabase } from "../../support/database.ts";
import { settings, spec, specPath } from "../things.ts";
import { openScene, type Scene, type SceneOptions } from "./scene.ts";

const uid: Uid = "thing.default#shop.db";

let db: Database;
let opened: Scene[] = [];
beforeAll(async () => {
  db = await openTestDatabase("postgres");
}, 60_000);
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
});
afterAll(() => db.close());

async function open(options: SceneOptions = {}): Promise<Scene> {
  const scene = await openScene(db, { kind: "github", ...options });
  opened.push(scene);
  return scene;
}

const shop = { [specPath("shop")]: spec("shop", { db: {} }) };
const always = { ".innominatus.yaml": settings({ approval: "always" }) };
const reactionsTo = ({ forge }: Scene, id: number): readonly string[] =>
  forge.comments.get(id)?.reactions.map((it) => it.content) ?? [];
const factsOf = async ({ platform }: Scene) =>
  (await listEvents(platform.db, platform.scope, { limit: 100 })).map(({ type, actor }) => ({
    type,
    actor,
  }));

describe("a command in a comment", () => {
  it("law 11: approves the plan of its hash before the merge, and no other", async () => {
    const scene = await open({ files: { ...shop, ...always } });
    const { forge, platform } = scene;
    await scene.settle();
    await forge.push("gone", { [specPath("shop")]: null });
    const { number, headCommit } = await forge.open({ title: "Remove it", branch: "gone" });
    await scene.look();
    expect(scene.statuses(headCommit)).toContain("innominatus/deletions: pending");
    const hash = /\/innominatus approve ([0-9a-f]{64})/.exec(scene.comments(number)[0] ?? "")?.[1];
    if (hash === undefined) throw new Error("the comment shows no hash");

    const other = forge.comment(number, "dev", `/innominatus approve ${"0".repeat(64)}`);
    const stranger = forge.comment(number, "reader", `/innominatus approve ${hash}`);
    await scene.look();
    expect(reactionsTo(scene, other.id)).toEqual(["-1"]);
    expect(reactionsTo(scene, stranger.id)).toEqual(["-1"]);
    expect(scene.statuses(headCommit)).toContain("innominatus/deletions: pending");
    expect(scene.comment(number)).toContain(
      "is not the current plan, so that nothing was approved",
    );

    const mine = forge.comment(number, "dev", `/innominatus approve ${hash}`);
    await scene.look();
    await scene.look();
    expect(reactionsTo(scene, mine.id)).toEqual(["+1"]);
    expect(scene.statuses(headCommit)).toContain("innominatus/deletions: success");
    expect(scene.comment(number)).toContain("This very plan has been approved.");
    expect(await factsOf(scene)).toContainEqual({ type: "PlanApproved", actor: "github:dev" });

    await forge.merge(number);
    await scene.settle();
    expect(await platform.things()).toEqual([]);
    expect(scene.comment(number)).toContain("**deleted**");
  });

  it("tries again what has failed, and tells why it had", async () => {
    const scene = await open();
    const { forge, platform } = scene;
    await forge.push("shop", shop);
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    await platform.put("fail", "create-shop.db");
    const merged = await forge.merge(number);
    await scene.settle();
    expect(scene.statuses(merged)).toContain("innominatus/reconcile: failure");
    await expect(scene.comment(number)).toMatchFileSnapshot("testdata/failed.md");

    const why = forge.comment(number, "admin", "/innominatus why shop.db");
    await scene.look();
    expect(reactionsTo(scene, why.id)).toEqual(["+1"]);
    expect(scene.comment(number)).toContain("`admin` asked for `why shop.db`:");
    expect(scene.comment(number)).toContain("decided   create: asked for by this commit");

    await platform.take("fail", "create-shop.db");
    const retry = forge.comment(number, "dev", `/innominatus retry ${uid}`);
    await scene.look();
    expect(reactionsTo(scene, retry.id)).toEqual(["+1"]);
    expect(await factsOf(scene)).toContainEqual({ type: "BlockCleared", actor: "github:dev" });
    await scene.settle();
    expect(scene.comment(number)).toContain("## Merged: 1 of 1 resource done");
    expect(scene.statuses(merged)).toContain("innominatus/reconcile: success");
  });

  it("is answered by one reaction where nobody knows it, and not at all where it is none", async () => {
    const scene = await open();
    const { forge } = scene;
    await forge.push("shop", shop);
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    const before = scene.comments(number);
    const unknown = forge.comment(number, "dev", "/innominatus destroy everything");
    const words = forge.comment(number, "dev", "try `/innominatus plan`, I heard");
    await scene.look();
    await scene.look();
    expect(reactionsTo(scene, unknown.id)).toEqual(["confused"]);
    expect(reactionsTo(scene, words.id)).toEqual([]);
    expect(scene.comments(number)).toEqual(before);
    const help = forge.comment(number, "dev", "/innominatus help");
    await scene.look();
    expect(reactionsTo(scene, help.id)).toEqual(["+1"]);
    expect(scene.comment(number)).toContain("`dev` asked for `help`:");
  });
});

describe("a pull request", () => {
  it("folds to one line when it is closed, and unfolds when it is opened again", async () => {
    const scene = await open();
    const { forge } = scene;
    await forge.push("shop", shop);
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    const plan = scene.comments(number);
    await forge.closePullRequest(number);
    await scene.look();
    expect(scene.comment(number)).toBe(
      "<!-- innominatus:v1 platform default -->\nClosed without a merge: nothing of it was carried out.\n",
    );
    await forge.reopen(number);
    await scene.look();
    expect(scene.comments(number)).toEqual(plan);
  });

  it("shows where the mistakes are, and fails its status", async () => {
    const scene = await open();
    const { forge } = scene;
    const broken = spec("shop", { db: {} }).replace("containers", "contianers");
    const head = await forge.push("shop", { [specPath("shop")]: broken });
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    expect(scene.statuses(head)).toEqual(["innominatus/plan: failure"]);
    await expect(scene.comment(number)).toMatchFileSnapshot("testdata/mistakes.md");
  });

  it("that nobody saw before its merge is found by the commit it brought", async () => {
    const scene = await open();
    const { forge } = scene;
    await forge.push("shop", shop);
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await forge.merge(number, "squash");
    await scene.settle();
    expect(scene.comment(number)).toContain("## Merged: 1 of 1 resource done");
  });

  it("is not needed: a push gets a status, and a comment where the settings say so", async () => {
    const scene = await open({ commitComments: true });
    const { forge } = scene;
    const commit = await forge.push("main", shop);
    await scene.settle();
    expect(scene.statuses(commit)).toEqual(["innominatus/reconcile: success"]);
    const comments = [...forge.comments.values()].filter((it) => it.on.kind === "commit");
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain("thing.default#shop.db");
  });

  describe("is overtaken by a newer push: its status ends", () => {
    const statusOf = ({ forge }: Scene, commit: string) =>
      forge.statusesOf(commit).get("innominatus/reconcile");
    const blog = { [specPath("blog")]: spec("blog", { db: {} }) };
    const failing = async (scene: Scene): Promise<void> => {
      await scene.platform.put("fail", "create-shop.db");
    };

    it("as its own runs do, which go on", async () => {
      const scene = await open();
      const first = await scene.forge.push("main", shop);
      await scene.look();
      expect(statusOf(scene, first)).toMatchObject({ state: "pending" });
      const second = await scene.forge.push("main", blog);
      await scene.look();
      expect(statusOf(scene, first)).toMatchObject({ state: "pending" });
      await scene.settle();
      const done = { state: "success", description: "1 of 1 resource done" };
      expect(statusOf(scene, first)).toMatchObject(done);
      expect(statusOf(scene, second)).toMatchObject(done);
    });

    it("with their failure", async () => {
      const scene = await open();
      await failing(scene);
      const first = await scene.forge.push("main", shop);
      await scene.look();
      await scene.forge.push("main", blog);
      await scene.settle();
      expect(statusOf(scene, first)).toMatchObject({ state: "failure" });
    });

    it("as superseded, where what was left of it is the newer one's", async () => {
      const scene = await open({ files: { ...shop, ...always } });
      const { forge } = scene;
      await scene.settle();
      const first = await forge.push("main", { [specPath("shop")]: null });
      await scene.look();
      expect(statusOf(scene, first)).toMatchObject({ state: "pending" });
      const second = await forge.push("main", { "notes.md": "nothing of ours" });
      await scene.look();
      expect(statusOf(scene, first)).toMatchObject({
        state: "success",
        description: `superseded by ${second.slice(0, 8)}`,
      });
      expect(statusOf(scene, second)).toMatchObject({ state: "pending" });
      // Said once: what is published is the same the next time.
      const posts = () => forge.requests.filter((it) => it.method === "POST").length;
      const before = posts();
      await scene.look();
      expect(posts()).toBe(before);
    });

    it("as superseded, once its queued run has given way to the newer one's", async () => {
      const scene = await open();
      const { forge } = scene;
      const first = await forge.push("main", shop);
      await scene.look();
      const second = await forge.push("main", {
        [specPath("shop")]: spec("shop", { db: { params: { size: "large" } } }),
      });
      await scene.look();
      expect(statusOf(scene, first)).toMatchObject({
        state: "success",
        description: `superseded by ${second.slice(0, 8)}`,
      });
      await scene.settle();
      expect(statusOf(scene, second)).toMatchObject({ state: "success" });
    });
  });

  it("gets a status for each environment that is not the default one", async () => {
    const environments = [{ name: "production", branch: "main" }];
    const scene = await open({ files: { ".innominatus.yaml": settings({}, { environments }) } });
    const { forge } = scene;
    const head = await forge.push("shop", shop);
    await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    expect(scene.statuses(head)).toEqual(["innominatus/plan: production: success"]);
  });

  it("keeps its comment when it is for another branch now", async () => {
    const scene = await open();
    const { forge } = scene;
    await forge.git.branch("next", "main");
    await forge.push("shop", shop);
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    await forge.retarget(number, "next");
    await scene.look();
    expect(scene.comment(number)).toContain("No environment follows the branch `next`");
    await forge.retarget(number, "main");
    await scene.look();
    expect(scene.comment(number)).toContain("## Plan: 1 to create");
  });
});
