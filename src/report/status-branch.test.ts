import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrigin, type Origin } from "../../test/support/repository.ts";
import { openMirror, type Mirror } from "../source/mirror.ts";
import { publishStatus, type StatusCommit, type StatusRemote } from "./status-branch.ts";

const { signal } = new AbortController();
const branch = "innominatus/status";

let folder: string;
let origin: Origin;
let mirror: Mirror;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-status-"));
  origin = await createOrigin({ "apps/shop/score.yaml": "shop\n" });
  mirror = await openMirror({ url: origin.url, directory: join(folder, "mirror") }, signal);
});

afterEach(async () => {
  await mirror.close();
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const remoteOf = (it: Mirror): StatusRemote => ({
  gitdir: it.gitdir,
  fetch: async (abort) => void (await it.fetch(abort)),
  tip: (name) => it.resolve(`refs/heads/${name}`),
  push: (name, commit, expected, abort) => it.push(name, commit, expected, abort),
});

const statusOf = (files: Record<string, string>, environment = "production"): StatusCommit => ({
  files: new Map(Object.entries(files)),
  owned: (path) => path.startsWith(`${environment}/`),
  subject: `Record ${environment}`,
  trailers: [
    ["Innominatus-Environment", environment],
    ["Innominatus-Observed-Commit", "5f0c"],
  ],
  at: new Date("2026-05-01T12:00:00Z"),
});

const publish = (status: StatusCommit, it = mirror) => publishTo(remoteOf(it), status);
const publishTo = (remote: StatusRemote, status: StatusCommit, abort = signal) =>
  publishStatus(remote, branch, async () => status, abort);

describe("publishStatus", () => {
  it("starts a branch of its own", async () => {
    const { commit, changed } = await publish(
      statusOf({ "README.md": "# Status\n", "production/shop.yaml": "phase: active\n" }),
    );
    expect(changed).toBe(true);
    expect(await origin.log(branch)).toEqual([
      {
        commit,
        parents: [],
        author: "innominatus <innominatus@users.noreply.innominatus.dev>",
        message:
          "Record production\n\n" +
          "Innominatus-Environment: production\nInnominatus-Observed-Commit: 5f0c",
      },
    ]);
    expect(await origin.listFiles(branch)).toEqual(["README.md", "production/shop.yaml"]);
    expect(await origin.readFile(branch, "production/shop.yaml")).toBe("phase: active\n");
    expect(await origin.git(["log", "-1", "--format=%aI %cI", branch])).toBe(
      "2026-05-01T12:00:00+00:00 2026-05-01T12:00:00+00:00\n",
    );
    await origin.git(["fsck", "--strict"]);
  });

  it("law 9: the same state twice makes one commit, and no change to fetch", async () => {
    const status = statusOf({ "README.md": "# Status\n", "production/shop.yaml": "a\n" });
    const first = await publish(status);
    const later = { ...status, at: new Date("2026-05-02T12:00:00Z"), subject: "Again" };
    expect(await publish(later)).toEqual({ commit: first.commit, changed: false });
    expect(await mirror.fetch(signal)).toMatchObject({ changed: false });

    const fresh = await openMirror({ url: origin.url, directory: join(folder, "fresh") }, signal);
    expect(await publish(later, fresh)).toEqual({ commit: first.commit, changed: false });
    await fresh.close();
    expect(await origin.log(branch)).toHaveLength(1);
  });

  it("removes what is ours and no longer wanted, and keeps what is others'", async () => {
    await publish(statusOf({ "README.md": "1\n", "staging/shop.yaml": "s\n" }, "staging"));
    await publish(statusOf({ "README.md": "2\n", "production/shop.yaml": "p\n" }));
    await publish(statusOf({ "README.md": "3\n", "production/cart.yaml": "c\n" }));
    expect(await origin.listFiles(branch)).toEqual([
      "README.md",
      "production/cart.yaml",
      "staging/shop.yaml",
    ]);
    expect(await origin.readFile(branch, "README.md")).toBe("3\n");
    expect(await origin.log(branch)).toHaveLength(3);
  });

  it("law 9: a refused push is rebuilt on the new tip, and nobody's commit is lost", async () => {
    await publish(statusOf({ "README.md": "1\n" }));
    const theirs = await origin.commit({ "notes.md": "theirs\n" }, "Note", { branch });
    const { commit } = await publish(statusOf({ "README.md": "2\n" }));
    const log = await origin.log(branch);
    expect(log.slice(0, 2).map((it) => [it.commit, it.parents])).toEqual([
      [commit, [theirs]],
      [theirs, [log[2]?.commit]],
    ]);
    expect(await origin.listFiles(branch)).toEqual(["README.md", "notes.md"]);
  });

  it("law 9: who was late says on the new tip what is so now, not what was when it began", async () => {
    const file = "production/shop.yaml";
    await publish(statusOf({ [file]: "made\n" }));
    let now = "updating\n";
    const remote = remoteOf(mirror);
    const late: StatusRemote = {
      ...remote,
      push: async (...args) => {
        if (now === "updating\n") {
          now = "updated\n";
          await origin.commit({ [file]: now }, "Another replica", { branch });
        }
        return remote.push(...args);
      },
    };
    const outcome = await publishStatus(
      late,
      branch,
      async () => statusOf({ [file]: now }),
      signal,
    );
    expect(outcome).toEqual({ commit: await origin.tip(branch), changed: false });
    expect(await origin.readFile(branch, file)).toBe("updated\n");
    expect(await origin.log(branch)).toHaveLength(2);
  });

  it("law 9: a branch that somebody else started first is built upon", async () => {
    const theirs = await origin.commit({ "notes.md": "theirs\n" }, "Note", {
      branch,
      orphan: true,
    });
    const { commit } = await publish(statusOf({ "README.md": "1\n" }));
    expect((await origin.log(branch)).map((it) => it.commit)).toEqual([commit, theirs]);
  });

  it("gives up after some refusals, and says what to do", async () => {
    let pushes = 0;
    const busy: StatusRemote = {
      ...remoteOf(mirror),
      push: async () => {
        pushes += 1;
        return "refused";
      },
    };
    await expect(publishTo(busy, statusOf({ a: "1" }))).rejects.toThrow(
      "let nothing but the controller write to that branch",
    );
    expect(pushes).toBe(5);
  });

  it("lets a file make way for a folder of its name, and the other way round", async () => {
    await origin.commit({ production: "x", "README.md/x": "y" }, "Odd", { branch, orphan: true });
    await mirror.fetch(signal);
    await publish(statusOf({ "README.md": "1\n", "production/shop.yaml": "p\n" }));
    expect(await origin.listFiles(branch)).toEqual(["README.md", "production/shop.yaml"]);
  });

  it("gets over an object that a kill left half written", async () => {
    const status = statusOf({ "README.md": "1\n" });
    const oid = (await origin.git(["hash-object", "--stdin"], "1\n")).trim();
    const object = join(mirror.gitdir, "objects", oid.slice(0, 2), oid.slice(2));
    await mkdir(dirname(object), { recursive: true });
    await writeFile(object, "x");
    await expect(publish(status)).rejects.toThrow("pushing");
    expect(await mirror.fetch(signal)).toMatchObject({ recloned: true });
    expect(await publish(status)).toMatchObject({ changed: true });
    expect(await origin.readFile(branch, "README.md")).toBe("1\n");
  });

  it("writes many files, and sorts them as git does", async () => {
    const names = ["a", "a.yaml", "a0", "a-b", "ab"];
    const many = Array.from({ length: 200 }, (_, index) => `production/app-${index}/status.yaml`);
    const files = [...names.flatMap((it) => [`${it}/x`]), ...many, "a.txt", "production.yaml"];
    await publish(statusOf(Object.fromEntries(files.map((it) => [it, `${it}\n`]))));
    expect(await origin.listFiles(branch)).toEqual(files.toSorted());
    await origin.git(["fsck", "--strict"]);
  });

  it("stops when told to", async () => {
    const stopped = AbortSignal.abort(new Error("stop"));
    const status = statusOf({ a: "1" });
    await expect(publishTo(remoteOf(mirror), status, stopped)).rejects.toThrow("stop");
    expect(await origin.tip(branch)).toBeUndefined();
  });

  it("law 9: whatever was there, publishing ends in the wanted files and is a fixed point", async () => {
    const path = fc.constantFrom("README.md", "production/a.yaml", "production/b.yaml", "x/y z/ü");
    const files = fc.dictionary(path, fc.constantFrom("", "1", "2\n"), { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(files, async (wanted) => {
        await publish(statusOf(wanted));
        for (const [name, content] of Object.entries(wanted)) {
          expect(await origin.readFile(branch, name)).toBe(content);
        }
        const listed = await origin.listFiles(branch);
        expect(listed.filter((it) => it.startsWith("production/"))).toEqual(
          Object.keys(wanted)
            .filter((it) => it.startsWith("production/"))
            .toSorted(),
        );
        expect(await publish(statusOf(wanted))).toMatchObject({ changed: false });
      }),
      { numRuns: 15 },
    );
  });
});
