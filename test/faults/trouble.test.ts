/** What goes wrong around the controller: it says what to do, and goes on when the cause is gone. */
import { execFileSync } from "node:child_process";
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTestPostgres } from "../support/database.ts";
import { createOrigin, type Origin } from "../support/repository.ts";
import { build, start, sync, type Installation, type Process } from "./support/cli.ts";
import { startOwnPostgres } from "./support/own-postgres.ts";
import { effectsOf, score, specFile, thingFiles } from "./support/thing.ts";

const settled = { code: 0, signal: null };
const statusBranch = "innominatus/status";

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const it of cleanUps.splice(0).toReversed()) await it();
});
beforeAll(build, 180_000);

interface Place extends Installation {
  readonly world: string;
  readonly origin: Origin;
}

/** @param slow the step `make` waits while there is a file `hold` in the world */
async function place(databaseUrl?: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-trouble-"));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const [world, dataDir] = [join(folder, "world"), join(folder, "data")];
  for (const it of [world, dataDir]) await mkdir(it);
  const before = `touch "$world/making"; while [ -e "$world/hold" ]; do sleep 0.05; done`;
  const around = { "create/make": { before }, "update/make": { before } };
  const origin = await createOrigin({
    ...thingFiles({ folder: world }, around),
    [specFile]: score("small"),
  });
  cleanUps.push(() => origin.close());
  const postgres = databaseUrl === undefined ? await createTestPostgres() : undefined;
  if (postgres !== undefined) cleanUps.push(postgres.remove);
  return { world, origin, repo: origin.url, dataDir, databaseUrl: databaseUrl ?? postgres?.url };
}

/** A controller, stopped when the test is over. */
function serve(at: Installation, env: Readonly<Record<string, string>> = {}): Process {
  const running = start(["serve", "--port", "0"], at, { INNOMINATUS_POLL: "1s", ...env });
  cleanUps.push(async () => {
    running.kill("SIGKILL");
    await running.ended;
  });
  return running;
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await what()); tries++) {
    if (tries > 1_200) throw new Error("it did not come so far within a minute");
    await delay(50);
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const sizeOf = ({ world }: Place): Promise<string> =>
  readFile(join(world, "thing"), "utf8").catch(() => "");
const status = ({ origin }: Place): Promise<string> =>
  origin.readFile(statusBranch, "default/shop.yaml").then((it) => it ?? "");
const effects = async ({ world }: Place) =>
  [...(await effectsOf({ folder: world }))].map(([key, count]) => [
    key.replace(/^.*\//, ""),
    count,
  ]);
const portOf = async (running: Process): Promise<string> => {
  const [, url] = await running.saying(/"url":"(http:[^"]+)"/);
  return url ?? "";
};

describe("SIGTERM", () => {
  it("stops sync at the end of the step in hand; the next one goes on after it", async () => {
    const at = await place();
    await writeFile(join(at.world, "hold"), "");
    const running = start(["sync"], at, { INNOMINATUS_LEASE: "10m", INNOMINATUS_HEARTBEAT: "1m" });
    await until(() => exists(join(at.world, "making")));
    running.kill("SIGTERM");
    await delay(200);
    expect(running.child.exitCode).toBeNull();
    await rm(join(at.world, "hold"));
    expect(await running.ended).toMatchObject({ code: 143, signal: null });
    expect((await running.ended).stderr).toContain("stopped by SIGTERM");
    // The lease of ten minutes was given back.
    expect(await sync(at)).toMatchObject(settled);
    expect(await effects(at)).toEqual([
      ["prepare", 1],
      ["make", 1],
    ]);
  });

  it("stops the controller at the end of the step in hand, and ends well", async () => {
    const at = await place();
    await writeFile(join(at.world, "hold"), "");
    const running = serve(at, { INNOMINATUS_LEASE: "10m", INNOMINATUS_HEARTBEAT: "1m" });
    await until(() => exists(join(at.world, "making")));
    running.kill("SIGTERM");
    await rm(join(at.world, "hold"));
    expect(await running.ended).toMatchObject(settled);
    expect(await sync(at)).toMatchObject(settled);
    expect(await effects(at)).toEqual([
      ["prepare", 1],
      ["make", 1],
    ]);
  });
});

describe("a lost database", () => {
  it("ends sync with what to do, and the next one finishes the run", async () => {
    const postgres = await startOwnPostgres();
    cleanUps.push(() => postgres.remove());
    const at = await place(postgres.url);
    await writeFile(join(at.world, "hold"), "");
    const running = start(["sync"], at);
    await until(() => exists(join(at.world, "making")));
    await postgres.stop();
    await rm(join(at.world, "hold"));
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining("is the server up")]);
    await postgres.start();
    expect(await sync(at)).toMatchObject(settled);
    expect(await sizeOf(at)).toBe("small\n");
  });

  it("is waited for by the controller, which goes on by itself", async () => {
    const postgres = await startOwnPostgres();
    cleanUps.push(() => postgres.remove());
    const at = await place(postgres.url);
    const running = serve(at);
    await until(async () => (await status(at)).includes("phase: active"));
    const url = await portOf(running);
    await postgres.stop();
    await at.origin.commit({ [specFile]: score("large") });
    await running.said("is the server up");
    expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, "the database\n"]);
    await postgres.start();
    await until(async () => (await sizeOf(at)) === "large\n");
    await until(async () => (await fetch(`${url}/readyz`)).ok);
  });
});

describe("a remote", () => {
  it("that is away is told of, and found again when it is back", async () => {
    const at = await place();
    const running = serve(at);
    await until(async () => (await status(at)).includes("phase: active"));
    const url = await portOf(running);
    await rename(at.repo, `${at.repo}.away`);
    await running.said("fetching the repository");
    const health = await (await fetch(`${url}/health`)).text();
    expect(health).toContain("degraded");
    await rename(`${at.repo}.away`, at.repo);
    await at.origin.commit({ [specFile]: score("large") });
    await until(async () => (await sizeOf(at)) === "large\n");
    await until(async () => !(await (await fetch(`${url}/health`)).text()).includes("degraded"));
  });

  it("whose status branch others push to meanwhile is built upon, and never overwritten", async () => {
    const at = await place();
    // The first three pushes meet somebody who was there a moment before.
    const hook = `#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
count=$(cat '${at.world}/pushes' 2>/dev/null || echo 0)
[ "$count" -ge 3 ] && exit 0
echo $((count + 1)) > '${at.world}/pushes'
tip=$(git rev-parse --verify --quiet refs/heads/${statusBranch} || true)
blob=$(echo "$count" | git hash-object -w --stdin)
tree=$( ([ -n "$tip" ] && git ls-tree "$tip"; printf '100644 blob %s\\tother-%s\\n' "$blob" "$count") | git mktree)
new=$(echo theirs | git -c user.name=o -c user.email=o@o commit-tree "$tree" \${tip:+-p} $tip)
git update-ref refs/heads/${statusBranch} "$new"
exit 0
`;
    await installHook(at, hook);
    expect(await sync(at)).toMatchObject(settled);
    expect((await at.origin.listFiles(statusBranch)).toSorted()).toEqual([
      "README.md",
      "default/shop.yaml",
      "other-0",
      "other-1",
      "other-2",
    ]);
    const messages = (await at.origin.log(statusBranch)).map((it) => it.message.split("\n")[0]);
    expect(messages[0]).toContain("1 of 1 resources active");
    expect(messages.slice(-3)).toEqual(["theirs", "theirs", "theirs"]);
  });

  it("that declines the status is told of; what was made is recorded, and published later", async () => {
    const at = await place();
    await installHook(at, "#!/bin/sh\nexit 1\n");
    const declined = await sync(at);
    expect([declined.code, declined.stderr]).toEqual([
      1,
      expect.stringContaining("branch rules and hooks"),
    ]);
    const made = [
      ["prepare", 1],
      ["make", 1],
    ];
    expect(await effects(at)).toEqual(made);
    await rm(join(at.repo, "hooks"), { recursive: true });
    expect(await sync(at)).toMatchObject(settled);
    expect(await status(at)).toContain("phase: active");
    expect(await effects(at)).toEqual(made);
  });
});

describe("a damaged disk", () => {
  it("costs a fresh clone where it was the mirror", async () => {
    const at = await place();
    expect(await sync(at)).toMatchObject(settled);
    const mirrors = join(at.dataDir, "mirrors");
    const found = await readdir(mirrors, { recursive: true, withFileTypes: true });
    for (const it of found.filter((file) => file.isFile())) {
      const path = join(it.parentPath, it.name);
      await chmod(path, 0o600);
      await writeFile(path, "not git's any more");
    }
    await at.origin.commit({ [specFile]: score("large") });
    expect(await sync(at)).toMatchObject(settled);
    expect(await sizeOf(at)).toBe("large\n");
  });

  it("that is full is told of, and gone on with once there is space", async (test) => {
    const at = await place();
    const mirrors = join(at.dataDir, "mirrors");
    await mkdir(mirrors);
    if (!mountTmpfs(mirrors, "24k"))
      return test.skip("mounting a small file system is not allowed here");
    const full = await sync(at);
    expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/free space on the disk/)]);
    expect(await sizeOf(at)).toBe("");
    execFileSync("mount", ["-o", "remount,size=64m", mirrors]);
    expect(await sync(at)).toMatchObject(settled);
  });

  it("that is full under the embedded database is told of, too", async (test) => {
    const at = { ...(await place()), databaseUrl: undefined };
    if (!mountTmpfs(at.dataDir, "16m"))
      return test.skip("mounting a small file system is not allowed here");
    const full = await sync(at);
    expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/is the disk full/)]);
    execFileSync("mount", ["-o", "remount,size=256m", at.dataDir]);
    expect(await sync(at)).toMatchObject(settled);
  });
});

async function installHook({ repo }: Installation, text: string): Promise<void> {
  await mkdir(join(repo, "hooks"), { recursive: true });
  await writeFile(join(repo, "hooks/pre-receive"), text, { mode: 0o755 });
}

function mountTmpfs(folder: string, size: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return false;
  }
  cleanUps.push(() => void execFileSync("umount", ["--lazy", folder]));
  return true;
}
