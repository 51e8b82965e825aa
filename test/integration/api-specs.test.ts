/** Specs through the API: checked, planned, committed, and carried out by the controller. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSpecs } from "../../src/controller/specs.ts";
import type { ApiSettings } from "../../src/settings/api.ts";
import type { Forge, PullRequest } from "../../src/report/forge/forge.ts";
import type { Database } from "../../src/store/database.ts";
import { spec, specPath, thingsProvider } from "../e2e/things.ts";
import { jsonOf, listOf, openTestApi, textIn, type TestApi } from "../support/api.ts";
import { openTestDatabase } from "../support/database.ts";
import { connectTo } from "../support/forge/connect.ts";
import { trouble, writes } from "../support/forge/faults.ts";
import { openTestForge, type TestForge } from "../support/forge/test-forge.ts";
import { openPlatform, type Platform } from "../support/platform.ts";
import { runningClock } from "../support/step.ts";
import type { Files, Origin } from "../support/repository.ts";

let db: Database;
const opened: Platform[] = [];
beforeAll(async () => {
  db = await openTestDatabase("embedded");
}, 60_000);
afterAll(async () => {
  for (const it of opened) await it.close();
  await db.close();
});

interface Opened {
  readonly platform: Platform;
  readonly api: TestApi;
}

async function open(
  settings: Partial<ApiSettings> = {},
  forge?: () => Pick<Forge, "openPullRequest">,
  originOf?: (files: Files) => Promise<Origin>,
): Promise<Opened> {
  const platform = await openPlatform(db, (root) => thingsProvider(root), originOf);
  opened.push(platform);
  await platform.sync();
  const { repository } = platform.scope;
  const all = { path: "apps/{name}/score.yaml", mode: "commit" as const, repository, ...settings };
  const specs = createSpecs({
    services: platform.services,
    settings: all,
    repositoryOf: (name) => (name === repository ? platform.repository : undefined),
    forgeOf: () => forge?.(),
  });
  const { sealer, clock, log } = platform.services;
  const api = await openTestApi(db, { specs, sealer, clock, log, settings: all });
  return { platform, api };
}

const yaml = (text: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/yaml" },
  body: text,
});

describe("POST /api/specs", () => {
  it("commits the spec as its author, says what follows, and the controller makes it so", async () => {
    const { platform, api } = await open();
    const response = await api.as("operator", "/api/specs", yaml(spec("shop", { db: {} })));
    const answer = await jsonOf(response);
    expect([response.status, answer]).toMatchObject([
      201,
      {
        name: "shop",
        status: "success",
        branch: "main",
        file: specPath("shop"),
        changed: true,
        pull_request: null,
        plan: {
          summary: { create: 1 },
          operations: [{ uid: "thing.default#shop.db", operation: "create" }],
        },
      },
    ]);
    const [commit] = await platform.origin.log();
    expect(commit?.commit).toBe(answer["commit"]);
    expect(commit?.author).toMatch(/^operator </);
    expect(commit?.message).toContain("Submit shop in default");
    expect(await platform.origin.readFile("main", specPath("shop"))).toBe(spec("shop", { db: {} }));

    // Without a fetch: what was pushed is known.
    await platform.repository.pass(new AbortController().signal);
    await platform.work();
    const [resource] = await listOf(await api.as("viewer", "/api/resources?app=shop"));
    expect(resource).toMatchObject({
      state: "active",
      health_status: "healthy",
      commit: answer["commit"],
      provider_id: "things-team@1.0.0",
      provider_metadata: {
        outputs: { host: "shop.db.example", password: "secret://default/shop/db/password" },
      },
    });
    const events = await listOf(await api.as("viewer", "/api/events?type=SpecSubmitted&app=shop"));
    expect(events).toMatchObject([{ actor: "operator", commit: answer["commit"] }]);
  });

  it("commits under both names what an administrator submits as another", async () => {
    const { platform, api } = await open();
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ username: "operator" });
    const acting = await api.as("admin", "/api/impersonate", { method: "POST", headers, body });
    expect(acting.status).toBe(200);
    const response = await api.as("admin", "/api/specs", yaml(spec("shop", {})));
    expect(response.status).toBe(201);
    const [commit] = await platform.origin.log();
    expect(commit?.author).toMatch(/^admin as operator </);
    const events = await listOf(await api.as("viewer", "/api/events?type=SpecSubmitted"));
    const own = events.filter((it) => it["commit"] === commit?.commit);
    expect(own).toMatchObject([{ actor: "admin as operator" }]);
  });

  it("law 9: makes no commit for what git has already", async () => {
    const { platform, api } = await open();
    const first = await jsonOf(await api.as("operator", "/api/specs", yaml(spec("shop", {}))));
    const again = await jsonOf(await api.as("operator", "/api/specs", yaml(spec("shop", {}))));
    expect(again).toMatchObject({ changed: false, commit: first["commit"] });
    expect(await platform.origin.log()).toHaveLength(2);
  });

  it("law 10: tells every mistake at once, with its place, and commits nothing", async () => {
    const { platform, api } = await open();
    const tip = await platform.origin.tip();
    const text = `apiVersion: score.dev/v1b1
metadata:
  name: shop
containers:
  main:
    imag: nginx
resources:
  db:
    type: nobody-serves-this
    class: 7
`;
    const response = await api.as("operator", "/api/specs", yaml(text));
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const answer = await jsonOf(response);
    expect([response.status, answer["code"]]).toEqual([422, "spec-problems"]);
    expect(answer["problems"]).toMatchObject([
      { file: specPath("shop"), line: 5, severity: "error" },
      { line: 6, severity: "error" },
      { line: 10, severity: "error" },
    ]);
    expect(await platform.origin.tip()).toBe(tip);
  });

  it("says so where nobody serves a type", async () => {
    const { api } = await open();
    const text = spec("shop", { db: {} }).replaceAll("thing", "nothing");
    const answer = await jsonOf(await api.as("operator", "/api/specs", yaml(text)));
    expect(JSON.stringify(answer["problems"])).toContain("nothing");
  });

  it("takes JSON, and keeps it as YAML", async () => {
    const { platform, api } = await open();
    const given = {
      apiVersion: "score.dev/v1b1",
      metadata: { name: "shop" },
      containers: { main: { image: "nginx" } },
    };
    const response = await api.as("operator", "/api/applications", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(given),
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("deprecation")).toBe("true");
    expect(await platform.origin.readFile("main", specPath("shop"))).toBe(
      "apiVersion: score.dev/v1b1\nmetadata:\n  name: shop\ncontainers:\n  main:\n    image: nginx\n",
    );
  });

  it("makes the commit anew on the new tip when somebody else has pushed first", async () => {
    const { platform, api } = await open();
    const theirs = await platform.origin.commit({ "README.md": "hello\n" });
    const answer = await jsonOf(await api.as("operator", "/api/specs", yaml(spec("shop", {}))));
    const [own] = await platform.origin.log();
    expect(own).toMatchObject({ commit: answer["commit"], parents: [theirs] });
  });

  it("changes a workload where its file is, and leaves files of several alone", async () => {
    const { platform, api } = await open();
    await platform.origin.commit({
      "apps/elsewhere/score.yaml": spec("shop", {}),
      "apps/both/score.yaml": `${spec("one", {})}---\n${spec("two", {})}`,
    });
    await platform.sync();
    const moved = await jsonOf(
      await api.as("operator", "/api/specs", yaml(spec("shop", { db: {} }))),
    );
    expect(moved["file"]).toBe("apps/elsewhere/score.yaml");
    const response = await api.as("operator", "/api/specs", yaml(spec("one", { db: {} })));
    expect([response.status, await jsonOf(response)]).toMatchObject([
      409,
      { code: "conflict", detail: "apps/both/score.yaml holds two too" },
    ]);
  });

  it("refuses a team's member a workload of others, before anything is read", async () => {
    const { platform, api } = await open({ teams: [{ name: "payments", workloads: ["pay*"] }] });
    const tip = await platform.origin.tip();
    const refused = await api.as("payer", "/api/specs", yaml(spec("shop", {})));
    expect(refused.status).toBe(403);
    expect(await platform.origin.tip()).toBe(tip);
    expect((await api.as("payer", "/api/specs", yaml(spec("payout", {})))).status).toBe(201);
  });

  it("never leaves the configured path, whatever the name is", async () => {
    const { platform, api } = await open();
    const tip = await platform.origin.tip();
    for (const name of ["../../x", ".git/config", "a/b", "A", "x".repeat(64)]) {
      const text = spec("shop", {}).replace("shop", () => name);
      expect(text).toContain(name);
      const response = await api.as("operator", "/api/specs", yaml(text));
      expect(response.status).toBe(422);
    }
    expect(await platform.origin.tip()).toBe(tip);
  });

  it("says why git takes no commit, and what to do: as where its branch is checked out", async () => {
    const { platform, api } = await open();
    const submit = () => api.as("operator", "/api/specs", yaml(spec("shop", {})));
    await platform.origin.git(["config", "core.bare", "false"]);
    const refused = await submit();
    expect([refused.status, await jsonOf(refused)]).toMatchObject([
      503,
      {
        code: "unavailable",
        detail: expect.stringContaining("checked out"),
        hint: expect.stringContaining("receive.denyCurrentBranch"),
      },
    ]);
    await platform.origin.git(["config", "core.bare", "true"]);
    expect((await submit()).status).toBe(201);
  });

  it("opens a pull request where the settings say so, and leaves the branch alone", async () => {
    const asked: unknown[] = [];
    const pullRequest: PullRequest = {
      number: 7,
      title: "Submit shop in default",
      state: "open",
      draft: false,
      author: { id: 1, login: "bot" },
      head: { commit: "c", branch: "b", fork: false },
      base: "main",
      mergeCommit: undefined,
      updatedAt: "2026-01-01T00:00:00Z",
      url: "https://forge.example/pulls/7",
    };
    const forge = {
      openPullRequest: async (given: unknown) => {
        asked.push(given);
        return pullRequest;
      },
    };
    const { platform, api } = await open({ mode: "pull-request" }, () => forge);
    const tip = await platform.origin.tip();
    const answer = await jsonOf(await api.as("operator", "/api/specs", yaml(spec("shop", {}))));
    expect(answer).toMatchObject({ pull_request: { number: 7 }, changed: true });
    const head = `innominatus/specs/shop-${textIn(answer, "commit").slice(0, 12)}`;
    expect(asked).toMatchObject([{ head, base: "main", title: "Submit shop in default" }]);
    expect(await platform.origin.tip(head)).toBe(answer["commit"]);
    expect(await platform.origin.tip()).toBe(tip);
  });
});

describe.each(["github", "gitea", "gitlab"] as const)("as a pull request on %s", (kind) => {
  let forge: TestForge;
  let opened: Opened;
  beforeAll(async () => {
    const originOf = async (files: Files) => {
      forge = await openTestForge({ kind, files });
      return forge.git;
    };
    opened = await open(
      { mode: "pull-request" },
      () => connectTo(forge, { clock: runningClock }),
      originOf,
    );
  }, 60_000);
  afterAll(() => forge.close());
  const branches = async () =>
    (await opened.platform.origin.git(["branch", "--list", "innominatus/specs/*"]))
      .split("\n")
      .filter((it) => it !== "");

  it("leaves no branch behind where the forge opens none, says so, and succeeds the next time", async () => {
    const { platform, api } = opened;
    const tip = await platform.origin.tip();
    forge.faults.push(...Array.from({ length: 9 }, () => trouble(503, writes)));
    const refused = await api.as("operator", "/api/specs", yaml(spec("shop", {})));
    expect([
      refused.status,
      refused.headers.get("content-type"),
      await jsonOf(refused),
    ]).toMatchObject([
      503,
      "application/problem+json",
      { code: "unavailable", detail: expect.stringContaining("is removed again") },
    ]);
    expect(await branches()).toEqual([]);

    forge.faults.length = 0;
    const answer = await jsonOf(await api.as("operator", "/api/specs", yaml(spec("shop", {}))));
    expect(answer).toMatchObject({ changed: true, pull_request: { number: expect.any(Number) } });
    expect(await branches()).toHaveLength(1);
    expect(await platform.origin.tip()).toBe(tip);
    expect(forge.violations).toEqual([]);
  });
});

describe("DELETE /api/specs/:name", () => {
  it("commits the removal, and the controller deletes what it made", async () => {
    const { platform, api } = await open();
    await api.as("operator", "/api/specs", yaml(spec("shop", { db: {} })));
    await platform.sync();
    expect(await platform.things()).toHaveLength(1);
    const response = await api.as("operator", "/api/specs/shop", { method: "DELETE" });
    expect([response.status, await jsonOf(response)]).toMatchObject([
      200,
      { plan: { summary: { delete: 1 } } },
    ]);
    expect(await platform.origin.readFile("main", specPath("shop"))).toBeUndefined();
    await platform.sync();
    expect(await platform.things()).toEqual([]);
    const all = `/api/resources?app=shop&repository=${platform.scope.repository}`;
    const gone = await listOf(await api.as("viewer", `${all}&state=terminated`));
    expect(gone).toMatchObject([{ state: "terminated" }]);
    expect(await listOf(await api.as("viewer", all))).toEqual([]);
  });

  it("says so where git has no such spec", async () => {
    const { api } = await open();
    const response = await api.as("operator", "/api/specs/nowhere", { method: "DELETE" });
    expect(response.status).toBe(404);
  });
});

describe("GET /api/specs", () => {
  it("is an object by name, and one of them has its text", async () => {
    const { platform, api } = await open();
    const { repository } = platform.scope;
    const text = spec("shop", { db: {} });
    await api.as("operator", "/api/specs", yaml(text));
    await platform.sync();
    const all = await jsonOf(await api.as("viewer", `/api/specs?repository=${repository}`));
    expect(all).toMatchObject({
      shop: { ready: "True", resources: [{ name: "db", type: "thing", state: "active" }] },
    });
    const one = await jsonOf(await api.as("viewer", `/api/specs/shop?repository=${repository}`));
    expect(one).toMatchObject({ name: "shop", content: text, problems: [] });
  });
});

describe("GET /api/resources/:id/secrets/:key", () => {
  it("gives the value to those who may, and the trail has who read it", async () => {
    const { platform, api } = await open();
    await api.as("operator", "/api/specs", yaml(spec("shop", { db: {} })));
    await platform.sync();
    const [resource] = await listOf(
      await api.as("viewer", `/api/resources?repository=${platform.scope.repository}`),
    );
    const path = `/api/resources/${textIn(resource, "id")}/secrets/password`;
    expect((await api.as("viewer", path)).status).toBe(403);
    const read = await jsonOf(await api.as("operator", path));
    expect(read["value"]).toMatch(/^[A-Za-z0-9]{24}$/);
    const events = await api.as("viewer", "/api/events?type=SecretRead");
    expect(await listOf(events)).toMatchObject([{ actor: "operator", data: { key: "password" } }]);
    expect(JSON.stringify(await listOf(await api.as("admin", "/api/events")))).not.toContain(
      textIn(read, "value"),
    );
  });
});
