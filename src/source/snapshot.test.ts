import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrigin, type Files, type Origin } from "../../test/support/repository.ts";
import { FetchError } from "./fetch-error.ts";
import { openMirror, type Mirror, type MirrorOptions } from "./mirror.ts";
import type { Snapshot } from "./snapshot.ts";

const { signal } = new AbortController();

let folder: string;
let origin: Origin;
let opened: Mirror[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-snapshot-"));
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((it) => it.close()));
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<MirrorOptions> = {}): Promise<Mirror> {
  const directory = join(folder, `mirror-${opened.length}`);
  const mirror = await openMirror({ url: origin.url, directory, ...options }, signal);
  opened.push(mirror);
  return mirror;
}

async function snapshotOf(mirror: Mirror): Promise<Snapshot> {
  return mirror.snapshot((await mirror.resolve("main")) ?? "", signal);
}

async function textsOf(snapshot: Snapshot, paths = [...snapshot.entries.keys()]) {
  const contents = await snapshot.read(paths);
  return Object.fromEntries(
    [...contents].map(([path, it]) => [path, it === "too-large" ? it : Buffer.from(it).toString()]),
  );
}

describe("a snapshot", () => {
  it("knows its commit", async () => {
    origin = await createOrigin({ a: "1" });
    const author = "Zoë Ünal <zoe@example.com>";
    const commit = await origin.commit({ a: "2" }, "Größer\n\nBecause.", { author });
    const snapshot = await snapshotOf(await open());
    expect(snapshot).toMatchObject({
      commit,
      author,
      subject: "Größer",
      committedAt: "2026-01-01T00:02:00.000Z",
      tree: (await origin.git(["rev-parse", "main^{tree}"])).trim(),
    });
  });

  it("takes every path as it is, and keeps them sorted", async () => {
    const files = {
      'a b/ü "quoted".yaml': "1",
      "new\nline": "2",
      "tab\there": "3",
      "-dash": "4",
      // Bytes, as git sorts, and code units disagree on these two.
      "emoji 🎉": "",
      "emoji ～": "5",
      "apps/x/score.yaml": "binary \0 ÿ\n",
      "apps.yaml": "same",
      "apps/same.yaml": "same",
    };
    origin = await createOrigin(files);
    const snapshot = await snapshotOf(await open());
    expect([...snapshot.entries.keys()]).toEqual(Object.keys(files).toSorted());
    expect(await textsOf(snapshot)).toEqual(files);
  });

  it("tells links, programs and submodules apart", async () => {
    const oid = "5".repeat(40);
    origin = await createOrigin({
      file: "1",
      link: { mode: "120000", content: "../../etc/passwd" },
      program: { mode: "100755", content: "#!/bin/sh\n" },
      module: { mode: "160000", oid },
    });
    const snapshot = await snapshotOf(await open());
    const modes = [...snapshot.entries].map(([path, { mode }]) => [path, mode]);
    expect(Object.fromEntries(modes)).toEqual({
      file: "100644",
      link: "120000",
      module: "160000",
      program: "100755",
    });
    expect(await textsOf(snapshot)).toEqual({
      file: "1",
      link: "../../etc/passwd",
      program: "#!/bin/sh\n",
    });
    expect(await textsOf(snapshot, ["module", "nowhere"])).toEqual({});
  });

  it("does not load what is too large", async () => {
    origin = await createOrigin({ large: "x".repeat(11), fits: "x".repeat(10) });
    const mirror = await open({ limits: { blobBytes: 10, totalBytes: 100 } });
    expect(await textsOf(await snapshotOf(mirror))).toEqual({
      large: "too-large",
      fits: "x".repeat(10),
    });
    const narrow = await open({ limits: { blobBytes: 10, totalBytes: 9 } });
    const reading = (await snapshotOf(narrow)).read(["fits"]);
    await expect(reading).rejects.toSatisfy(
      (error) => error instanceof FetchError && error.reason === "TooLarge",
    );
  });

  it("is the same object while the commit is the same", async () => {
    origin = await createOrigin({ a: "1" });
    const mirror = await open();
    expect(await snapshotOf(mirror)).toBe(await snapshotOf(mirror));
  });

  it("takes a commit that changes nothing", async () => {
    origin = await createOrigin({ a: "1" });
    const mirror = await open();
    const before = await snapshotOf(mirror);
    await origin.commit({}, "Nothing");
    await mirror.fetch(signal);
    const after = await snapshotOf(mirror);
    expect(after.subject).toBe("Nothing");
    expect(after.entries).toBe(before.entries);
  });

  it("made from the one before is what it would be made afresh", async () => {
    origin = await createOrigin({ start: "1" });
    const warm = await open();
    await snapshotOf(warm);
    const path = fc.constantFrom("a", "a/b", "b/c d", "b/ü", "c/d/e", "z");
    const content = fc.constantFrom("", "1", "2", { mode: "120000" as const, content: "x" });
    const files = fc.dictionary(path, content).filter((it) => !("a" in it && "a/b" in it));
    await fc.assert(
      fc.asyncProperty(files, async (wanted: Files) => {
        await origin.commit(() => wanted);
        await warm.fetch(signal);
        const cold = await open();
        const [fresh, updated] = [await snapshotOf(cold), await snapshotOf(warm)];
        expect([...updated.entries]).toEqual([...fresh.entries]);
        expect(await textsOf(updated)).toEqual(await textsOf(fresh));
      }),
      { numRuns: 12 },
    );
  });

  it("costs the same number of processes for 20 files as for 2,000", async () => {
    const counts: number[][] = [];
    for (const count of [20, 2000]) {
      const names = Array.from({ length: count }, (_, index) => `apps/app-${index}/score.yaml`);
      origin = await createOrigin(Object.fromEntries(names.map((name) => [name, `${name}\n`])));
      const log = join(folder, `git-${count}.log`);
      const real = process.env["PATH"] ?? "";
      await writeFile(
        join(folder, "git"),
        `#!/bin/sh\necho x >> "$LOG"\nPATH="${real}" exec git "$@"\n`,
      );
      await chmod(join(folder, "git"), 0o755);
      const since = async (work: () => Promise<unknown>): Promise<number> => {
        await writeFile(log, "");
        await work();
        return (await readFile(log, "utf8")).trim().split("\n").filter(Boolean).length;
      };
      await writeFile(log, "");
      const mirror = await open({ environment: { PATH: `${folder}:${real}`, LOG: log } });
      let size = 0;
      const read = async () => {
        const snapshot = await snapshotOf(mirror);
        size = (await snapshot.read([...snapshot.entries.keys()])).size;
      };
      const cold = await since(read);
      const unchanged = await since(() => mirror.fetch(signal));
      await origin.commit(() => Object.fromEntries(names.map((name) => [name, "changed\n"])));
      const changed = await since(() => mirror.fetch(signal));
      const warm = await since(read);
      expect(size).toBe(count);
      counts.push([cold, unchanged, changed, warm]);
      if (count === 20) await origin.close();
    }
    expect(counts).toEqual([
      [4, 1, 3, 4],
      [4, 1, 3, 4],
    ]);
  });
});
