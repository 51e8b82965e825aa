import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { loadSettings, type LoadedSettings, type SettingsInput } from "./load.ts";
import { secretValues } from "./secret-values.ts";
import type { Settings } from "./settings.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "innominatus-settings-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function load(given: Partial<SettingsInput> & { yaml?: string } = {}): LoadedSettings {
  const { yaml, ...input } = given;
  if (yaml !== undefined) writeFileSync(join(cwd, "innominatus.yaml"), yaml);
  return loadSettings({ env: {}, flags: {}, cwd, ...input });
}

function settingsOf(given: Parameters<typeof load>[0]): Settings {
  const { settings, problems } = load(given);
  if (settings === undefined) throw new Error(`found problems: ${JSON.stringify(problems)}`);
  return settings;
}

const codes = (loaded: LoadedSettings): string[] =>
  loaded.problems.map(({ file, line, code }) => `${file}:${line} ${code}`);

test("without file, variable or flag every setting has its default", () => {
  expect(load()).toEqual({
    problems: [],
    settings: {
      clusters: [],
      dataDir: join(cwd, "data"),
      databaseUrl: undefined,
      encryptionKey: undefined,
      listen: { host: "127.0.0.1", port: 8081 },
      repositories: [],
      providers: [],
      connections: {},
      pollMs: 60_000,
      resyncMs: 3_600_000,
      workers: 10,
      workersPerProvider: 4,
      leaseMs: 60_000,
      heartbeatMs: 15_000,
      runTimeoutMs: 86_400_000,
      cooldown: { resourcesMs: 0, targetsMs: 300_000, byTargetMs: {} },
      stepRetry: { baseMs: 5_000, factor: 2, capMs: 180_000 },
      runRetry: { baseMs: 60_000, capMs: 600_000, stallAfter: 5 },
      auditRetentionMs: 7_776_000_000,
      api: {
        path: "apps/{name}/score.yaml",
        mode: "commit",
        sessionMs: 43_200_000,
        metrics: "open",
        cors: [],
        trustedProxies: 0,
        login: { perUser: 10, perAddress: 50, windowMs: 900_000 },
        bodyBytes: 1_048_576,
        users: [],
        teams: [],
      },
      log: { level: "info", encoding: "json" },
    },
  });
});

test("a file of nothing but comments is a file of defaults", () => {
  expect(load({ yaml: "# nothing yet\n" }).settings).toEqual(load().settings);
});

test("the whole file", () => {
  const settings = settingsOf({
    env: {
      SHARED_URL: "postgresql://ino:pw@db:5432/postgres",
      GIT_TOKEN: "token",
    },
    yaml: `apiVersion: innominatus.dev/v1
kind: Controller
dataDir: /var/lib/innominatus
listen: { host: 0.0.0.0, port: 9000 }
repositories:
  - { name: platform, url: https://git.example.com/platform.git, credentials: { passwordEnv: GIT_TOKEN } }
  - { name: local, url: ./origin.git, credentials: { sshKeyFile: keys/id } }
providers:
  - { name: ours, type: folder, path: ./providers }
  - { name: theirs, type: git, repository: https://git.example.com/p.git, ref: v1, path: providers }
  - { name: tip, type: git, repository: https://git.example.com/q.git }
connections:
  shared: { urlEnv: SHARED_URL, publicHost: db.example.com, publicPort: 6432 }
intervals: { poll: 30s, resync: 2h }
workers: { count: 20, perProvider: 8, lease: 30s, heartbeat: 5s, runTimeout: 2h }
cooldown: { resources: 1s, targets: 1m, byTarget: { node/one: 10m } }
retry:
  step: { base: 1s, factor: 3, cap: 1m }
  run: { base: 10s, cap: 5m, stallAfter: 3 }
audit: { url: "https://audit.example.com", tokenEnv: SINK_TOKEN, interval: 5s, retention: 720h }
log: { level: debug, encoding: console }
`,
  });
  expect(settings).toMatchObject({
    dataDir: "/var/lib/innominatus",
    listen: { host: "0.0.0.0", port: 9000 },
    repositories: [
      { name: "platform", credentials: { passwordEnv: "GIT_TOKEN" } },
      {
        name: "local",
        url: join(cwd, "origin.git"),
        credentials: { sshKeyFile: join(cwd, "keys/id") },
      },
    ],
    providers: [
      { name: "ours", kind: "folder", path: join(cwd, "providers") },
      { name: "theirs", kind: "git", ref: "v1", path: "providers" },
      { name: "tip", kind: "git", ref: "HEAD" },
    ],
    connections: {
      shared: {
        url: "postgresql://ino:pw@db:5432/postgres",
        publicHost: "db.example.com",
        publicPort: 6432,
      },
    },
    pollMs: 30_000,
    resyncMs: 7_200_000,
    workers: 20,
    workersPerProvider: 8,
    leaseMs: 30_000,
    heartbeatMs: 5_000,
    runTimeoutMs: 7_200_000,
    cooldown: { resourcesMs: 1_000, targetsMs: 60_000, byTargetMs: { "node/one": 600_000 } },
    stepRetry: { baseMs: 1_000, factor: 3, capMs: 60_000 },
    runRetry: { baseMs: 10_000, capMs: 300_000, stallAfter: 3 },
    auditSink: { url: "https://audit.example.com", tokenEnv: "SINK_TOKEN", intervalMs: 5_000 },
    auditRetentionMs: 2_592_000_000,
    log: { level: "debug", encoding: "console" },
  });
});

describe("precedence", () => {
  const yaml = "listen: { port: 1 }\nlog: { level: error }\n";

  it("is file, then environment, then flags", () => {
    const env = { INNOMINATUS_PORT: "2" };
    expect(settingsOf({ yaml }).listen.port).toBe(1);
    expect(settingsOf({ yaml, env }).listen.port).toBe(2);
    expect(settingsOf({ yaml, env, flags: { port: "3" } }).listen.port).toBe(3);
    expect(settingsOf({ env: { DATABASE_URL: "postgres://a/b" } }).databaseUrl).toBe(
      "postgres://a/b",
    );
    expect(
      settingsOf({
        env: { DATABASE_URL: "postgres://a/b" },
        flags: { databaseUrl: "postgres://c/d" },
      }).databaseUrl,
    ).toBe("postgres://c/d");
  });

  it("takes upstream's LOG_LEVEL only where ours is not set, and an empty variable for none", () => {
    expect(settingsOf({ yaml, env: { LOG_LEVEL: "debug" } }).log.level).toBe("debug");
    const both = { LOG_LEVEL: "debug", INNOMINATUS_LOG_LEVEL: "warn" };
    expect(settingsOf({ yaml, env: both }).log.level).toBe("warn");
    expect(settingsOf({ yaml, env: { INNOMINATUS_LOG_LEVEL: "" } }).log.level).toBe("error");
  });

  it("takes a path in the file from the file's folder, and one that was typed from here", () => {
    const folder = mkdtempSync(join(cwd, "etc-"));
    const file = join(folder, "settings.yaml");
    writeFileSync(file, "dataDir: state\n");
    expect(settingsOf({ file }).dataDir).toBe(join(folder, "state"));
    expect(settingsOf({ file, flags: { dataDir: "state" } }).dataDir).toBe(join(cwd, "state"));
    expect(settingsOf({ env: { INNOMINATUS_CONFIG: file } }).dataDir).toBe(join(folder, "state"));
  });
});

describe("one repository by flag", () => {
  const yaml =
    "repositories: [{ name: platform, url: ./platform.git }, { name: other, url: ./other.git }]\n";

  it("is the configured one of that name or place, alone", () => {
    for (const repo of ["platform", "./platform.git"]) {
      const { repositories } = settingsOf({ yaml, flags: { repo } });
      expect(repositories).toEqual([{ name: "platform", url: join(cwd, "platform.git") }]);
    }
  });

  it("is named after its URL when nothing configures it, with the credentials that are for it", () => {
    const env = { INNOMINATUS_REPO: "https://git.example.com/Team/My_Shop.git" };
    expect(settingsOf({ env }).repositories).toEqual([
      { name: "my-shop-0dd24c", url: "https://git.example.com/Team/My_Shop.git" },
    ]);
    const authorised = { ...env, INNOMINATUS_GIT_PASSWORD: "token" };
    expect(settingsOf({ env: authorised }).repositories[0]?.credentials).toEqual({
      passwordEnv: "INNOMINATUS_GIT_PASSWORD",
    });
    expect(settingsOf({ flags: { repo: "git@git.example.com:shop.git" } }).repositories).toEqual([
      { name: "shop-5d2da9", url: "git@git.example.com:shop.git" },
    ]);
  });

  const nameOf = (repo: string) => settingsOf({ flags: { repo } }).repositories[0]?.name;

  it("has one name in every spelling of its URL, and another one than any other of its basename", () => {
    const url = "https://git.example.com/team/shop";
    for (const it of [`${url}.git`, `${url}/`, "https://GIT.example.com/team/shop"]) {
      expect(nameOf(it)).toBe(nameOf(url));
    }
    const others = [url, "https://git.example.com/else/shop", "./a/shop.git", "./b/shop.git"];
    expect(new Set(others.map(nameOf)).size).toBe(others.length);
  });

  it.each(["./...", `./${"long-".repeat(30)}x`, "./-a-", "./Ünï"])(
    "has a name that fits: %s",
    (it) => {
      expect(nameOf(it)).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/);
    },
  );

  it("is the configured one in another spelling of its URL, too", () => {
    const remote = "repositories: [{ name: shop, url: 'https://git.example.com/team/shop' }]\n";
    const { repositories } = settingsOf({
      yaml: remote,
      flags: { repo: "https://git.example.com/team/shop.git" },
    });
    expect(repositories.map((it) => it.name)).toEqual(["shop"]);
  });
});

describe("connections", () => {
  it("come from INNOMINATUS_CONNECTION_<NAME>, over the file's or by themselves", () => {
    const { connections } = settingsOf({
      yaml: "connections: { shared-pg: { urlEnv: SHARED_URL, publicHost: db } }\n",
      env: {
        SHARED_URL: "postgres://named/db",
        INNOMINATUS_CONNECTION_SHARED_PG: "postgres://env/db",
        INNOMINATUS_CONNECTION_OTHER: "postgres://other/db",
      },
    });
    expect(connections).toEqual({
      "shared-pg": { url: "postgres://env/db", publicHost: "db" },
      other: { url: "postgres://other/db" },
    });
  });

  it("are read from the file that a _FILE variable names", () => {
    const file = join(cwd, "url");
    writeFileSync(file, "postgres://mounted/db\n");
    const { connections } = settingsOf({ env: { INNOMINATUS_CONNECTION_SHARED_FILE: file } });
    expect(connections).toEqual({ shared: { url: "postgres://mounted/db" } });
  });
});

describe("upstream's admin-config.yaml", () => {
  const write = (yaml: string) => writeFileSync(join(cwd, "admin-config.yaml"), yaml);

  it("gives its enabled providers, and says what is ignored", () => {
    write(`admin: { defaultRuntime: kubernetes }
providers:
  - { name: off, type: filesystem, path: ./off }
  - { name: database-team, type: filesystem, path: ./providers/database-team, category: data, enabled: true }
  - { name: remote, type: git, repository: https://git.example.com/p.git, ref: main, enabled: true }
`);
    const loaded = load();
    expect(loaded.settings?.providers).toEqual([
      { name: "database-team", kind: "folder", path: join(cwd, "providers/database-team") },
      { name: "remote", kind: "git", repository: "https://git.example.com/p.git", ref: "main" },
    ]);
    expect(codes(loaded)).toEqual(["admin-config.yaml:1 settings/ignored"]);
  });

  it("has its mistakes told at their own lines", () => {
    write(`providers:
  - { name: off, type: git }
  - { name: on, type: git, enabled: true }
`);
    expect(codes(load())).toEqual(["admin-config.yaml:3 settings/provider-source"]);
  });
});

describe("mistakes", () => {
  it("law 10: are told all at once, each in its place", () => {
    const loaded = load({
      env: { INNOMINATUS_PORT: "http" },
      flags: { poll: "soon" },
      yaml: `dataDirectory: x
workers: { count: 0 }
log: { level: loud }
intervals: { resync: 5 parsecs }
repositories: [{ name: A B, url: x }]
`,
    });
    expect(loaded.settings).toBeUndefined();
    expect(codes(loaded)).toEqual([
      "--poll:1 settings/duration",
      "INNOMINATUS_PORT:1 settings/number",
      "innominatus.yaml:1 schema/unknown-field",
      "innominatus.yaml:2 settings/number",
      "innominatus.yaml:3 schema/invalid-value",
      "innominatus.yaml:4 settings/duration",
      "innominatus.yaml:5 schema/invalid-format",
    ]);
  });

  const rows: [string, string, Record<string, string>, string][] = [
    [
      "a variable that is not set",
      "connections: { a: { urlEnv: NOT_SET } }",
      {},
      "settings/connection-url",
    ],
    ["an audit sink of no address", "audit: { url: audit }", {}, "settings/audit-url"],
    [
      "a password in the audit sink's URL",
      "audit: { url: 'https://u:p@h' }",
      {},
      "settings/password-in-file",
    ],
    ["a connection without URL", "connections: { a: {} }", {}, "settings/connection-url"],
    [
      "a password in the file",
      "connections: { a: { url: 'postgres://u:p@h/d' } }",
      {},
      "settings/password-in-file",
    ],
    ["a database of another kind", "", { DATABASE_URL: "mysql://a/b" }, "settings/database-url"],
    [
      "credentials in a URL",
      "repositories: [{ name: a, url: 'https://u:p@h/r' }]",
      {},
      "settings/credentials-in-url",
    ],
    [
      "a token in a URL",
      "repositories: [{ name: a, url: 'https://t@h/r' }]",
      {},
      "settings/credentials-in-url",
    ],
    [
      "credentials in INNOMINATUS_REPO",
      "",
      { INNOMINATUS_REPO: "https://u:p@h/r" },
      "settings/credentials-in-url",
    ],
    [
      "credentials that are not set",
      "repositories: [{ name: a, url: 'https://h/r', credentials: { passwordEnv: NOT_SET } }]",
      {},
      "settings/variable-unset",
    ],
    [
      "two repositories of one name",
      "repositories: [{ name: a, url: x }, { name: a, url: y }]",
      {},
      "settings/duplicate-name",
    ],
    [
      "two providers of one name",
      "providers: [{ name: a, type: folder, path: x }, { name: a, type: folder, path: y }]",
      {},
      "settings/duplicate-name",
    ],
    [
      "a folder without path",
      "providers: [{ name: a, type: folder }]",
      {},
      "settings/provider-source",
    ],
    [
      "a heartbeat as slow as the lease",
      "workers: { lease: 10s, heartbeat: 6s }",
      {},
      "settings/heartbeat",
    ],
    [
      "a secret said twice",
      "",
      { DATABASE_URL: "postgres://a/b", DATABASE_URL_FILE: "x" },
      "settings/secret-unreadable",
    ],
    [
      "a secret's file that is not there",
      "",
      { INNOMINATUS_ENCRYPTION_KEY_FILE: "/nowhere" },
      "settings/secret-unreadable",
    ],
    ["two documents", "log: {}\n---\nlog: {}", {}, "settings/several-documents"],
    ["text that is no YAML", "log: [", {}, "yaml/"],
  ];
  it.each(rows)("%s", (_, yaml, env, code) => {
    const loaded = load({ yaml, env });
    const given = codes(loaded).filter((it) => it.includes(code));
    expect(given).toHaveLength(1);
  });

  it("in a file that was asked for and is not there is an error, and nothing is guessed", () => {
    const loaded = load({ file: "nowhere.yaml" });
    expect(codes(loaded)).toEqual(["nowhere.yaml:1 settings/file-unreadable"]);
    expect(loaded.settings).toBeUndefined();
  });

  it("law 7: never quote what may be a secret", () => {
    const secret = fc.stringMatching(/^[a-z0-9]{12,20}$/);
    const shapes = (it: string): Partial<SettingsInput> & { yaml?: string } => ({
      yaml: `databaseUrl: "${it}://u:${it}@h"
connections: { a: { url: "${it} ${it}" }, b: { url: "postgres://u:${it}@h/d" }, c: { url: [${it}] } }
repositories: [{ name: r, url: "https://u:${it}@h/r" }]
`,
      env: { INNOMINATUS_CONNECTION_X: `//${it}`, INNOMINATUS_REPO: `https://${it}@h/r` },
    });
    fc.assert(
      fc.property(secret, (it) => {
        const loaded = load(shapes(it));
        expect(JSON.stringify(loaded.problems)).not.toContain(it);
        const { yaml = "", ...rest } = shapes(it);
        const valid = load({ ...rest, yaml: yaml.replace(`, c: { url: [${it}] }`, "") });
        expect(valid.problems.length).toBeGreaterThan(4);
        expect(JSON.stringify(valid.problems)).not.toContain(it);
      }),
      { numRuns: 20 },
    );
  });
});

test("law 7: every secret of the settings is listed for masking", () => {
  const env = {
    DATABASE_URL: "postgres://u:p%40ss@h/d",
    INNOMINATUS_CONNECTION_A: "postgres://u:other@h/d",
    INNOMINATUS_ENCRYPTION_KEY: "new-key, old-key",
    INNOMINATUS_REPO: "https://h/r",
    INNOMINATUS_GIT_PASSWORD: "token",
    INNOMINATUS_AUDIT_URL: "https://audit",
    INNOMINATUS_AUDIT_TOKEN_ENV: "SINK",
    SINK: "sinks-token",
    INNOMINATUS_AUDIT_TOKEN: "our-token",
  };
  const values = secretValues(settingsOf({ env }), env);
  expect(values).toEqual([
    "new-key",
    "old-key",
    "other",
    "our-token",
    "p%40ss",
    "p@ss",
    "sinks-token",
    "token",
  ]);
});

test("a cluster says where it is, whom it serves, and as whom providers act in it", () => {
  const yaml = `clusters:
  main:
    environments: [production, shop/staging]
    kubeconfig: ./kubeconfig
    context: prod
    impersonate: { database-team: platform/db }
  own: { inCluster: true }
`;
  const [main, own] = settingsOf({ yaml }).clusters;
  expect(main).toMatchObject({
    name: "main",
    source: { kind: "kubeconfig", file: join(cwd, "kubeconfig"), context: "prod" },
    environments: ["production", "shop/staging"],
    impersonate: { "database-team": { user: "system:serviceaccount:platform:db" } },
  });
  expect(own).toMatchObject({
    source: { kind: "in-cluster" },
    environments: ["*"],
  });
});

test("a cluster is the one we run in or one of a kubeconfig, not both", () => {
  const yaml = "clusters:\n  both: { inCluster: true, context: prod }\n";
  expect(codes(load({ yaml }))).toEqual(["innominatus.yaml:2 settings/cluster"]);
});
