/** A repository behind HTTP that refuses, dawdles, talks nonsense or breaks off; and a disk too small for it. */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { build } from "./support/cli.ts";
import { expectInvariants } from "./support/invariants.ts";
import { openLab, until, untilQuiet, urlOf, type Lab, type LabOptions } from "./support/lab.ts";
import { specsOf, things, type Wanted } from "./support/ledger.ts";

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const it of cleanUps.splice(0).toReversed()) await it();
});
beforeAll(build, 180_000);

async function lab(options: LabOptions): Promise<Lab> {
  const opened = await openLab(options);
  cleanUps.push(() => opened.close());
  return opened;
}

const sized = (size: string): Wanted => ({ shop: { t0: size, t1: size } });

const reasonRow = z.object({ reason: z.string() });
const reasonOf = async ({ db }: Lab): Promise<string> =>
  reasonRow.parse((await db.query("select reason from environments")).rows[0]).reason;

/** Answers as a git server would in trouble; `undefined`: as a sound one. */
type Trouble = (request: IncomingMessage, response: ServerResponse) => void;

const answer =
  (status: number, type: string, body: string | Buffer): Trouble =>
  (_, response) =>
    void response.writeHead(status, { "content-type": type }).end(body);
const advertisement = "application/x-git-upload-pack-advertisement";

const troubles: readonly (readonly [string, Trouble])[] = [
  ["is not reachable", (request) => void request.socket.destroy()],
  ["answers 503", answer(503, "text/plain", "try later")],
  ["wants a password", answer(401, "text/plain", "who are you?")],
  ["does not know the repository", answer(404, "text/plain", "not found")],
  ["answers with a page for people", answer(200, "text/html", "<html>Please sign in</html>")],
  ["answers with nonsense", answer(200, advertisement, "001e# service=git-upload-pack\n0000ffff")],
  ["answers with no refs at all", answer(200, advertisement, randomBytes(400))],
  [
    "breaks off",
    (_, response) => {
      response.writeHead(200, { "content-type": advertisement, "content-length": "4096" });
      response.write("001e# service=git-upload-pack\n", () => response.destroy());
    },
  ],
];

describe("a remote", () => {
  it("law 1: that is in trouble deletes nothing, is told of, and is followed again when it is sound", async () => {
    const at = await lab({ wanted: sized("small") });
    const server = await serveGit(at.origin.url);
    const running = await at.serve("one", { repo: server.url });
    await untilQuiet(at);
    const health = async () => (await fetch(`${await urlOf(running)}/health`)).text();
    for (const [index, [what, trouble]] of troubles.entries()) {
      server.trouble(trouble);
      // What is pushed asks for a deletion: nothing half-read may be taken for it.
      const size = index % 2 === 0 ? "medium" : "large";
      await at.origin.commit(specsOf(sized(size)), `While it ${what}`);
      // To git, some nonsense is a repository without a branch: it is held as one whose branch is gone.
      const told = async () =>
        (await health()).includes("degraded") || (await reasonOf(at)) === "BranchMissing";
      await until(`a remote that ${what} is told of`, told);
      expect([what, Object.keys(await things(at.world))]).toEqual([what, ["t0", "t1"]]);
      server.trouble(undefined);
      await until(`one that ${what} no more is followed`, async () =>
        Object.values(await things(at.world)).every((it) => it === size),
      );
    }
    // Slow is no trouble.
    server.delay(1_500);
    await at.origin.commit(specsOf({ shop: { t1: "small" } }), "Slowly");
    await untilQuiet(at);
    server.delay(0);
    expect(running.child.exitCode).toBeNull();
    await expectInvariants(at, server.url);
  });

  it("law 1: whose pack is cut in the middle leaves the last good snapshot", async () => {
    const at = await lab({ wanted: sized("small") });
    const server = await serveGit(at.origin.url);
    const running = await at.serve("one", { repo: server.url });
    await untilQuiet(at);
    server.cutPacks(true);
    const filler = { "docs/filler.bin": randomBytes(300_000) };
    await at.origin.commit({ ...specsOf(sized("large")), ...filler }, "Larger");
    await running.said("fetching the repository");
    expect(await things(at.world)).toEqual({ t0: "small", t1: "small" });
    server.cutPacks(false);
    await untilQuiet(at);
    await expectInvariants(at, server.url);
  });
});

describe("a disk", () => {
  it("that fills up under the mirror is told of, and gone on with once there is space", async (test) => {
    const at = await lab({ wanted: sized("small") });
    const mirrors = join(at.dataDir("one"), "mirrors");
    await mkdir(mirrors, { recursive: true });
    if (!mountTmpfs(mirrors, "400k"))
      return test.skip("mounting a small file system is not allowed here");
    const running = await at.serve("one");
    await untilQuiet(at);
    const filler = { "docs/filler.bin": randomBytes(600_000) };
    await at.origin.commit({ ...specsOf(sized("large")), ...filler }, "Larger");
    await running.said("free space on the disk");
    expect(await things(at.world)).toEqual({ t0: "small", t1: "small" });
    execFileSync("mount", ["-o", "remount,size=64m", mirrors]);
    await untilQuiet(at);
    expect(running.child.exitCode).toBeNull();
    await expectInvariants(at);
  });
});

interface GitServer {
  readonly url: string;
  trouble(given: Trouble | undefined): void;
  /** Before each answer. */
  delay(ms: number): void;
  cutPacks(given: boolean): void;
}

/** The repository over HTTP, by git's own `http-backend`. */
async function serveGit(repository: string): Promise<GitServer> {
  let current: Trouble | undefined;
  let delayMs = 0;
  let cutting = false;
  const server = createServer((request, response) => {
    const serve = current ?? ((asked, answered) => backend(repository, asked, answered, cutting));
    setTimeout(() => serve(request, response), delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  execFileSync("git", ["-C", repository, "config", "http.receivepack", "true"]);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/origin.git`,
    trouble: (given) => (current = given),
    delay: (ms) => (delayMs = ms),
    cutPacks: (given) => (cutting = given),
  };
}

function backend(
  repository: string,
  request: IncomingMessage,
  response: ServerResponse,
  cutting: boolean,
): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: dirname(repository),
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"],
      CONTENT_LENGTH: request.headers["content-length"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      GIT_PROTOCOL: request.headers["git-protocol"]?.toString(),
    },
  });
  child.stdin.on("error", () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("close", () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf("\r\n\r\n");
    const headers = output
      .toString("latin1", 0, end)
      .split("\r\n")
      .map((it) => it.split(": "));
    const status = Number(headers.find(([name]) => name === "Status")?.[1]?.slice(0, 3) ?? 200);
    const named = headers.filter(([name]) => name !== "Status");
    response.writeHead(
      status,
      Object.fromEntries(named.map(([name = "", value = ""]) => [name, value])),
    );
    const body = output.subarray(end + 4);
    if (!cutting || body.length < 100_000) return void response.end(body);
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  });
}

function mountTmpfs(folder: string, size: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return false;
  }
  cleanUps.push(() => void execFileSync("umount", ["--lazy", folder]));
  return true;
}
