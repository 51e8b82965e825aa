import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadSettings } from "./load.ts";
import { shownSettings } from "./shown.ts";

const secrets = {
  DATABASE_URL: "postgres://innominatus:pg-p4ssword@db/innominatus?sslpassword=q-p4ssword",
  INNOMINATUS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
  INNOMINATUS_ADMIN_PASSWORD: "admin-p4ssword",
  ADA_HASH: `scrypt$16384$8$1$${"c2FsdA"}$${"aGFzaGhhc2g"}`,
  SHOP_URL: "postgres://shop:shop-p4ssword@shop-db:5432/shop",
};
const yaml = `
repositories: [{ name: shop, url: https://git.example.org/shop.git }]
connections: { shop-db: { urlEnv: SHOP_URL, publicHost: db.internal } }
providers: [{ name: odd, type: folder, path: ./admin-p4ssword }]
api:
  users: [{ username: ada, role: viewer, passwordHashEnv: ADA_HASH }]
`;

it("law 7: shows the settings without a secret, wherever one stands", () => {
  const cwd = mkdtempSync(join(tmpdir(), "innominatus-shown-"));
  writeFileSync(join(cwd, "innominatus.yaml"), yaml);
  const { settings, problems } = loadSettings({ env: secrets, flags: {}, cwd });
  rmSync(cwd, { recursive: true });
  if (settings === undefined) throw new Error(`found problems: ${JSON.stringify(problems)}`);
  const text = JSON.stringify(shownSettings(settings, secrets));
  for (const secret of ["p4ssword", secrets.INNOMINATUS_ENCRYPTION_KEY, "aGFzaGhhc2g"]) {
    expect(text).not.toContain(secret);
  }
  expect(shownSettings(settings, secrets)).toMatchObject({
    databaseUrl: "***",
    repositories: [{ name: "shop" }],
    connections: { "shop-db": { url: "***", publicHost: "db.internal" } },
    api: { users: [{ username: "ada", role: "viewer", passwordHash: "***" }] },
    pollMs: 60_000,
  });
});
