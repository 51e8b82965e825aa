import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import {
  cannedServer,
  runCtl,
  type CannedServer,
  type CtlOptions,
} from "../../../test/support/ctl.ts";

const token = "inn_s_0123456789";
const password = "correct horse";
let home = "";
let server: CannedServer;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "innominatus-ctl-"));
  server = await cannedServer({
    "POST /api/login": ({ body }) =>
      body === JSON.stringify({ username: "ada", password })
        ? { body: { token, username: "ada", role: "admin", expires: "2099-01-01T00:00:00.000Z" } }
        : {
            status: 401,
            body: { code: "wrong-password", detail: "the user or the password is wrong" },
          },
    "GET /api/user-info": ({ headers }) =>
      headers.authorization === `Bearer ${token}`
        ? { body: { username: "ada", role: "admin", team: "core" } }
        : { status: 401, body: {} },
    "POST /api/logout": { status: 204, body: "" },
    "POST /api/profile/api-keys": {
      status: 201,
      body: { key: "inn_k_42", name: "laptop", expires_at: "2099-02-01T00:00:00.000Z" },
    },
    "DELETE /api/profile/api-keys/laptop": { status: 204, body: "" },
  });
});
afterEach(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

const ctl = (words: readonly string[], options: CtlOptions = {}) =>
  runCtl(words, {
    ...options,
    env: { XDG_CONFIG_HOME: home, INNOMINATUS_API_BASE: server.url, ...options.env },
  });
const file = () => join(home, "innominatus", "credentials.json");
const login = () => ctl(["login", "--username", "ada"], { typed: [password] });

describe("login", () => {
  it("asks for the password without showing it, and keeps the token for its owner alone", async () => {
    const ran = await login();
    expect(ran).toMatchObject({ code: 0, asked: [{ question: "Password: ", hidden: true }] });
    expect(ran.stdout).toBe(`Signed in to ${server.url} as ada until 2099-01-01 00:00 UTC\n`);
    expect(ran.stdout + ran.stderr).not.toContain(password);
    expect(ran.stdout + ran.stderr).not.toContain(token);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, "innominatus"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(home, "innominatus"))).toEqual(["credentials.json"]);
    expect(await ctl(["whoami", "-o", "json"])).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify({ username: "ada", team: "core", role: "admin" }, null, 2)}\n`,
    });
  });

  it("takes the password from standard input", async () => {
    const words = ["login", "--username", "ada", "--password-stdin"];
    expect(await ctl(words, { piped: `${password}\n` })).toMatchObject({ code: 0, asked: [] });
  });

  it("asks for the user, too, on a terminal, and nobody where there is none", async () => {
    const ran = await ctl(["login"], { typed: ["ada", password] });
    expect(ran.asked.map((it) => it.hidden)).toEqual([false, true]);
    expect(await ctl(["login"])).toMatchObject({ code: 2 });
  });

  it("keeps nothing where it is refused, and says so with exit code 4", async () => {
    const ran = await ctl(["login", "--username", "ada"], { typed: ["wrong"] });
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain("next:");
    expect(ran.stdout + ran.stderr).not.toContain("wrong horse");
    await expect(stat(file())).rejects.toThrow("ENOENT");
  });

  it("keeps an API key in place of the session where it has a name", async () => {
    expect(
      await ctl(["login", "--username", "ada", "--name", "laptop"], { typed: [password] }),
    ).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(file(), "utf8"))).toMatchObject({
      servers: { [server.url]: { token: "inn_k_42" } },
    });
  });

  it("keeps what others keep there, each server by itself", async () => {
    const other = { username: "bob", token: "t", expires: null };
    await mkdir(join(home, "innominatus"));
    const before = { servers: { "https://other.example": other }, newer: 1 };
    await writeFile(file(), JSON.stringify(before));
    await login();
    expect(JSON.parse(await readFile(file(), "utf8"))).toMatchObject(before);
    await ctl(["logout"]);
    expect(JSON.parse(await readFile(file(), "utf8"))).toEqual(before);
  });

  it("closes a credentials file that others could read", async () => {
    await login();
    await chmod(file(), 0o644);
    await ctl(["whoami"]);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it("says that a damaged credentials file is, and nothing that is in it", async () => {
    await mkdir(join(home, "innominatus"));
    await writeFile(file(), `{"servers": {"x": "${token}"`);
    const ran = await ctl(["whoami"]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain(file());
    expect(ran.stderr).not.toContain(token);
  });
});

describe("the token", () => {
  const sent = () => server.asked.at(-1)?.headers.authorization;

  it("of the environment is stronger than the file's", async () => {
    await login();
    await ctl(["whoami"], { env: { INNOMINATUS_API_TOKEN: "one", IDP_API_KEY: "two" } });
    expect(sent()).toBe("Bearer one");
    await ctl(["whoami"], { env: { IDP_API_KEY: "two" } });
    expect(sent()).toBe("Bearer two");
  });

  it("is of one server only", async () => {
    await login();
    const ran = await ctl(["whoami", "--server", "http://127.0.0.1:9"]);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toContain("you are not signed in");
  });

  it("is said to have ended where it has", async () => {
    const expired = { username: "ada", token: "old", expires: "2020-01-01T00:00:00.000Z" };
    await mkdir(join(home, "innominatus"));
    await writeFile(file(), JSON.stringify({ servers: { [server.url]: expired } }));
    const ran = await ctl(["whoami"]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain("your session ended at 2020-01-01 00:00 UTC");
    expect(ran.stderr).toContain("innominatus-ctl login");
    expect(ran.stderr).not.toContain("Bearer");
  });

  it("that is refused is named by where it came from, not by itself", async () => {
    const ran = await ctl(["whoami"], { env: { IDP_API_KEY: "s3cret" } });
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toContain("IDP_API_KEY");
    expect(ran.stderr).not.toContain("s3cret");
  });
});

describe("logout", () => {
  it("ends the session and forgets the token, though the server be away", async () => {
    await login();
    expect(await ctl(["logout"])).toMatchObject({ code: 0 });
    expect(server.asked.at(-1)).toMatchObject({ path: "/api/logout" });
    expect(await ctl(["whoami"])).toMatchObject({ code: 4 });
    await login();
    await server.close();
    expect(await ctl(["logout"])).toMatchObject({
      code: 0,
      stdout: `Signed out of ${server.url}\n`,
    });
  });
});

describe("an API key", () => {
  it("is printed once, alone on standard output, and revoked by name", async () => {
    await login();
    expect(await ctl(["api-key", "create", "laptop"])).toMatchObject({
      code: 0,
      stdout: "inn_k_42\n",
    });
    expect(await ctl(["api-key", "revoke", "laptop"])).toMatchObject({ code: 0 });
    expect(server.asked.at(-1)).toMatchObject({ method: "DELETE" });
  });
});

const wrongServers = ["nowhere", "ftp://host", "http://user:pass@host"];
test.each(wrongServers)("--server %s is wrong usage", async (given) => {
  const ran = await ctl(["whoami", "--server", given]);
  expect(ran.code).toBe(2);
  expect(ran.stderr).not.toContain("pass@");
});
