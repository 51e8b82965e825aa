import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadSettings } from "./load.ts";
import { overrides } from "./overrides.ts";

const page = () => readFile(new URL("../../docs/settings.md", import.meta.url), "utf8");

it("the settings that docs/settings.md shows load without a problem", async () => {
  const yaml = /```yaml file=innominatus.yaml\n(.*?)```/s.exec(await page())?.[1] ?? "";
  const cwd = await mkdtemp(join(tmpdir(), "innominatus-settings-"));
  try {
    await writeFile(join(cwd, "innominatus.yaml"), yaml);
    const env = {
      SHOP_GIT_TOKEN: "t0ken",
      SHOP_FORGE_TOKEN: "f0rge",
      SHOP_WEBHOOK_SECRET: "h00k",
      SHARED_POSTGRES_URL: "postgres://a@b/c",
      ADA_HASH: `scrypt$32768$8$1$${"A".repeat(22)}$${"A".repeat(43)}`,
      AUDIT_SINK_TOKEN: "t0ken",
    };
    const { settings, problems } = loadSettings({ env, flags: {}, cwd });
    expect(problems).toEqual([]);
    expect(settings?.repositories[0]?.name).toBe("shop");
    expect(settings?.repositories[0]?.forge?.repository).toBe("platform/shop");
    expect(settings?.connections["shared-postgres"]?.publicHost).toBe("db.internal");
  } finally {
    await rm(cwd, { recursive: true });
  }
});

it("docs/settings.md names every variable that a setting has", async () => {
  const text = await page();
  const named = [...text.matchAll(/INNOMINATUS_[A-Z_]+/g)].map((it) => it[0]);
  const env = Object.fromEntries(named.map((it) => [it, "1"]));
  const known = overrides(env, {}).map((it) => it.from);
  for (const name of known) expect(named).toContain(name);
  expect(known).toContain("INNOMINATUS_WORKERS_PER_PROVIDER");
});
