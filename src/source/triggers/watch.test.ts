import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrigin, type Origin } from "../../../test/support/repository.ts";
import { refPaths, watchTrigger, type Watch } from "./watch.ts";

let folder: string;
let origin: Origin;
let stop: AbortController;
let watching: Watch | undefined;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "innominatus-watch-")));
  origin = await createOrigin({ a: "1" });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await watching?.stopped;
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

/** Counts hints; `next` resolves with the next one. */
async function start(paths: readonly string[], debounceMs = 5) {
  let hints = 0;
  let told: () => void = () => undefined;
  const onChange = () => {
    hints += 1;
    told();
  };
  watching = watchTrigger({ paths, debounceMs, signal: stop.signal, onChange });
  await watching.ready;
  return {
    count: () => hints,
    next: () =>
      new Promise<void>((resolve) => {
        told = resolve;
      }),
  };
}

describe("watchTrigger", () => {
  it("tells of a commit, a new branch, and refs being packed", async () => {
    await origin.branch("x/y");
    const hints = await start(await refPaths(origin.url));
    for (const act of [
      () => origin.commit({ a: "2" }),
      () => origin.branch("team/next"),
      () => origin.git(["pack-refs", "--all"]),
      () => origin.deleteBranch("x/y"),
      () => origin.setDefaultBranch("team/next"),
    ]) {
      const next = hints.next();
      await act();
      await next;
    }
    expect(hints.count()).toBeGreaterThanOrEqual(5);
  });

  it("tells of each of two pushes, however close together", async () => {
    const hints = await start(await refPaths(origin.url));
    const first = await origin.tip("main");
    const second = await origin.commit({ a: "2" });
    for (let round = 0; round < 20; round++) {
      // As git does it: a file beside the ref takes its name.
      const ref = join(origin.url, "refs/heads/main");
      await writeFile(`${ref}.lock`, `${round % 2 === 0 ? first : second}\n`);
      const next = hints.next();
      await rename(`${ref}.lock`, ref);
      await next;
    }
    expect(hints.count()).toBeGreaterThanOrEqual(20);
  });

  it("leaves what is beside its paths alone", async () => {
    const hints = await start([join(folder, "providers")], 0);
    await writeFile(join(folder, "other"), "a");
    const next = hints.next();
    await mkdir(join(folder, "providers"));
    await next;
    expect(hints.count()).toBe(1);
  });

  it("waits for a folder that is not there yet", async () => {
    const providers = join(folder, "providers");
    const hints = await start([providers]);
    const next = hints.next();
    await mkdir(join(providers, "team"), { recursive: true });
    await next;
    const again = hints.next();
    await writeFile(join(providers, "team", "provider.yaml"), "a");
    await again;
    expect(hints.count()).toBeGreaterThanOrEqual(2);
  });

  it("makes one hint of changes that come together", async () => {
    const hints = await start([folder], 200);
    const next = hints.next();
    await Promise.all(["a", "b", "c"].map((name) => writeFile(join(folder, name), name)));
    await next;
    expect(hints.count()).toBe(1);
  });

  it("says nothing once it is stopped", async () => {
    const hints = await start([folder], 60_000);
    await writeFile(join(folder, "a"), "a");
    stop.abort();
    await watching?.stopped;
    expect(hints.count()).toBe(0);
    const late = watchTrigger({
      paths: [folder],
      debounceMs: 0,
      signal: stop.signal,
      onChange: () => expect.fail("it never started"),
    });
    await Promise.all([late.ready, late.stopped]);
  });
});

describe("refPaths", () => {
  const names = ["refs", "packed-refs", "HEAD"];

  it("knows bare repositories, work trees and linked work trees", async () => {
    expect(await refPaths(origin.url)).toEqual(names.map((it) => join(origin.url, it)));
    const clone = join(folder, "clone");
    await origin.git(["clone", "--quiet", origin.url, clone]);
    const gitdir = join(clone, ".git");
    expect(await refPaths(clone)).toEqual(names.map((it) => join(gitdir, it)));
    const linked = join(folder, "linked");
    await origin.git(["-C", clone, "worktree", "add", "--quiet", linked]);
    expect(await refPaths(linked)).toEqual([
      ...names.map((it) => join(gitdir, it)),
      join(gitdir, "worktrees", "linked", "HEAD"),
    ]);
  });
});
