import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { DirectoryLockedError, lockDirectory } from "./process-lock.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "innominatus-lock-"));
});
afterEach(() => rm(directory, { recursive: true }));

const contents = () => readdir(directory);
const leave = (claim: object | string) =>
  writeFile(
    join(directory, "lock-other"),
    typeof claim === "string" ? claim : JSON.stringify(claim),
  );

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

describe("the lock on a folder", () => {
  it("refuses another one, naming process and folder, until it is given back", async () => {
    const unlock = await lockDirectory(directory);
    const second = lockDirectory(directory);
    await expect(second).rejects.toThrow(DirectoryLockedError);
    await expect(second).rejects.toThrow(`${directory} is in use by process ${process.pid}`);
    await unlock();
    await unlock();
    expect(await contents()).toEqual([]);
    await (
      await lockDirectory(directory)
    )();
  });

  it("goes to one of many that start at once", async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 12 }, () => lockDirectory(directory)),
    );
    const got = tries.filter((it) => it.status === "fulfilled");
    expect(got).toHaveLength(1);
    expect(await contents()).toHaveLength(1);
  });

  it("is taken over when its process is gone, also by one of many", async () => {
    const child = spawn("sleep", ["60"]);
    const pid = child.pid ?? 0;
    await leave({
      pid,
      startedAtTick: (await startOf(pid)) ?? null,
      hostname: hostname(),
      held: true,
    });
    await expect(lockDirectory(directory)).rejects.toThrow(`in use by process ${pid}`);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;

    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockDirectory(directory)),
    );
    expect(tries.filter((it) => it.status === "fulfilled")).toHaveLength(1);
    expect(await contents()).not.toContain("lock-other");
  });

  it("is taken over when another process has its pid now", async () => {
    await leave({ pid: process.pid, startedAtTick: "1", hostname: hostname(), held: true });
    await lockDirectory(directory);
    expect(await contents()).not.toContain("lock-other");
  });

  test.each([
    ["cannot be read", "not JSON", /is no lock that this version understands.*remove it/],
    [
      "was made on another machine",
      { pid: 1, startedAtTick: null, hostname: "elsewhere.invalid", held: true },
      /process 1 on elsewhere\.invalid.*remove .*lock-other/,
    ],
  ])("is not taken over when it %s", async (_, claim, message) => {
    await leave(claim);
    await expect(lockDirectory(directory)).rejects.toThrow(message);
    expect(await contents()).toEqual(["lock-other"]);
  });
});
