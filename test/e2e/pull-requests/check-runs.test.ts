/** As a GitHub App the controller says problems where the lines are, too: in a check run. */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Database } from "../../../src/store/database.ts";
import { openTestDatabase } from "../../support/database.ts";
import { forbidden } from "../../support/forge/faults.ts";
import { spec, specPath } from "../things.ts";
import { openScene, type Scene } from "./scene.ts";

const appKey = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
}).privateKey;

let db: Database;
let scene: Scene | undefined;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
}, 60_000);
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});
afterAll(() => db.close());

const fine = { [specPath("shop")]: spec("shop", { db: {} }) };
const unserved = {
  [specPath("shop")]: spec("shop", { db: {} }).replace('"thing"', '"thnig"'),
};

it("has the problems of a plan at their lines, and says when they are mended", async () => {
  scene = await openScene(db, { appKey });
  const { forge } = scene;
  const broken = await forge.push("shop", unserved);
  await forge.open({ title: "Ask for a database", branch: "shop" });
  await scene.look();
  expect(forge.checkRuns).toMatchObject([
    { commit: broken, name: "innominatus/plan", conclusion: "failure" },
  ]);
  const line = unserved[specPath("shop")]?.split("\n").findIndex((it) => it.includes("thnig")) ?? 0;
  expect(forge.checkRuns[0]?.annotations).toMatchObject([
    {
      path: specPath("shop"),
      start_line: line + 1,
      annotation_level: "failure",
      message: expect.stringContaining("did you mean `thing`?"),
    },
  ]);

  const mended = await forge.push("shop", fine, "Mend the type");
  await scene.look();
  await scene.look();
  expect(forge.checkRuns.map(({ commit, conclusion }) => [commit, conclusion])).toEqual([
    [broken, "failure"],
    [mended, "success"],
  ]);
  expect(forge.checkRuns[1]).toMatchObject({ title: "Plan: 1 to create", annotations: [] });
});

it("is done without where the App may not make them", async () => {
  scene = await openScene(db, { appKey });
  const { forge } = scene;
  forge.faults.push(forbidden("checks=write", ({ path }) => path.endsWith("/check-runs")));
  const asked = await forge.push("shop", fine);
  const { number } = await forge.open({ title: "Ask for a database", branch: "shop" });
  await scene.look();
  expect(forge.checkRuns).toEqual([]);
  expect(scene.statuses(asked)).toEqual(["innominatus/plan: success"]);
  expect(scene.comment(number)).toContain("Plan: 1 to create");
});
