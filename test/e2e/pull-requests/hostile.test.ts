/** Pull requests by strangers: only data to us, whatever is in them (law 8). */
import { ChildProcess } from "node:child_process";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Database } from "../../../src/store/database.ts";
import { openTestDatabase } from "../../support/database.ts";
import type { Files } from "../../support/repository.ts";
import { settings, spec, specPath, thingsProvider } from "../things.ts";
import { openScene, type Scene } from "./scene.ts";

let db: Database;
let scene: Scene | undefined;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
}, 60_000);
afterEach(async () => {
  restore();
  await scene?.close();
  scene = undefined;
});
afterAll(() => db.close());

const spawn: unknown = Reflect.get(ChildProcess.prototype, "spawn");
const restore = (): boolean => Reflect.set(ChildProcess.prototype, "spawn", spawn);

/** Names of the programs that are started from now on. */
function watchPrograms(): ReadonlySet<string> {
  const programs = new Set<string>();
  if (typeof spawn !== "function") throw new Error("Node starts programs in another way now");
  const started = spawn;
  Reflect.set(
    ChildProcess.prototype,
    "spawn",
    function (this: ChildProcess, options: { readonly file: string }) {
      programs.add(options.file);
      const result: unknown = Reflect.apply(started, this, [options]);
      return result;
    },
  );
  return programs;
}

const named = (name: string): string => spec("shop", { db: { params: { size: name } } });

/** By what they try; each is a whole fork's change. */
const hostile: Readonly<Record<string, (root: string) => Files>> = {
  "a provider whose workflows run at once": (root) =>
    Object.fromEntries(
      Object.entries(thingsProvider(root)).map(([path, content]) => [
        path,
        typeof content === "string"
          ? content.replaceAll("set -eu;", `set -eu; touch ${root}/ran;`)
          : content,
      ]),
    ),
  "settings that take every gate away": () => ({
    ".innominatus.yaml": settings({ budget: { count: 1000 }, approval: "never", grace: "0s" }),
    [specPath("shop")]: null,
  }),
  "settings that name other files": () => ({
    ".innominatus.yaml": settings({}, { specs: ["**/*.txt"] }),
  }),
  "mentions, HTML and ends of blocks": () => ({
    [specPath("shop")]: named("@acme/team <img src=x onerror=alert(1)> | ``` \n ### heading"),
  }),
  "a name that is markup": () => ({
    [specPath("x")]: named("a").replace('"shop"', '"<b>@team</b>"'),
  }),
  "an alias bomb": () => ({
    [specPath("bomb")]: ["a: &a [x,x,x,x,x,x,x,x,x]"]
      .concat(
        "bcdefghi"
          .split("")
          .map((it, index) => `${it}: &${it} [${`*${"abcdefgh"[index]},`.repeat(9)}]`),
      )
      .join("\n"),
  }),
  "a file that is too large": () => ({ [specPath("large")]: `#${"x".repeat(2_000_000)}` }),
  "more than anybody reads": () =>
    Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        specPath(`many-${index}`),
        `#${"x".repeat(1_000_000)}`,
      ]),
    ),
  "git's own files": () => ({
    ".gitattributes": "* filter=evil merge=evil diff=evil\n",
    ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c id\n',
    ".git-hooks/post-checkout": { mode: "100755", content: "#!/bin/sh\nid\n" },
  }),
  "links out of the tree": () => ({
    [specPath("shop")]: { mode: "120000", content: "/etc/passwd" },
  }),
  "a secret of somebody else's": () => ({
    [specPath("thief")]: spec("thief", {
      db: { params: { token: "${resources.other.password}" } },
    }),
  }),
};

it.each(Object.keys(hostile))(
  "law 8: %s runs nothing, decides nothing and shouts at nobody",
  async (what) => {
    const files = {
      [specPath("shop")]: named("small"),
      ".innominatus.yaml": settings({ approval: "always" }),
    };
    scene = await openScene(db, { kind: "gitea", files });
    const { forge, platform } = scene;
    await scene.settle();
    const effects = await platform.effects();
    const made = hostile[what]?.(platform.root) ?? {};
    const { number, headCommit } = await forge.openFromFork(
      "mallory",
      made,
      "Be nice <b>@team</b>",
    );
    const programs = watchPrograms();
    await scene.look();
    expect(programs).toEqual(new Set(["git"]));
    expect(await platform.effects()).toEqual(effects);
    expect(await platform.things()).toEqual(["shop.db"]);

    const body = scene.comment(number);
    const prose = body
      .replaceAll(/^(`{3,})[^`\n]*\n[\s\S]*?\n\1$/gm, "")
      .replaceAll(/`[^`\n]*`/g, "");
    expect(prose).not.toMatch(/@(?!&)\w/);
    expect(prose.replaceAll(/<\/?(details|summary|code)>|<!-- .* -->/g, "")).not.toMatch(/<\/?\w/);
    expect(scene.statuses(headCommit).length).toBeGreaterThan(0);
  },
);

it("law 8: takes the policy from the target branch, and says so", async () => {
  const files = {
    [specPath("shop")]: named("small"),
    ".innominatus.yaml": settings({ approval: "always" }),
  };
  scene = await openScene(db, { kind: "gitea", files });
  await scene.settle();
  const made = hostile["settings that take every gate away"]?.("") ?? {};
  const { number, headCommit } = await scene.forge.openFromFork("mallory", made, "Be nice");
  await scene.look();
  expect(scene.comment(number)).toContain("Policy comes from the target branch");
  expect(scene.comment(number)).toContain("held by **approval**");
  expect(scene.statuses(headCommit)).toContain("innominatus/deletions: pending");
});
