import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { KeyError, loadKey } from "./key.ts";

const key = randomBytes(32);
const other = randomBytes(32);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "innominatus-key-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("keys from the environment", () => {
  test.each([
    ["base64", key.toString("base64")],
    ["base64 without padding", key.toString("base64").replace("=", "")],
    ["base64 for URLs", key.toString("base64url")],
    ["hexadecimal", key.toString("hex")],
    ["capitals", ` ${key.toString("hex").toUpperCase()}\n`],
  ])("are read from %s", async (_, environmentValue) => {
    expect(await loadKey({ environmentValue })).toEqual([new Uint8Array(key)]);
  });

  it("keep their order, the one that seals first", async () => {
    const environmentValue = `${other.toString("hex")}, ${key.toString("base64")}`;
    expect(await loadKey({ environmentValue })).toEqual(
      [other, key].map((it) => new Uint8Array(it)),
    );
  });

  test.each(["secret", key.toString("hex").slice(2), `${key.toString("hex")},`])(
    "are refused without being repeated: %s",
    async (environmentValue) => {
      const error: unknown = await loadKey({ environmentValue }).catch((it: unknown) => it);
      expect(error).toBeInstanceOf(KeyError);
      expect(String(error)).not.toContain(environmentValue);
    },
  );

  it("are asked for where there is no file either", async () => {
    await expect(loadKey({ environmentValue: " " })).rejects.toThrow("openssl rand -base64 32");
  });
});

describe("a key file", () => {
  it("is made once, for its owner only, also when several start at once", async () => {
    const file = join(directory, "new", "key");
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadKey({ file })));
    expect(new Set(keys.map(([it]) => Buffer.from(it ?? []).toString("hex"))).size).toBe(1);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(directory, "new"))).toEqual(["key"]);
    expect(await loadKey({ file })).toEqual(keys[0]);
  });

  it("is refused while others can read it", async () => {
    const file = join(directory, "open");
    await writeFile(file, key.toString("hex"));
    await chmod(file, 0o640);
    await expect(loadKey({ file })).rejects.toThrow(`chmod 600 ${file}`);
    await chmod(file, 0o600);
    expect(await loadKey({ file })).toEqual([new Uint8Array(key)]);
  });
});
