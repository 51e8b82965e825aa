import { chown, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrigin, type Origin } from "../../test/support/repository.ts";
import { FetchError } from "./fetch-error.ts";
import { openMirror, type Mirror, type MirrorOptions } from "./mirror.ts";

const { signal } = new AbortController();
const unknown = "0123456789012345678901234567890123456789";

let folder: string;
let origin: Origin;
let opened: Mirror[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-mirror-"));
  origin = await createOrigin({ "apps/shop/score.yaml": "shop\n", "README.md": "hello\n" });
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((it) => it.close()));
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<MirrorOptions> = {}): Promise<Mirror> {
  const directory = join(folder, "mirror");
  const mirror = await openMirror({ url: origin.url, directory, ...options }, signal);
  opened.push(mirror);
  return mirror;
}

async function tipOf(mirror: Mirror, ref = "main"): Promise<string> {
  const commit = await mirror.resolve(ref);
  if (commit === undefined) throw new Error(`${ref} is not in the mirror`);
  return commit;
}

async function chownAll(path: string, user: number): Promise<void> {
  for (const name of await readdir(path, { recursive: true }))
    await chown(join(path, name), user, user);
  await chown(path, user, user);
}

const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof FetchError ? error.reason : error),
  );

describe("a branch that was pushed", () => {
  it("is taken back, unless somebody has put something on it since", async () => {
    const mirror = await open();
    const commit = await tipOf(mirror);
    expect(await mirror.push("ours", commit, undefined, signal)).toBe("pushed");
    await mirror.removeBranch("ours", commit, signal);
    expect(await origin.tip("ours")).toBeUndefined();
    expect(await mirror.resolve("ours")).toBeUndefined();

    expect(await mirror.push("ours", commit, undefined, signal)).toBe("pushed");
    const theirs = await origin.commit({ "more.md": "more\n" });
    await origin.branch("ours", theirs);
    await expect(mirror.removeBranch("ours", commit, signal)).rejects.toThrow(FetchError);
    expect(await origin.tip("ours")).toBe(theirs);
  });
});

describe("a mirror", () => {
  it("holds what the remote has", async () => {
    await origin.branch("team/a", "main");
    await origin.tag("v1", "main");
    const mirror = await open();
    const tip = await origin.tip();
    expect(await mirror.defaultBranch()).toBe("main");
    for (const ref of ["main", "team/a", "v1", "refs/heads/main", "refs/tags/v1", tip ?? ""]) {
      expect([ref, await mirror.resolve(ref)]).toEqual([ref, tip]);
    }
    for (const ref of ["missing", unknown, "main~1", "--all", ""]) {
      expect([ref, await mirror.resolve(ref)]).toEqual([ref, undefined]);
    }
  });

  it("says whether a fetch found anything new", async () => {
    const mirror = await open();
    expect(await mirror.fetch(signal)).toEqual({ changed: false, recloned: false });
    const commit = await origin.commit({ "README.md": "hello again\n" });
    expect(await mirror.fetch(signal)).toEqual({ changed: true, recloned: false });
    expect(await mirror.resolve("main")).toBe(commit);
    expect(await mirror.fetch(signal)).toEqual({ changed: false, recloned: false });
  });

  it("forgets what the remote deleted, and follows its default branch", async () => {
    await origin.branch("next", "main");
    const mirror = await open();
    await origin.setDefaultBranch("next");
    await origin.deleteBranch("main");
    expect(await mirror.fetch(signal)).toMatchObject({ changed: true });
    expect(await mirror.defaultBranch()).toBe("next");
    expect(await mirror.resolve("main")).toBeUndefined();
  });

  it("takes a repository without commits, and its first commit", async () => {
    const empty = await createOrigin();
    try {
      const mirror = await open({ url: empty.url });
      expect(await mirror.defaultBranch()).toBeUndefined();
      expect(await mirror.resolve("main")).toBeUndefined();
      const commit = await empty.commit({ a: "1" });
      expect(await mirror.fetch(signal)).toMatchObject({ changed: true });
      expect([await mirror.defaultBranch(), await mirror.resolve("main")]).toEqual([
        "main",
        commit,
      ]);
    } finally {
      await empty.close();
    }
  });

  it("is opened again without asking the remote", async () => {
    const first = await open();
    const tip = await tipOf(first);
    await first.close();
    await origin.close();
    const again = await open();
    expect([await again.defaultBranch(), await again.resolve("main")]).toEqual(["main", tip]);
    expect(again.recloned).toBe(false);
    expect(await reasonOf(again.fetch(signal))).toBe("NotARepository");
    expect((await again.snapshot(tip, signal)).entries.size).toBe(2);
  });

  it("takes a shallow clone for what it is: what it lacks proves nothing", async () => {
    const first = (await origin.tip()) ?? "";
    await origin.commit({ a: "1" });
    const second = (await origin.tip()) ?? "";
    const shallow = join(folder, "shallow");
    await origin.git(["clone", "--quiet", "--depth=1", `file://${origin.url}`, shallow]);
    const mirror = await open({ url: shallow });
    expect(await mirror.resolve("main")).toBe(second);
    expect((await mirror.snapshot(second, signal)).entries.size).toBe(3);
    expect(await mirror.isAncestor(first, second)).toBe(false);
    expect(await mirror.fetch(signal)).toEqual({ changed: false, recloned: false });
  });

  it("mirrors a work tree, and what its HEAD is on", async () => {
    const clone = join(folder, "clone");
    await origin.git(["clone", "--quiet", origin.url, clone]);
    await origin.git(["--git-dir", join(clone, ".git"), "switch", "--quiet", "-c", "topic"]);
    const mirror = await open({ url: clone });
    expect(await mirror.defaultBranch()).toBe("topic");
    expect(await mirror.resolve("origin/main")).toBeUndefined();
  });

  it.runIf(process.getuid?.() === 0)("reads a local repository of another user", async () => {
    await chownAll(origin.url, 65_534);
    expect(await (await open()).defaultBranch()).toBe("main");
    const link = join(folder, "link");
    await symlink(origin.url, link);
    const linked = await open({ url: link, directory: join(folder, "other") });
    expect(await linked.defaultBranch()).toBe("main");
  });

  it("mirrors pull requests' heads when asked to", async () => {
    const commit = await origin.commit({ a: "1" }, "Propose", { branch: "topic" });
    await origin.git(["update-ref", "refs/pull/7/head", commit]);
    await origin.deleteBranch("topic");
    const mirror = await open({ pullRequests: true });
    expect(await mirror.resolve("refs/pull/7/head")).toBe(commit);
    expect(
      await (await open({ directory: join(folder, "other") })).resolve(commit),
    ).toBeUndefined();
  });
});

describe("history", () => {
  it("law 1: a force-push breaks it, and kept commits stay readable", async () => {
    const mirror = await open();
    const before = await tipOf(mirror);
    const next = await origin.commit({ b: "2" });
    await mirror.fetch(signal);
    expect(await mirror.isAncestor(before, next)).toBe(true);
    expect(await mirror.isAncestor(next, next)).toBe(true);
    expect(await mirror.isAncestor(next, before)).toBe(false);
    expect(await mirror.isAncestor(unknown, next)).toBe(false);
    expect(await mirror.isAncestor(next, unknown)).toBe(false);

    expect(await reasonOf(mirror.changedPaths(unknown, next))).toBe("UnknownCommit");
    expect(await reasonOf(mirror.snapshot(unknown, signal))).toBe("UnknownCommit");
    expect(await mirror.fetch(signal)).toEqual({ changed: false, recloned: false });

    await mirror.keep(next);
    const rewritten = await origin.rewrite({ a: "1" });
    await mirror.fetch(signal);
    expect(await mirror.isAncestor(next, rewritten)).toBe(false);
    await origin.git(["--git-dir", mirror.gitdir, "gc", "--quiet", "--prune=now"]);
    expect((await mirror.snapshot(next, signal)).entries.has("b")).toBe(true);
    expect(await mirror.isAncestor(before, next)).toBe(true);

    await mirror.release(next);
    await origin.git(["--git-dir", mirror.gitdir, "gc", "--quiet", "--prune=now"]);
    expect(await mirror.isAncestor(before, next)).toBe(false);
  });

  it("tells which paths differ between two commits", async () => {
    const mirror = await open();
    const before = await tipOf(mirror);
    const after = await origin.commit({
      "README.md": "new\n",
      "a b/ü.yaml": "1",
      "apps/shop/score.yaml": null,
    });
    await mirror.fetch(signal);
    const changes = await mirror.changedPaths(before, after);
    expect(changes.map((it) => [it.path, it.from !== undefined, it.to !== undefined])).toEqual([
      ["README.md", true, true],
      ["a b/ü.yaml", false, true],
      ["apps/shop/score.yaml", true, false],
    ]);
    expect(await mirror.changedPaths(after, after)).toEqual([]);
  });
});
