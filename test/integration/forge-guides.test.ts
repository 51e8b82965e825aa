import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { virtualClock } from "../support/clock.ts";
import { openForge } from "../../src/controller/open-forge.ts";
import { loadSettings } from "../../src/settings/load.ts";

const page = (name: string) => readFile(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "innominatus-guides-"));
});
afterAll(() => rm(cwd, { recursive: true }));

describe.each(["github", "gitea", "gitlab"])("docs/%s.md", (name) => {
  it("shows settings that load, and that make the forge it is about", async () => {
    const text = await page(name);
    const blocks = [...text.matchAll(/```yaml file=innominatus.yaml\n(.*?)```/gs)].map((it) =>
      (it[1] ?? "").replaceAll(/^ {3}/gm, (spaces) =>
        /^ {3}repositories/m.test(it[1] ?? "") ? "" : spaces,
      ),
    );
    expect(blocks.length).toBeGreaterThan(0);
    const named = [...text.matchAll(/\b(\w+Env): (\w+)/g)].map((it) => it[2] ?? "");
    const env = Object.fromEntries(named.map((it) => [it, "s3cret"]));
    for (const block of blocks) {
      await writeFile(join(cwd, "innominatus.yaml"), block);
      const { settings, problems } = loadSettings({ env, flags: {}, cwd });
      expect(problems).toEqual([]);
      const forge = settings?.repositories[0]?.forge;
      expect(forge?.kind).toBe(name);
      if (forge === undefined) throw new Error("no forge");
      expect(openForge(forge, { env, clock: virtualClock() }).kind).toBe(name);
      // With a token, git and the forge are asked with the same one: there is one to make.
      const credentials = settings?.repositories[0]?.credentials;
      const tokens = forge.auth.kind === "token" ? [forge.auth.tokenEnv] : [];
      expect([credentials?.passwordEnv].filter((it) => it !== undefined)).toEqual(tokens);
    }
  });
});
