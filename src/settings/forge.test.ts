import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSettings } from "./load.ts";
import { secretValues } from "./secret-values.ts";

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "innominatus-forge-"));
});
afterEach(() => rm(cwd, { recursive: true }));

const env = { GIT_TOKEN: "t0ken", FORGE_TOKEN: "f0rge", HOOK_SECRET: "h00k", APP_KEY: "k3y" };

async function load(url: string, forge: unknown, credentials?: unknown) {
  const repositories = [{ name: "shop", url, forge, credentials }];
  await writeFile(join(cwd, "innominatus.yaml"), JSON.stringify({ repositories }));
  const { settings, problems } = loadSettings({ env, flags: {}, cwd });
  return { settings, forge: settings?.repositories[0]?.forge, problems };
}

describe("a repository's forge", () => {
  const password = { passwordEnv: "GIT_TOKEN" };

  it.each([
    ["https://github.com/acme/platform.git", "github", "https://api.github.com", "acme/platform"],
    ["git@github.com:acme/platform.git", "github", "https://api.github.com", "acme/platform"],
    ["ssh://git@gitlab.com/a/b/c.git", "gitlab", "https://gitlab.com/api/v4", "a/b/c"],
    ["https://codeberg.org/acme/platform", "gitea", "https://codeberg.org/api/v1", "acme/platform"],
  ])("is what %s says", async (url, kind, apiUrl, repository) => {
    const { forge, problems } = await load(url, { tokenEnv: "FORGE_TOKEN" });
    expect(problems).toEqual([]);
    const auth = { kind: "token", tokenEnv: "FORGE_TOKEN" };
    expect(forge).toMatchObject({ kind, apiUrl, repository, auth, commitComments: false });
  });

  it("is asked with the repository's own password where nothing else is named", async () => {
    const { forge, problems } = await load("https://github.com/a/b", {}, password);
    expect(problems).toEqual([]);
    expect(forge?.auth).toEqual({ kind: "token", tokenEnv: "GIT_TOKEN" });
  });

  it("may be anywhere", async () => {
    const own = { kind: "github", url: "https://git.acme.dev/", tokenEnv: "FORGE_TOKEN" };
    const enterprise = await load("https://git.acme.dev/acme/platform.git", own);
    expect(enterprise.forge).toMatchObject({
      url: "https://git.acme.dev",
      apiUrl: "https://git.acme.dev/api/v3",
    });
    const elsewhere = { ...own, kind: "gitea", apiUrl: "http://10.0.0.7:3000/git/api/v1" };
    const inside = await load("git@git.acme.dev:acme/platform", {
      ...elsewhere,
      repository: "x/y",
    });
    expect(inside.forge).toMatchObject({
      apiUrl: "http://10.0.0.7:3000/git/api/v1",
      repository: "x/y",
    });
  });

  it("may be asked as an App, and its secrets are masked", async () => {
    const app = { id: 4711, installationId: 99, privateKeyEnv: "APP_KEY" };
    const { forge, problems, settings } = await load("https://github.com/a/b", {
      app,
      webhookSecretEnv: "HOOK_SECRET",
    });
    expect(problems).toEqual([]);
    expect(forge?.auth).toEqual({ kind: "app", ...app, id: "4711", installationId: "99" });
    const secrets = settings === undefined ? [] : secretValues(settings, env);
    expect(secrets).toEqual(expect.arrayContaining(["k3y", "h00k"]));
  });

  it("is none unless it is asked for", async () => {
    expect((await load("https://github.com/a/b", undefined, password)).forge).toBeUndefined();
  });

  it.each([
    ["a kind", "https://git.acme.dev/a/b", { tokenEnv: "FORGE_TOKEN" }, "/forge", "kind"],
    ["a token", "https://github.com/a/b", {}, "/forge", "tokenEnv"],
    ["a place", "./folder", { kind: "gitea", tokenEnv: "FORGE_TOKEN" }, "/forge", "url"],
    ["a variable", "https://github.com/a/b", { tokenEnv: "NONE" }, "/forge/tokenEnv", "NONE"],
    [
      "an address without credentials",
      "https://github.com/a/b",
      { tokenEnv: "FORGE_TOKEN", apiUrl: "https://u:p@x" },
      "/forge/apiUrl",
      "take them out",
    ],
    [
      "one way to authenticate",
      "https://github.com/a/b",
      {
        tokenEnv: "FORGE_TOKEN",
        app: { id: 1, installationId: 2, privateKeyEnv: "APP_KEY" },
      },
      "/forge/app",
      "remove one",
    ],
  ])("needs %s", async (_, url, forge, pointer, hint) => {
    const { problems } = await load(url, forge);
    const found = problems.filter((it) => it.pointer.endsWith(pointer));
    expect(`${found[0]?.message} ${found[0]?.hint}`).toContain(hint);
  });
});
