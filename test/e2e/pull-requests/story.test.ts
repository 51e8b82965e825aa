/** A pull request's whole life, on every forge and with every way to merge: one comment tells all of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ForgeKind } from "../../../src/report/forge/forge.ts";
import type { Database } from "../../../src/store/database.ts";
import { openTestDatabase } from "../../support/database.ts";
import { spec, specPath } from "../things.ts";
import { openScene } from "./scene.ts";

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
}, 60_000);
afterAll(() => db.close());

const kinds: readonly ForgeKind[] = ["github", "gitea", "gitlab"];
const stories = kinds.flatMap((kind) =>
  (["merge", "squash", "rebase"] as const).map((method) => ({ kind, method })),
);

describe("a pull request's one comment", () => {
  it.each(stories)("tells its life on $kind, merged by $method", async ({ kind, method }) => {
    const scene = await openScene(db, { kind });
    const { forge, platform } = scene;
    const told: string[] = [];
    const tell = (what: string, number: number): void => {
      told.push(`<!-- ${what} -->\n\n${scene.comment(number)}`);
    };

    const asked = await forge.push("shop", { [specPath("shop")]: spec("shop", { db: {} }) });
    const { number } = await forge.open({ title: "Ask for a database", branch: "shop" });
    await scene.look();
    tell("opened", number);
    expect(scene.statuses(asked)).toEqual(["innominatus/plan: success"]);

    const larger = { params: { size: "large" } };
    const files = { [specPath("shop")]: spec("shop", { db: larger, cache: {} }) };
    const pushed = await forge.push("shop", files, "Larger");
    await scene.look();
    tell("pushed again", number);
    expect(scene.statuses(pushed)).toEqual(["innominatus/plan: success"]);

    await platform.put("hold", "create-shop.db");
    const merged = await forge.merge(number, method);
    await scene.look();
    tell("merged", number);
    expect(scene.statuses(merged)).toContain("innominatus/reconcile: pending");
    await platform.take("hold", "create-shop.db");
    await scene.settle();
    tell("active", number);
    expect(scene.statuses(merged)).toContain("innominatus/reconcile: success");
    expect(await platform.things()).toEqual(["shop.cache", "shop.db"]);

    await forge.push("small", { [specPath("shop")]: spec("shop", { db: {}, cache: {} }) });
    const change = await forge.open({ title: "Make it small", branch: "small" });
    await scene.look();
    tell("a change is opened", change.number);
    await forge.merge(change.number, method);
    await scene.settle();
    tell("the change is active", change.number);

    const undoing = await forge.revert(change.number);
    await scene.look();
    tell("its revert is opened", undoing.number);
    await forge.merge(undoing.number, method);
    await scene.settle();
    tell("the change is reverted", change.number);

    const removal = await forge.revert(number);
    await scene.look();
    tell("the revert of the first is opened", removal.number);
    expect(scene.statuses(removal.headCommit)).toEqual([
      "innominatus/deletions: success",
      "innominatus/plan: success",
    ]);
    await forge.merge(removal.number, method);
    await scene.settle();
    tell("deleted", removal.number);
    tell("the first is undone", number);
    expect(await platform.things()).toEqual([]);

    await expect(`${told.join("\n")}\n`).toMatchFileSnapshot(`testdata/story-${kind}.md`);
    await scene.close();
  });
});
