/**
 * Keeps two processes out of one folder (the embedded database is one process at a time). A lock
 * whose process is gone is taken over, also where its pid has since been given to another one.
 *
 * Every claim is a file of its own, `lock-<id>`: claim first, then look, and go on only when nobody
 * else is there. Removing a dead claim can therefore never hit a living one, as it could with one name.
 */
import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

const rounds = 50;

const claimSchema = z.strictObject({
  pid: z.int().positive(),
  /** Clock ticks from the machine's start to the process's; `null` where the system does not tell. */
  startedAtTick: z.string().nullable(),
  hostname: z.string(),
  /** False while it looks around, and may yet withdraw. */
  held: z.boolean(),
});

type Claim = z.infer<typeof claimSchema>;

/** Another process has the folder, or might have it. The message says which, and what to do. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
}

/**
 * Takes the lock on `directory`, which exists. Of several that start at once, one gets it.
 *
 * @returns what gives it back; doing so twice changes nothing
 * @throws {DirectoryLockedError}
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const claim: Claim = {
    pid: process.pid,
    startedAtTick: (await readProcess(process.pid))?.startedAtTick ?? null,
    hostname: hostname(),
    held: false,
  };
  for (let round = 0; round < rounds; round++) {
    const path = join(directory, `lock-${randomUUID()}`);
    const release = () => rm(path, { force: true });
    try {
      await writeWhole(path, claim);
      if (await isAlone(directory, path)) {
        await writeWhole(path, { ...claim, held: true });
        return release;
      }
    } catch (error) {
      await release();
      throw error;
    }
    await release();
    await delay(Math.random() * 50);
  }
  throw new DirectoryLockedError(
    `several processes are starting on ${directory}: start one of them`,
  );
}

/** Written beside its place and moved there: whoever finds a claim finds it whole. */
async function writeWhole(path: string, claim: Claim): Promise<void> {
  const draft = join(path, "..", `draft-${randomUUID()}`);
  try {
    await writeFile(draft, JSON.stringify(claim), { mode: 0o600 });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** @throws {DirectoryLockedError} where a process holds the lock, or cannot be known not to */
async function isAlone(directory: string, ownPath: string): Promise<boolean> {
  let alone = true;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.startsWith("lock-") || path === ownPath) continue;
    const text = await readIfThere(path);
    if (text === undefined) continue;
    const claim = parseClaim(text);
    if (claim !== undefined && (await isGone(claim))) {
      await rm(path, { force: true });
      continue;
    }
    if (claim === undefined || claim.held || claim.hostname !== hostname()) {
      throw lockedError(claim, directory, path);
    }
    alone = false;
  }
  return alone;
}

function parseClaim(text: string): Claim | undefined {
  try {
    return claimSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Of another machine's processes nothing is known. */
async function isGone(claim: Claim): Promise<boolean> {
  if (claim.hostname !== hostname()) return false;
  if (!isRunning(claim.pid)) return true;
  const now = await readProcess(claim.pid);
  if (now === undefined || claim.startedAtTick === null) return false;
  return now.isZombie || now.startedAtTick !== claim.startedAtTick;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** proc(5): fields 3 (state) and 22 (start), counted from after the name, which may hold anything. */
async function readProcess(
  pid: number,
): Promise<{ isZombie: boolean; startedAtTick: string | undefined } | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { isZombie: fields[0] === "Z", startedAtTick: fields[19] };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function lockedError(
  claim: Claim | undefined,
  directory: string,
  path: string,
): DirectoryLockedError {
  if (claim === undefined) {
    return new DirectoryLockedError(
      `${path} is no lock that this version understands: if no process uses ${directory}, remove it`,
    );
  }
  if (claim.hostname !== hostname()) {
    return new DirectoryLockedError(
      `${directory} was opened by process ${claim.pid} on ${claim.hostname}: stop it there or, ` +
        `if it no longer runs, remove ${path}`,
    );
  }
  return new DirectoryLockedError(
    `${directory} is in use by process ${claim.pid}: stop that one, choose another folder with ` +
      "--data-dir, or set DATABASE_URL to share one PostgreSQL database",
  );
}
