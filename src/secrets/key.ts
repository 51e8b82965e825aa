/**
 * The keys that secrets are sealed with: from INNOMINATUS_ENCRYPTION_KEY or, beside the embedded
 * database, from a key file that is made on first use (DESIGN.md §5).
 */
import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

export interface KeySource {
  /** 32 bytes in base64 or hexadecimal; several with commas between: the first seals, all open. */
  readonly environmentValue?: string | undefined;
  /** Path of the key file; absent where the database is shared and a file on one machine is no help. */
  readonly file?: string | undefined;
}

/** The message says what to do, and never what was found. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** @throws {KeyError} */
export async function loadKey(source: KeySource): Promise<readonly Uint8Array[]> {
  if (source.environmentValue !== undefined && source.environmentValue.trim() !== "") {
    return parseKeys(source.environmentValue, "INNOMINATUS_ENCRYPTION_KEY");
  }
  if (source.file === undefined) {
    throw new KeyError(
      "INNOMINATUS_ENCRYPTION_KEY is not set: make a key with `openssl rand -base64 32`, " +
        "give it to every replica, and keep a copy: without it no stored secret can be read",
    );
  }
  await makeOnce(source.file);
  await refuseReadable(source.file);
  return parseKeys(await readFile(source.file, "utf8"), source.file);
}

function parseKeys(text: string, where: string): Uint8Array[] {
  return text.split(",").map((part, index) => {
    const key = parseKey(part.trim());
    if (key !== undefined) return key;
    throw new KeyError(
      `${where}: key ${index + 1} is not 32 bytes in base64 or hexadecimal: ` +
        "make one with `openssl rand -base64 32`",
    );
  });
}

function parseKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return new Uint8Array(Buffer.from(text, "hex"));
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** Written whole and synced before it gets its name: a key that seals something is never lost by half. */
async function makeOnce(file: string): Promise<void> {
  if (await exists(file)) return;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(`${randomBytes(32).toString("base64")}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file).catch((error: unknown) => {
      if (!isCode(error, "EEXIST")) throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
}

async function refuseReadable(file: string): Promise<void> {
  // Windows has no such bits to look at.
  if (process.platform === "win32" || ((await stat(file)).mode & 0o077) === 0) return;
  throw new KeyError(`${file} can be read by others: run \`chmod 600 ${file}\``);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
