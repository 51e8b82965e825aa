import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gitEnvironment } from "./git-credentials.ts";

const password = "s3cr3t-$(touch x)-'\"\\-token";
const basic = (user: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

let folder: string;
let forge: Server;
let origin: string;
const offered: (string | undefined)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "innominatus-credentials-"));
  forge = createServer((request, response) => {
    offered.push(request.headers.authorization);
    response.writeHead(401, { "www-authenticate": 'Basic realm="forge"' }).end();
  });
  forge.listen(0, "127.0.0.1");
  await once(forge, "listening");
  const address = forge.address();
  origin = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(() => {
  forge.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  offered.length = 0;
});

/** What git prints about its own processes and their arguments. */
async function listRemote(url: string, environment: Readonly<Record<string, string>>) {
  const { PATH = "" } = process.env;
  const env = { PATH, HOME: folder, GIT_TERMINAL_PROMPT: "0", GIT_TRACE: "1", ...environment };
  return new Promise<string>((resolve) => {
    execFile("git", ["ls-remote", url], { env }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

describe("a password for git", () => {
  const env = { TOKEN: password, NAME: "robot" };

  it("law 7: reaches the server, and neither an argument, nor a URL, nor git's trace", async () => {
    const url = `${origin}/shop.git`;
    const credentials = { usernameEnv: "NAME", passwordEnv: "TOKEN" };
    const trace = await listRemote(url, gitEnvironment({ url, credentials }, env));
    expect(offered).toContain(basic("robot"));
    expect(trace).toContain("git ls-remote");
    expect(trace).not.toContain("s3cr3t");
  });

  it("goes with a user's name that forges ignore, where none is set", async () => {
    const url = `${origin}/shop.git`;
    await listRemote(url, gitEnvironment({ url, credentials: { passwordEnv: "TOKEN" } }, env));
    expect(offered).toContain(basic("git"));
  });

  it("law 7: is offered to no other host", async () => {
    const url = "https://git.example.com/shop.git";
    const environment = gitEnvironment({ url, credentials: { passwordEnv: "TOKEN" } }, env);
    await listRemote(`${origin}/shop.git`, environment);
    expect(offered).toEqual([undefined]);
  });

  it("is read afresh each time, so that a rotated file counts", () => {
    const file = join(folder, "token");
    const given = { url: "https://h/r", credentials: { passwordEnv: "TOKEN" } };
    const read = () => gitEnvironment(given, { TOKEN_FILE: file })["INNOMINATUS_HELPER_PASSWORD"];
    writeFileSync(file, "first\n");
    expect(read()).toBe("first");
    writeFileSync(file, "second\n");
    expect(read()).toBe("second");
  });

  it("that is missing, or would say more to git than a password, stalls", () => {
    const given = { url: "https://h/r", credentials: { passwordEnv: "TOKEN" } };
    expect(() => gitEnvironment(given, {})).toThrow("TOKEN is not set");
    expect(() => gitEnvironment(given, { TOKEN: "a\nhost=evil" })).toThrow("more than one line");
  });

  it("is not taken along where it is no use", () => {
    expect(gitEnvironment({ url: "/srv/shop.git" }, env)).toEqual({});
    const ssh = { url: "git@h:r.git", credentials: { passwordEnv: "TOKEN" } };
    expect(gitEnvironment(ssh, env)).toEqual({});
  });
});

it("a key for ssh is named by its path, whatever characters are in it", () => {
  const credentials = { sshKeyFile: "/keys/it's mine", knownHostsFile: "/keys/known hosts" };
  const { GIT_SSH_COMMAND } = gitEnvironment({ url: "git@h:r.git", credentials }, {});
  expect(GIT_SSH_COMMAND).toBe(
    `ssh -o BatchMode=yes -i '/keys/it'\\''s mine' -o IdentitiesOnly=yes -o 'UserKnownHostsFile="/keys/known hosts"' -o StrictHostKeyChecking=yes`,
  );
});
