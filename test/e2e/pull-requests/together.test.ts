/** What several do at once, and what goes wrong on the way: a pull request has one comment all the same. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ForgeError } from "../../../src/report/forge/forge-error.ts";
import type { Database } from "../../../src/store/database.ts";
import { openTestDatabase } from "../../support/database.ts";
import { spec, specPath } from "../things.ts";
import { Killed, killedAt } from "./killed.ts";
import { openScene, type Scene, type SceneOptions } from "./scene.ts";

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
  const scene = await openScene(db, { kind: "gitea", ...options });
  opened.push(scene);
  return scene;
}

const shop = (size: string) => ({ [specPath("shop")]: spec("shop", { db: { params: { size } } }) });

describe("pull requests", () => {
  it("that touch the same resource: the later plan says so, and is made anew when the first is merged", async () => {
    const scene = await open({ files: shop("small") });
    const { forge } = scene;
    await scene.settle();
    await forge.push("large", shop("large"));
    await forge.push("huge", { [specPath("shop")]: spec("shop", { db: {}, cache: {} }) });
    const first = await forge.open({ title: "Large", branch: "large" });
    const second = await forge.open({ title: "None", branch: "huge" });
    await scene.look();
    expect(scene.comment(first.number)).not.toContain("is touched by");
    expect(scene.comment(second.number)).toContain(
      "`thing.default#shop.db` is touched by #1 too: whichever of the two is merged second is planned anew",
    );
    await forge.merge(first.number);
    await scene.settle();
    expect(scene.comment(second.number)).toContain("No plan: this conflicts with `main`");
    expect(scene.comment(second.number)).toContain("- `apps/shop/score.yaml`");
    expect(scene.statuses(second.headCommit)).toEqual(["innominatus/plan: failure"]);
    await forge.push("huge", shop("huge"));
    await scene.look();
    expect(scene.comments(second.number)).toHaveLength(1);
  });

  it("are planned anew when the branch they are for moves on", async () => {
    const scene = await open();
    const { forge, platform } = scene;
    await forge.push("shop", shop("small"));
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    const before = scene.comments(number)[0];
    await forge.git.commit({ [specPath("blog")]: spec("blog") }, "Ask for another");
    await scene.settle();
    const after = scene.comments(number)[0];
    expect(after).not.toBe(before);
    expect(after).toContain("## Plan: 1 to create, 1 unchanged");
    expect(after).toContain((await platform.origin.tip())?.slice(0, 8));
  });

  it("get one comment, whenever the controller is killed", async () => {
    const scene = await open();
    const { forge, platform } = scene;
    const dyingAgainAndAgain = async (): Promise<number> => {
      let deaths = 0;
      for (const done of [false, true]) {
        for (let after = 0; after < 30; after++) {
          scene.restart(killedAt({ after, done }));
          const outcome = await scene.pass().catch((error: unknown) => error);
          if (!(outcome instanceof Killed)) break;
          deaths += 1;
        }
      }
      scene.restart();
      return deaths;
    };
    await forge.push("shop", shop("small"));
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await platform.pass();
    expect(await dyingAgainAndAgain()).toBeGreaterThan(4);
    await scene.look();
    expect(scene.comment(number)).toContain("## Plan: 1 to create");
    forge.comment(number, "dev", "/innominatus help");
    expect(await dyingAgainAndAgain()).toBeGreaterThan(4);
    await forge.merge(number);
    await platform.pass();
    expect(await dyingAgainAndAgain()).toBeGreaterThan(4);
    await platform.sync();
    await platform.advance(5_000);
    expect(await dyingAgainAndAgain()).toBeGreaterThan(2);
    await scene.look();
    expect(scene.comment(number)).toContain("## Merged: 1 of 1 resource done");
    const ours = forge.statuses.map((it) => `${it.commit} ${it.context} ${it.state}`);
    expect(scene.statuses(forge.pullRequests.get(number)?.mergeCommit ?? "")).toEqual([
      "innominatus/reconcile: success",
    ]);
    expect(new Set(ours).size).toBeGreaterThan(2);
  });

  it("get one comment from two replicas that look at once", async () => {
    const scene = await open();
    const { forge, platform } = scene;
    const other = await scene.another();
    await forge.push("shop", shop("small"));
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await platform.pass();
    await Promise.all([scene.pass(), scene.pass(other), scene.pass(), scene.pass(other)]);
    await scene.look();
    await scene.pass(other);
    expect(scene.comments(number)).toHaveLength(1);
  });

  it("are caught up with after the forge was away, and keep nobody from provisioning", async () => {
    const scene = await open();
    const { forge, platform } = scene;
    await forge.push("shop", shop("small"));
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    forge.away = true;
    await forge.merge(number);
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.things()).toEqual(["shop.db"]);
    await expect(scene.pass()).rejects.toBeInstanceOf(ForgeError);
    forge.away = false;
    await scene.look();
    expect(scene.comment(number)).toContain("## Merged: 1 of 1 resource done");
    expect(scene.comment(number)).toContain("**active**");
  });

  it("publish nothing anew while nothing changes", async () => {
    const scene = await open();
    const { forge } = scene;
    await forge.push("shop", shop("small"));
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    const merged = await forge.push("blog", { [specPath("blog")]: spec("blog") });
    await forge.open({ title: "Ask for another", branch: "blog" });
    await scene.look();
    await forge.merge(number);
    await scene.settle();
    expect(merged).toMatch(/^[0-9a-f]{40}$/);
    scene.restart();
    const before = forge.requests.length;
    await scene.look();
    const writes = forge.requests.slice(before).filter((it) => it.method !== "GET");
    expect(writes).toEqual([]);
  });

  it("heal their comment when somebody edits or removes it", async () => {
    const scene = await open();
    const { forge } = scene;
    await forge.push("shop", shop("small"));
    const { number } = await forge.open({ title: "Ask", branch: "shop" });
    await scene.look();
    const said = scene.comments(number);
    const ours = forge.commentsOf(number)[0];
    if (ours === undefined) throw new Error("there is no comment");
    forge.editComment(ours.id, `${ours.body}\nand a lie`);
    await scene.look();
    expect(scene.comments(number)).toEqual(said);
    forge.deleteComment(ours.id);
    forge.comment(number, "dev", "/innominatus plan");
    await scene.look();
    expect(scene.comments(number)).toEqual(said);
  });
});
