/**
 * innominatus-ctl as people run it, against the server as people run it: both built, each in a process
 * of its own, with a real repository between them. `testdata/ctl.txt` is what the commands print.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { z } from "zod";
import { buildProgram, type BuiltProgram } from "../support/built.ts";
import type { Ran } from "../support/cli.ts";
import { createOrigin, type Origin } from "../support/repository.ts";

const password = "a password of this test";
const scripts = join(import.meta.dirname, "../../scripts");

const spec = (name: string, type: string, size: string): string => `apiVersion: score.dev/v1b1
metadata:
  name: ${name}
containers:
  main:
    image: nginx:1.27
resources:
  db:
    type: ${type}
    params:
      size: ${size}
`;

/** Its one step waits for longer than any test does. */
const slowProvider = {
  "providers/slow/provider.yaml": JSON.stringify({
    apiVersion: "v1",
    kind: "Provider",
    metadata: { name: "slow-team", version: "1.0.0" },
    capabilities: {
      resourceTypeCapabilities: [
        {
          type: "slow",
          operations: { create: { workflow: "make" }, delete: { workflow: "make" } },
        },
      ],
    },
    workflows: [{ name: "make", file: "./make.yaml" }],
  }),
  "providers/slow/make.yaml": JSON.stringify({
    apiVersion: "innominatus.io/v1alpha1",
    kind: "Workflow",
    metadata: { name: "make" },
    parameters: [{ name: "size", type: "string" }],
    steps: [{ name: "sleep", type: "policy", config: { script: "sleep 300" } }],
  }),
};

let folder = "";
let built: BuiltProgram;
let origin: Origin;
let server: ChildProcess;
let url = "";
let log = "";
/** Everything that any command but `secret get` printed. */
let printed = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-ctl-"));
  [built, origin] = await Promise.all([
    buildProgram(),
    createOrigin({ "README.md": "Apps\n", ...slowProvider }),
  ]);
  server = spawn(
    process.execPath,
    [
      join(built.folder, "dist/cli/main.js"),
      "--repo",
      origin.url,
      "--port",
      "0",
      "--data-dir",
      join(folder, "data"),
    ],
    {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder, INNOMINATUS_ADMIN_PASSWORD: password },
    },
  );
  url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      const listening = /"url":"([^"]+)"/.exec(log)?.[1];
      if (listening !== undefined) found(listening);
    };
    server.stdout?.on("data", read);
    server.stderr?.on("data", read);
    server.once("close", () => failed(new Error(`the server ended:\n${log}`)));
  });
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      (it) => it.ok,
      () => false,
    );
  for (let tries = 0; !(await isReady()); tries++) {
    if (tries > 600) throw new Error(`the server is not ready:\n${log}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}, 240_000);

afterAll(async () => {
  const ended = new Promise((done) => server.once("close", done));
  // It would wait for the end of the slow step.
  server.kill("SIGKILL");
  await ended;
  await built.remove();
  await origin.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface CtlOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Interrupts it as soon as it has printed this. */
  readonly interruptAt?: string;
}

function run(command: string, words: readonly string[], options: CtlOptions = {}): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(command, words, {
      cwd: folder,
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        XDG_CONFIG_HOME: join(folder, "config"),
        INNOMINATUS_API_BASE: url,
        ...options.env,
      },
    });
    let [stdout, stderr, interrupted] = ["", "", false];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (interrupted || options.interruptAt === undefined) return;
      if (stdout.includes(options.interruptAt)) interrupted = child.kill("SIGINT");
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", failed);
    child.on("close", (code) => {
      if (words[1] !== "secret") printed += stdout + stderr;
      done({ code: code ?? -1, stdout, stderr });
    });
    child.stdin.end(options.input ?? "");
  });
}

const ctl = (words: readonly string[], options?: CtlOptions): Promise<Ran> =>
  run(process.execPath, [join(built.folder, "dist/cli/ctl.js"), ...words], options);

const tokenInFile = async (): Promise<string> => {
  const text = await readFile(join(folder, "config/innominatus/credentials.json"), "utf8");
  return /inn_[sk]_[\w-]+/.exec(text)?.[0] ?? "";
};

/** What came with the last version: a server of before does not tell it. */
const recent: ReadonlySet<string> = new Set([
  "resource_class",
  "phase",
  "desired_operation",
  "gate",
  "stalled",
  "next_attempt_at",
  "protected",
  "dependencies",
  "resource_uid",
  "attempts",
  "needs_approval",
  "problems",
]);

/** The server, as its neighbour of a version would answer: with fields less, or fields more. */
async function serverOfAge(age: "older" | "newer") {
  let changes = 0;
  const changed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(changed);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, it]) => [key, changed(it)] as const);
    changes += 1;
    if (age === "older") return Object.fromEntries(entries.filter(([key]) => !recent.has(key)));
    return {
      ...Object.fromEntries(entries),
      ...(isNamed(value) ? { cost: { monthly: [3] } } : {}),
    };
  };
  const proxy = createServer((request, response) => {
    const { authorization = "" } = request.headers;
    fetch(`${url}${request.url}`, { headers: { authorization } })
      .then(async (answer) => {
        const type = answer.headers.get("content-type") ?? "";
        const text = await answer.text();
        response.writeHead(answer.status, { "content-type": type, "x-new": "1" });
        response.end(type.includes("json") ? JSON.stringify(changed(JSON.parse(text))) : text);
      })
      .catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const address = proxy.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    changed: () => changes,
    close: () => new Promise((done) => proxy.close(done)),
  };
}

/** A thing, and not a map of names to things. */
const isNamed = (value: object): boolean =>
  ["id", "name", "uid", "hash", "step_name"].some((key) => key in value);

const isWritten = {
  json: (text: string) => z.json().safeParse(JSON.parse(text)).success,
  yaml: (text: string) =>
    parseDocument(text).errors.length === 0 && !/^(\{|\[.)/.test(text.trim().replace(/^\[\]$/, "")),
};

const login = () =>
  ctl(["login", "--username", "admin", "--password-stdin"], { input: `${password}\n` });

/** What differs from run to run, by its kind. */
const steady = (text: string): string =>
  text
    .replaceAll(url, "SERVER")
    .replaceAll(built.folder, "HOME")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "ID")
    .replaceAll(/shop_db_default_[0-9a-f]+/g, "shop_db_default_HASH")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "TIME")
    .replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, "TIME")
    .replaceAll(/\b(\d+(\.\d)?s|\d+m\d\ds)\b/g, "N s")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "HASH")
    .replaceAll(/\b[0-9a-f]{8}\b/g, "COMMIT")
    .replaceAll(/origin-[0-9a-f]+/g, "origin")
    .replaceAll(/ {2,}/g, "  ");

describe("innominatus-ctl with a server", { timeout: 240_000 }, () => {
  it("is not let in before a login, nor with a token that is none", async () => {
    expect(await ctl(["list"])).toMatchObject({ code: 4, stdout: "" });
    const env = { INNOMINATUS_API_TOKEN: "inn_s_expired" };
    const refused = await ctl(["list"], { env });
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toMatch(/does not accept the token[^]*INNOMINATUS_API_TOKEN/);
    const wrong = ["login", "--username", "admin", "--password-stdin"];
    expect(await ctl(wrong, { input: "guess" })).toMatchObject({ code: 4 });
  });

  it("signs in, and keeps the token for its owner alone", async () => {
    expect(await login()).toMatchObject({ code: 0, stderr: "" });
    const file = join(folder, "config/innominatus/credentials.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("demonstrates itself in less than 15 seconds, and removes what it made", async () => {
    const env = { INNOMINATUS_ADMIN_PASSWORD: password, NO_COLOR: "1" };
    const ran = await run("bash", [join(scripts, "demo-postgres-provisioning.sh")], { env });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(
      /healthy[^]*database-team@[^]*active[^]*create-postgres-mock: completed/,
    );
    expect(ran.stdout).toContain("password: secret://default/postgres-mock-app/db/password");
    expect(Number(/after (\d+) s/.exec(ran.stdout)?.[1])).toBeLessThan(15);
    expect(await origin.readFile("main", "apps/postgres-mock-app/score.yaml")).toBeUndefined();
  });

  it("deploys, follows to the end, and tells of it by every command", async () => {
    await writeFile(join(folder, "shop.yaml"), spec("shop", "postgres-mock", "small"));
    const deployed = await ctl(["deploy", "shop.yaml", "--timeout", "60s"]);
    expect(deployed).toMatchObject({ code: 0, stderr: "" });
    expect(deployed.stdout).toMatch(
      /^Submitting Score specification: shop\nSpec submitted successfully!\nCommit \w{8} on main: apps\/shop\/score\.yaml\n[^]*✓ create postgres-mock\.default#shop\.db active\n1 done/,
    );
    const [first] = z
      .array(z.object({ id: z.string() }))
      .parse(JSON.parse((await ctl(["workflow", "list", "shop", "-o", "json"])).stdout));
    const id = first?.id ?? "";
    const told = [
      ["whoami"],
      ["list"],
      ["status", "shop"],
      ["list-resources", "shop", "--type", "postgres-mock", "--state", "active"],
      ["resource", "get", "shop.db"],
      ["workflow", "list", "shop"],
      ["list-workflows", "shop", "--status", "failed"],
      ["workflow", "detail", id],
      ["workflow", "logs", id.slice(-12), "-f"],
      ["logs", id],
      ["why", "shop.db"],
      ["plan", "--limit", "1"],
      ["environments"],
      ["graph-status", "shop"],
      ["graph-export", "shop", "--format", "mermaid"],
      ["list-resources", "--state", "failed"],
      ["api-key", "list"],
    ];
    let golden = "";
    for (const words of told) {
      const { code, stdout, stderr } = await ctl(words);
      const line = words.join(" ").replace(id, "ID").replace(id.slice(-12), "ID");
      golden += `$ innominatus-ctl ${line}\n${steady(stdout)}`;
      expect(`${line}: ${code} ${stderr}`).toBe(`${line}: 0 `);
    }
    await expect(golden).toMatchFileSnapshot("testdata/ctl.txt");
    for (const words of [["list-providers"], ["provider", "list"], ["stats"], ["events", "shop"]]) {
      const json = await ctl([...words, "-o", "json"]);
      expect(json).toMatchObject({ code: 0, stderr: "" });
      expect(json.stdout).toMatch(/^[[{]/);
      expect(await ctl([...words, "-o", "yaml"])).toMatchObject({ code: 0 });
    }
    const svg = join(folder, "shop.svg");
    expect(await ctl(["graph-export", "shop", "--output", svg])).toMatchObject({ code: 0 });
    expect(await readFile(svg, "utf8")).toContain("<svg ");
  });

  it("completes names that only the server knows", async () => {
    const ran = await ctl(["__complete", "--", "resource", "get", "postgres-mock.default#s"]);
    expect(ran.stdout).toBe("postgres-mock.default#shop.db\tactive\n");
  });

  it("reads a secret where it is asked for by name, and nothing else prints one", async () => {
    const { code, stdout: value } = await ctl(["secret", "get", "shop.db", "password"]);
    expect(code).toBe(0);
    expect(value.length).toBeGreaterThan(8);
    const reference = await ctl(["secret", "get", "secret://default/shop/db/password"]);
    expect(reference.stdout).toBe(value);
    expect(printed).toContain("secret://default/shop/db/password");
    expect(printed + log).not.toContain(value);
    expect(printed + log).not.toContain(password);
    const events = await ctl(["events", "-o", "json"]);
    expect(events.stdout).toContain("SecretRead");
  });

  it("makes an API key, works with it alone, and ends it", async () => {
    const { code, stdout } = await ctl(["api-key", "create", "ci", "--scope", "read"]);
    expect(code).toBe(0);
    const env = { IDP_API_KEY: stdout.trim(), XDG_CONFIG_HOME: join(folder, "nobody") };
    expect(await ctl(["list"], { env })).toMatchObject({ code: 0 });
    const refused = await ctl(["secret", "get", "shop.db", "password"], { env });
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(await ctl(["api-key", "revoke", "ci"])).toMatchObject({ code: 0 });
    expect(await ctl(["list"], { env })).toMatchObject({ code: 4 });
  });

  it("shows administrators what there is, and reads providers again", async () => {
    const shown = await ctl(["admin", "show", "-o", "json"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({ repositories: [{ url: origin.url }] });
    expect((await ctl(["admin", "list-users"])).stdout).toMatch(/admin +admin +store/);
    expect(await ctl(["team", "list"])).toMatchObject({ code: 0, stdout: "no teams\n" });
    const reloaded = await ctl(["provider", "reload", "-o", "json"]);
    expect(reloaded).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(reloaded.stdout)).toMatchObject({ success: true });
    const healthy = await ctl(["resource", "health", "shop.db"]);
    expect(healthy).toMatchObject({ code: 0, stderr: "" });
    const analysed = await ctl(["analyze", "shop.yaml"]);
    expect(analysed.stdout).toContain("critical path: db");
  });

  it("changes nothing that is declared elsewhere, and says where", async () => {
    const rows: [readonly string[], string][] = [
      [
        ["admin", "add-user", "--username", "ada", "--password", "x", "--role", "user"],
        "username: ada",
      ],
      [["team", "create", "--name", "pay"], "name: pay"],
      [["resource", "update", "shop.db", '{"size":"large"}'], "size: large"],
      [["resource", "transition", "shop.db", "failed"], "resource retry"],
    ];
    for (const [words, told] of rows) {
      const { code, stdout, stderr } = await ctl(words);
      expect(`${words.join(" ")}: ${code} ${stdout}`).toBe(`${words.join(" ")}: 1 `);
      expect(stderr).toContain(told);
    }
    const { stdout } = await ctl(["resource", "get", "shop.db", "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ state: "active", configuration: { size: "small" } });
  });

  it("says every mistake of a spec with its place, and what is not there", async () => {
    const broken = spec("shop", "nosuch", "small").replace("params", "parms");
    await writeFile(join(folder, "broken.yaml"), broken);
    const ran = await ctl(["deploy", "broken.yaml"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/score\.yaml:\d+:\d+: schema\/unknown-field/);
    const missing = [
      ["status", "nothing"],
      ["resource", "get", "nothing.db"],
      ["workflow", "detail", "00000000-0000-0000-0000-000000000000"],
      ["graph-status", "nothing"],
      ["approve", "0123456789"],
      ["retry", "shop.db"],
      ["deploy", "not-there.yaml"],
    ];
    for (const words of missing) {
      const { code, stdout, stderr } = await ctl(words);
      expect(`${words.join(" ")}: ${code} ${stdout}`).toBe(`${words.join(" ")}: 1 `);
      expect(stderr).toMatch(/^error: [^]*\n {2}where: [^]*\n {2}next: /);
    }
  });

  it("stops following when it is interrupted or time is up, and the server goes on", async () => {
    await writeFile(join(folder, "slow.yaml"), spec("slow", "slow", "small"));
    const stopped = await ctl(["deploy", "slow.yaml"], { interruptAt: "step 1/1 sleep" });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain("only the watching has ended");
    const { stdout } = await ctl(["list-resources", "slow", "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject([{ state: "provisioning" }]);
    await writeFile(join(folder, "late.yaml"), spec("late", "slow", "small"));
    const late = await ctl(["deploy", "late.yaml", "--timeout", "1s"]);
    expect(late.code).toBe(3);
    expect(late.stderr).toContain("the server goes on with it");
  });

  it("ends a run that is under way, at the end of its step", async () => {
    const rows = z.array(z.object({ id: z.string(), status: z.string() }));
    const list = ["workflow", "list", "slow", "-o", "json"];
    const [first] = rows.parse(JSON.parse((await ctl(list)).stdout));
    const id = first?.id ?? "";
    const ran = await ctl(["cancel", id]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toBe(`${id} ends with its step\n`);
    const again = await ctl(["cancel", id]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("is ending, anyway");
  });

  it("takes a resource out of its spec, and leaves the rest of it", async () => {
    const two = spec("pair", "postgres-mock", "small").replace(
      "resources:\n",
      "resources:\n  # the one that stays\n  cache:\n    type: postgres-mock\n    params: { size: small }\n",
    );
    await writeFile(join(folder, "pair.yaml"), two);
    expect(await ctl(["deploy", "pair.yaml", "--timeout", "60s"])).toMatchObject({ code: 0 });
    const ran = await ctl(["resource", "delete", "pair.db", "--timeout", "60s"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("✓ delete postgres-mock.default#pair.db deleted");
    const left = await origin.readFile("main", "apps/pair/score.yaml");
    expect(left).toContain("# the one that stays");
    expect(left).not.toContain("db:");
    const list = await ctl(["list-resources", "pair", "-o", "json"]);
    expect(JSON.parse(list.stdout)).toMatchObject([{ uid: "postgres-mock.default#pair.cache" }]);
  });

  it.each(["json", "yaml"] as const)("prints every list as %s, too", async (format) => {
    const lists = [
      ["list"],
      ["list-resources"],
      ["workflow", "list"],
      ["plan"],
      ["environments"],
      ["api-key", "list"],
      ["status", "shop"],
      ["resource", "get", "shop.db"],
    ];
    for (const words of lists) {
      const { code, stdout, stderr } = await ctl([...words, "-o", format]);
      expect(`${words.join(" ")}: ${code} ${stderr}`).toBe(`${words.join(" ")}: 0 `);
      expect(`${words.join(" ")}: ${isWritten[format](stdout)}`).toBe(`${words.join(" ")}: true`);
    }
  });

  it.each(["older", "newer"] as const)(
    "works with a server that is %s by a version",
    async (age) => {
      const proxy = await serverOfAge(age);
      const env = { INNOMINATUS_API_BASE: proxy.url, INNOMINATUS_API_TOKEN: await tokenInFile() };
      try {
        const asked = [
          ["list"],
          ["status", "shop"],
          ["list-resources", "shop"],
          ["resource", "get", "shop.db"],
          ["workflow", "list", "shop"],
          ["list-providers"],
          ["environments"],
          ["plan", "--limit", "1"],
          ["events", "shop"],
        ];
        for (const words of asked) {
          const { code, stderr, stdout } = await ctl(words, { env });
          expect(`${words.join(" ")}: ${code} ${stderr}`).toBe(`${words.join(" ")}: 0 `);
          expect(stdout).not.toMatch(/undefined|NaN|\[object/);
        }
        expect(proxy.changed()).toBeGreaterThan(asked.length);
      } finally {
        await proxy.close();
      }
    },
  );

  it("removes a workload from git, and follows until it is gone", async () => {
    const ran = await ctl(["delete", "shop", "--timeout", "60s"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("✓ delete postgres-mock.default#shop.db deleted");
    expect(await origin.readFile("main", "apps/shop/score.yaml")).toBeUndefined();
  });

  it("approves a plan that waits for it, and the plan is carried out", async () => {
    const settings = `apiVersion: innominatus.dev/v1\nkind: Repository\ndeletion:\n  approval: always\n`;
    await origin.commit({ ".innominatus.yaml": settings });
    const removed = await ctl(["delete", "pair", "--no-wait"]);
    expect(removed).toMatchObject({ code: 0, stderr: "" });
    const plans = z.array(
      z.object({ hash: z.string(), current: z.boolean(), needs_approval: z.boolean() }),
    );
    const waiting = async (): Promise<string | undefined> => {
      const { stdout } = await ctl(["plan", "--limit", "5", "-o", "json"]);
      return plans.parse(JSON.parse(stdout)).find((it) => it.current && it.needs_approval)?.hash;
    };
    let hash = await waiting();
    for (let tries = 0; hash === undefined && tries < 60; tries++) hash = await waiting();
    const held = await ctl(["list-resources", "pair"]);
    expect(held.stdout).toContain("pair.cache");
    const ran = await ctl(["approve", (hash ?? "").slice(0, 12)]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("approved");
    let left = "";
    for (let tries = 0; tries < 60; tries++) {
      left = (await ctl(["list-resources", "pair", "-o", "json"])).stdout.trim();
      if (left === "[]") break;
    }
    expect(left).toBe("[]");
    await origin.remove([".innominatus.yaml"]);
  });

  it("signs out, and the token is of no use any more", async () => {
    const file = join(folder, "config/innominatus/credentials.json");
    const before = await readFile(file, "utf8");
    expect(await ctl(["logout"])).toMatchObject({ code: 0 });
    await writeFile(file, before);
    expect(await ctl(["whoami"])).toMatchObject({ code: 4 });
  });
});
