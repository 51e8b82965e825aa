import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Uid } from "../model/uid.ts";
import { createSealer } from "./seal.ts";
import { createVault, type SealedSecret, type SecretAddress, type VaultRows } from "./vault.ts";

const scope = { repository: "r", environment: "production" };
const uid: Uid = "postgres.default#shop.db";
const password = { ...scope, uid, key: "password" };

function memoryRows() {
  const stored = new Map<string, SealedSecret>();
  const name = (it: SecretAddress) => `${it.uid} ${it.key}`;
  const rows: VaultRows = {
    read: (address) => Promise.resolve(stored.get(name(address))),
    write(address, secret, replaces) {
      if ((stored.get(name(address))?.version ?? 0) !== replaces) return Promise.resolve(false);
      stored.set(name(address), secret);
      return Promise.resolve(true);
    },
    keys: () => Promise.resolve([...stored.keys()].map((it) => it.split(" ")[1] ?? "").toSorted()),
    remove(address) {
      stored.delete(name(address));
      return Promise.resolve();
    },
  };
  return { rows, stored };
}

const oldKey = randomBytes(32);
const sealer = createSealer([oldKey]);

describe("the vault", () => {
  it("makes a version of a changed value, and none of the same", async () => {
    const { rows } = memoryRows();
    const vault = createVault(sealer, rows);
    expect(await vault.put(password, "one")).toBe(1);
    expect(await vault.put(password, "one")).toBe(1);
    expect(await vault.put(password, "two")).toBe(2);
    expect(await vault.get(password)).toBe("two");
  });

  it("lists, tells and forgets", async () => {
    const vault = createVault(sealer, memoryRows().rows);
    await vault.put({ ...password, key: "url" }, "");
    await vault.put(password, "one");
    expect(await vault.keys(scope, uid)).toEqual(["password", "url"]);
    expect(await vault.get({ ...password, key: "url" })).toBe("");
    expect(await vault.has(password)).toBe(true);
    await vault.delete(password);
    await vault.delete(password);
    expect([await vault.has(password), await vault.get(password)]).toEqual([false, undefined]);
  });

  it("law 7: stores no value that can be read, nor one that opens in another's row", async () => {
    const { rows, stored } = memoryRows();
    const vault = createVault(sealer, rows);
    await vault.put(password, "a long secret value");
    const [row] = stored.values();
    expect(Buffer.from(row?.sealed ?? []).includes("secret")).toBe(false);
    if (row !== undefined) stored.set(`${uid} public`, row);
    await expect(vault.get({ ...password, key: "public" })).rejects.toThrow("does not open");
  });

  it("tries again when another writer came first", async () => {
    const { rows } = memoryRows();
    const theirs = createVault(sealer, rows);
    let raced = false;
    const vault = createVault(sealer, {
      ...rows,
      async write(address, secret, replaces) {
        if (!raced) await theirs.put(address, "theirs");
        raced = true;
        return rows.write(address, secret, replaces);
      },
    });
    expect(await vault.put(password, "ours")).toBe(2);
    expect(await vault.get(password)).toBe("ours");
  });

  it("seals an unchanged value again when the key was changed, as the same version", async () => {
    const { rows } = memoryRows();
    await createVault(sealer, rows).put(password, "one");
    const newKey = randomBytes(32);
    expect(await createVault(createSealer([newKey, oldKey]), rows).put(password, "one")).toBe(1);
    expect(await createVault(createSealer([newKey]), rows).get(password)).toBe("one");
  });

  it("refuses what is too long or not Unicode, without repeating it", async () => {
    const vault = createVault(sealer, memoryRows().rows);
    await vault.put(password, "é".repeat(512 * 1024));
    await expect(vault.put(password, "é".repeat(512 * 1024 + 1))).rejects.toThrow(
      /^secret password of /,
    );
    await expect(vault.put(password, "half \ud800")).rejects.not.toThrow("half");
    await expect(vault.put(password, "half \ud800")).rejects.toThrow("not valid Unicode");
  });
});
