import fs from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import git from "isomorphic-git";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { createOrigin, type Origin } from "../../test/support/repository.ts";
import { explain, FetchError } from "./fetch-error.ts";
import { openMirror, type Mirror, type MirrorOptions } from "./mirror.ts";

const { signal } = new AbortController();

let folder: string;
let origin: Origin;
let opened: Mirror[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-failures-"));
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

async function failureOf(work: Promise<unknown>): Promise<FetchError> {
  const error = await work.then(
    () => undefined,
    (it: unknown) => it,
  );
  if (error instanceof FetchError) return error;
  throw new Error(`no FetchError: ${inspect(error)}`);
}

/** A `git` that comes first in PATH. */
async function fakeGit(script: string): Promise<Record<string, string>> {
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  const real = (await whichGit()) ?? "/usr/bin/git";
  await writeFile(join(bin, "git"), `#!/bin/sh\n${script.replaceAll("REAL", real)}\n`);
  await chmod(join(bin, "git"), 0o755);
  return { PATH: `${bin}:${process.env["PATH"]}` };
}

async function whichGit(): Promise<string | undefined> {
  for (const directory of (process.env["PATH"] ?? "").split(":")) {
    const names: string[] = await readdir(directory).catch(() => []);
    if (names.includes("git")) return join(directory, "git");
  }
  return undefined;
}

describe("what is wrong with the remote", () => {
  const cases = [
    ["nobody answers", "http://127.0.0.1:1/x.git", "RemoteUnreachable"],
    ["no such host", "http://nowhere.invalid/x.git", "RemoteUnreachable"],
    ["no such folder", "/nonexistent/x.git", "NotARepository"],
    ["a folder without a repository", tmpdir(), "NotARepository"],
    ["a command instead of a repository", "ext::sh -c true", "TransportRefused"],
    ["an option instead of a repository", "--upload-pack=true", "NotARepository"],
  ] as const;

  it.each(cases)("%s: %s", async (_, url, reason) => {
    const error = await failureOf(open({ url }));
    expect(error.reason).toBe(reason);
    expect(error.hint).not.toBe("");
    expect(error.message).toMatch(/^looking at .*: ./);
  });

  it("law 7: no error holds the credentials of its URL or environment", async () => {
    const environment = { GIT_TOKEN_FOR_TEST: "s3cr%et-token" };
    const error = await failureOf(
      open({ url: "http://user:sup%65rsecret@127.0.0.1:1/x.git", environment }),
    );
    expect(error.message).toContain("http://***@127.0.0.1:1/x.git");
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(
      /sup%65rsecret|supersecret|s3cr%et/,
    );
    const printed = await failureOf(
      open({
        environment: {
          ...(await fakeGit('echo "fatal: $GIT_TOKEN_FOR_TEST was refused" >&2; exit 128')),
          ...environment,
        },
      }),
    );
    expect(printed.message).toContain("*** was refused");
  });

  it("law 1: a missing branch is no commit, and an emptied repository no files", async () => {
    const mirror = await open();
    await origin.rewrite({});
    await mirror.fetch(signal);
    const emptied = await mirror.resolve("main");
    expect((await mirror.snapshot(emptied ?? "", signal)).entries.size).toBe(0);
    await origin.deleteBranch("main");
    await mirror.fetch(signal);
    expect([await mirror.resolve("main"), await mirror.defaultBranch()]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("recovers when the remote is back", async () => {
    const mirror = await open();
    await origin.commit({ a: "1" });
    const { url } = origin;
    await rename(url, `${url}.away`);
    expect((await failureOf(mirror.fetch(signal))).reason).toBe("NotARepository");
    await rename(`${url}.away`, url);
    expect(await mirror.fetch(signal)).toEqual({ changed: true, recloned: false });
  });
});

describe("a damaged mirror", () => {
  async function packs(mirror: Mirror): Promise<string[]> {
    const objects = join(mirror.gitdir, "objects");
    const files = await readdir(objects, { recursive: true, withFileTypes: true });
    return files.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
  }

  const damages = [
    ["its objects are gone", (path: string) => rm(path, { force: true })],
    ["its objects are cut short", (path: string) => truncate(path, 5)],
    ["its objects are other bytes", (path: string) => writeOver(path)],
  ] as const;

  async function writeOver(path: string): Promise<void> {
    const { length } = await readFile(path);
    await chmod(path, 0o644);
    await writeFile(path, Buffer.alloc(length, 7));
  }

  it.each(damages)("%s: it is cloned afresh when it is opened", async (_, damage) => {
    const first = await open();
    await first.close();
    for (const path of await packs(first)) {
      await chmod(path, 0o644);
      await damage(path);
    }
    const again = await open();
    expect(again.recloned).toBe(true);
    const commit = await again.resolve("main");
    expect((await again.snapshot(commit ?? "", signal)).entries.size).toBe(2);
    expect(await readdir(folder)).toEqual(["mirror"]);
  });

  it.each(damages)("%s: it is cloned afresh by the next fetch", async (_, damage) => {
    const mirror = await open();
    const commit = (await mirror.resolve("main")) ?? "";
    for (const path of await packs(mirror)) {
      await chmod(path, 0o644);
      await damage(path);
    }
    expect((await failureOf(mirror.snapshot(commit, signal))).reason).toBe("CorruptMirror");
    expect(await mirror.fetch(signal)).toEqual({ changed: true, recloned: true });
    expect(await mirror.fetch(signal)).toEqual({ changed: false, recloned: false });
    const snapshot = await mirror.snapshot(commit, signal);
    expect((await snapshot.read(["README.md"])).size).toBe(1);
  });

  it("is kept until its successor is whole", async () => {
    const first = await open();
    await first.close();
    await rm(join(first.gitdir, "objects"), { recursive: true });
    await mkdir(join(first.gitdir, "objects"));
    await failureOf(open({ url: "/nonexistent" }));
    expect(await readdir(folder)).toContain("mirror");
    expect((await open()).recloned).toBe(true);
  });

  it("law 1: keeps applied commits over a fresh clone, where they can still be read", async () => {
    const first = await open();
    const applied = (await first.resolve("main")) ?? "";
    await first.keep(applied);
    await first.close();
    await origin.rewrite({ other: "x" });
    await writeFile(join(first.gitdir, "refs", "tags", "broken"), `${"1".repeat(40)}\n`);
    const again = await open();
    expect(again.recloned).toBe(true);
    expect((await again.snapshot(applied, signal)).entries.size).toBe(2);
  });

  it("says so when it may not be written", async () => {
    await writeFile(join(folder, "file"), "");
    const error = await failureOf(open({ directory: join(folder, "file", "mirror") }));
    expect(error.reason).toBe("PermissionDenied");
  });

  it("is made in the place of an empty folder", async () => {
    await mkdir(join(folder, "empty"));
    const mirror = await open({ directory: join(folder, "empty") });
    expect(await mirror.defaultBranch()).toBe("main");
  });

  it("is made where an unfinished clone was left", async () => {
    await mkdir(join(folder, "mirror.incoming"));
    await writeFile(join(folder, "mirror.incoming", "objects"), "half");
    expect((await open()).recloned).toBe(false);
  });
});

describe("a process", () => {
  it("ends when the signal says so", async () => {
    const mirror = await open({ environment: await fakeGit('exec REAL "$@"') });
    await fakeGit("exec sleep 60");
    const stop = new AbortController();
    const fetching = mirror.fetch(stop.signal);
    setImmediate(() => stop.abort(new Error("stop")));
    await expect(fetching).rejects.toThrow("stop");
    const aborted = AbortSignal.abort(new Error("too late"));
    await expect(mirror.fetch(aborted)).rejects.toThrow("too late");
  });

  it("has a time limit", async () => {
    const environment = await fakeGit("sleep 2 & exec sleep 60");
    const before = performance.now();
    const error = await failureOf(open({ environment, timeoutMs: 100 }));
    expect(error.reason).toBe("Timeout");
    // It does not wait for what git left behind, holding its pipes.
    expect(performance.now() - before).toBeLessThan(1900);
  });

  it("ends with its mirror", async () => {
    const mirror = await open();
    const commit = (await mirror.resolve("main")) ?? "";
    await mirror.close();
    await expect(mirror.changedPaths(commit, commit)).rejects.toThrow("is closed");
  });

  it("law 1: that is killed in the middle of a listing has not listed", async () => {
    const mirror = await open({
      environment: await fakeGit(
        'case "$*" in *ls-tree*) REAL "$@" | head -c 40; kill -9 $$;; *) exec REAL "$@";; esac',
      ),
    });
    const commit = (await mirror.resolve("main")) ?? "";
    expect((await failureOf(mirror.snapshot(commit, signal))).reason).toBe("GitFailed");
  });

  it("law 1: that fails without a word has not listed either", async () => {
    const mirror = await open({
      environment: await fakeGit('case "$*" in *ls-tree*) exit 3;; *) exec REAL "$@";; esac'),
    });
    const commit = (await mirror.resolve("main")) ?? "";
    expect((await failureOf(mirror.snapshot(commit, signal))).reason).toBe("GitFailed");
  });

  it("needs git", async () => {
    const error = await failureOf(open({ environment: { PATH: folder } }));
    expect(error.reason).toBe("GitMissing");
  });

  it("runs no hook in the mirror, and sees no secret of ours", async () => {
    const mirror = await open({
      environment: await fakeGit('env > ENV; exec REAL "$@"'.replace("ENV", join(folder, "env"))),
    });
    const hooks = join(mirror.gitdir, "hooks");
    await mkdir(hooks, { recursive: true });
    await writeFile(join(hooks, "reference-transaction"), `#!/bin/sh\ntouch ${folder}/ran\n`);
    await chmod(join(hooks, "reference-transaction"), 0o755);
    process.env["INNOMINATUS_TEST_VALUE"] = "x";
    await origin.commit({ a: "1" });
    await mirror.fetch(signal);
    delete process.env["INNOMINATUS_TEST_VALUE"];
    expect(await readdir(folder)).not.toContain("ran");
    expect(await readFile(join(folder, "env"), "utf8")).not.toContain("INNOMINATUS_TEST_VALUE");
  });
});

describe("push", () => {
  it("is refused when somebody else pushed first, and never forces", async () => {
    const mirror = await open();
    const tip = (await mirror.resolve("main")) ?? "";
    const ours = await commitIn(mirror, tip);
    const theirs = await origin.commit({ a: "1" });
    expect(await mirror.push("main", ours, tip, signal)).toBe("refused");
    expect(await origin.tip()).toBe(theirs);
    await mirror.fetch(signal);
    expect(await mirror.push("main", ours, tip, signal)).toBe("refused");
    const rebuilt = await commitIn(mirror, theirs);
    expect(await mirror.push("main", rebuilt, undefined, signal)).toBe("refused");
    expect(await mirror.push("main", rebuilt, theirs, signal)).toBe("pushed");
    expect(await mirror.resolve("main")).toBe(rebuilt);
    expect(await mirror.fetch(signal)).toMatchObject({ changed: false });
  });

  it("says so when the remote's own rules decline it", async () => {
    const mirror = await open();
    const hook = join(origin.url, "hooks", "pre-receive");
    await mkdir(join(origin.url, "hooks"), { recursive: true });
    await writeFile(hook, "#!/bin/sh\necho not on Fridays >&2\nexit 1\n");
    await chmod(hook, 0o755);
    const tip = (await mirror.resolve("main")) ?? "";
    const ours = await commitIn(mirror, tip);
    const error = await failureOf(mirror.push("main", ours, tip, signal));
    expect(error.reason).toBe("PushDeclined");
    expect(error.message).toContain("not on Fridays");
  });

  it("leaves our commits that are not pushed alone when it fetches", async () => {
    const mirror = await open();
    const ours = await commitIn(mirror, (await mirror.resolve("main")) ?? "");
    await origin.rewrite({ a: "1" });
    await mirror.fetch(signal);
    expect(await mirror.resolve(ours)).toBe(ours);
  });

  async function commitIn(mirror: Mirror, parent: string): Promise<string> {
    const who = { name: "us", email: "us@example.com", timestamp: 1, timezoneOffset: 0 };
    const { commit } = await git.readCommit({ fs, gitdir: mirror.gitdir, oid: parent });
    return git.writeCommit({
      fs,
      gitdir: mirror.gitdir,
      commit: {
        tree: commit.tree,
        parent: [parent],
        author: who,
        committer: who,
        message: "Ours\n",
      },
    });
  }
});

test.each([
  ["fatal: write error: No space left on device\nfatal: index-pack failed", "DiskFull"],
  [
    "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
    "AuthenticationRefused",
  ],
  ["fatal: Authentication failed for 'https://x/'", "AuthenticationRefused"],
  [
    "fatal: unable to access 'https://x/': The requested URL returned error: 403",
    "AuthenticationRefused",
  ],
  ["remote: Repository not found.\nfatal: repository 'https://x/' not found", "NotARepository"],
  ["ssh: Could not resolve hostname x: Name or service not known", "RemoteUnreachable"],
  ["fatal: the remote end hung up unexpectedly", "RemoteUnreachable"],
  ["fatal: detected dubious ownership in repository at '/x'", "PermissionDenied"],
  ["error: packfile ./objects/pack/x.pack does not match index", "CorruptMirror"],
  [
    "!\tx:refs/heads/x\t[remote rejected] (unpacker error)\nfatal: unable to read d00491fd7e5bb6fa28c517a0bb32b8b506539d4d",
    "CorruptMirror",
  ],
  ["!\tx:y\t[remote rejected] (branch is currently checked out)", "BranchCheckedOut"],
  ["!\tx:y\t[remote rejected] (cannot lock ref 'y': is at a but expected b)", "PushRefused"],
  ["something new", "GitFailed"],
])("git's %j is %s", (output, reason) => {
  const error = explain("fetching x", output);
  expect(error.reason).toBe(reason);
  expect(error.message.startsWith("fetching x: ")).toBe(true);
  expect(error.hint).not.toBe("");
});

test("a link in the mirror's place is followed", async () => {
  await mkdir(join(folder, "elsewhere"));
  await symlink(join(folder, "elsewhere"), join(folder, "link"));
  const mirror = await open({ directory: join(folder, "link", "mirror") });
  expect(await mirror.defaultBranch()).toBe("main");
});
