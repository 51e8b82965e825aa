import { afterEach, describe, expect, it, test } from "vitest";
import {
  cannedServer,
  runCtl,
  type Canned,
  type CannedServer,
  type CtlOptions,
} from "../../../test/support/ctl.ts";

let server: CannedServer | undefined;
afterEach(() => server?.close());

type Answers = Parameters<typeof cannedServer>[0];

async function ctl(answers: Answers, words: readonly string[], options: CtlOptions = {}) {
  await server?.close();
  server = await cannedServer(answers);
  return runCtl(words, {
    ...options,
    env: {
      INNOMINATUS_API_BASE: server.url,
      INNOMINATUS_API_TOKEN: "s3cret-token",
      ...options.env,
    },
  });
}

const db = {
  id: "0b5a4d0e-0000-4000-8000-000000000001",
  uid: "postgres.default#shop.db",
  application_name: "shop",
  resource_name: "db",
  resource_type: "postgres",
  environment: "production",
  state: "active",
  phase: "active",
  gate: null,
  provider_id: "database-team@1.0.0",
  provider_metadata: {
    outputs: { host: "db.internal" },
    secret_refs: { password: "secret://production/shop/db/password" },
  },
  workflow_execution_id: "run-1",
  error_message: null,
  updated_at: "2026-01-01T00:00:00.000Z",
};

describe("a server", () => {
  const refusals: [string, Canned, number, RegExp][] = [
    ["that does not take the token", { status: 401, body: {} }, 4, /does not accept the token/],
    [
      "that does not allow it",
      { status: 403, body: { detail: "operators only" } },
      4,
      /operators only/,
    ],
    [
      "that has no such endpoint",
      { status: 404, body: "404 page not found" },
      1,
      /does not know this request[^]*version/,
    ],
    ["that has no such method", { status: 405, body: "" }, 1, /does not know this request/],
    ["that is asked too often", { status: 429, headers: { "retry-after": "30" } }, 1, /wait 30 s/],
    [
      "that redirects",
      { status: 302, headers: { location: "https://sso.example/" } },
      1,
      /redirects to https:\/\/sso\.example/,
    ],
    [
      "that is broken",
      { status: 500, body: { detail: "internal error" } },
      1,
      /internal error[^]*log/,
    ],
    ["that is something else", { body: "<html>hello</html>" }, 1, /is not understood/],
    ["that cuts off its answer", { body: "[", cut: true }, 1, /cannot be reached/],
  ];
  test.each(refusals)("%s is told in three parts", async (_, answer, code, text) => {
    const ran = await ctl({ "GET /api/stats": answer }, ["stats"]);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toMatch(text);
    expect(ran.stderr).toMatch(/error: [^]*where: [^]*next: /);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).not.toContain("s3cret-token");
  });

  it("that is away is told with its address", async () => {
    const ran = await ctl({}, ["stats", "--server", "http://127.0.0.1:9"]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toMatch(/cannot be reached\n {2}where: http:\/\/127\.0\.0\.1:9\n/);
    expect(ran.stderr).toContain("INNOMINATUS_API_BASE");
  });

  it("that finds mistakes in a file has each shown with its place", async () => {
    const problems = [1, 2].map((line) => ({
      file: "spec.yaml",
      line,
      column: 3,
      code: "schema/unknown-field",
      message: "unknown field",
      hint: "remove it",
    }));
    const ran = await ctl(
      {
        "GET /api/resources": { body: [] },
        "POST /api/specs": { status: 422, body: { detail: "the spec has mistakes", problems } },
      },
      ["deploy", "-"],
      { piped: "metadata: { name: shop }" },
    );
    expect(ran).toMatchObject({ code: 1, stdout: "Submitting Score specification: shop\n" });
    expect(ran.stderr).toContain("spec.yaml:1:3: schema/unknown-field: unknown field (remove it)");
    expect(ran.stderr).toContain("spec.yaml:2:3:");
  });
});

describe("a server of another version", () => {
  it("may say more: it is passed over, and printed as JSON", async () => {
    const newer = { ...db, cost: { monthly: 3 }, state: "hibernating" };
    const answers = { "GET /api/resources": { body: [newer] } };
    const table = await ctl(answers, ["list-resources"]);
    expect(table).toMatchObject({ code: 0 });
    expect(table.stdout).toContain("hibernating");
    const json = await ctl(answers, ["list-resources", "-o", "json"]);
    expect(JSON.parse(json.stdout)).toMatchObject([{ cost: { monthly: 3 } }]);
  });

  const old = {
    id: 7,
    application_name: "shop",
    resource_name: "db",
    resource_type: "postgres",
    state: "active",
  };
  const shapes: [string, unknown][] = [
    ["bare", [old]],
    ["under a key", { resources: [old], application: "shop" }],
    ["by application, as upstream has it", { shop: [old] }],
  ];
  test.each(shapes)("may say less, and its lists may be %s", async (_, body) => {
    const ran = await ctl({ "GET /api/resources": { body } }, ["list-resources", "shop"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout.split("\n")[1]).toMatch(/^shop\.db\s+postgres\s+active/);
  });

  it("that says nothing of what follows is not waited for", async () => {
    const ran = await ctl(
      {
        "GET /api/resources": { body: {} },
        "POST /api/specs": {
          status: 201,
          body: { message: "ok", name: "shop", status: "success" },
        },
      },
      ["deploy", "-"],
      { piped: "metadata: { name: shop }" },
    );
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("Spec submitted successfully!\n");
  });

  it("that filters by nothing has its lists filtered here", async () => {
    const other = { ...db, id: "2", uid: "redis.default#shop.cache", resource_type: "redis" };
    const ran = await ctl({ "GET /api/resources": { body: [db, other] } }, [
      "list-resources",
      "--type",
      "redis",
    ]);
    expect(ran.stdout).toContain("shop.cache");
    expect(ran.stdout).not.toContain("shop.db");
  });
});

describe("a list", () => {
  it("is read to its last page, and no page twice", async () => {
    const page = (cursor: string, next?: string): Canned => ({
      headers:
        next === undefined ? {} : { link: `</api/resources?limit=100&cursor=${next}>; rel="next"` },
      body: [{ ...db, id: cursor, uid: `postgres.default#shop.${cursor}` }],
    });
    const answers: Answers = {
      "GET /api/resources": ({ path }) =>
        path.includes("cursor=b") ? page("b", "b") : page("a", "b"),
    };
    const ran = await ctl(answers, ["list-resources"]);
    expect(ran.code).toBe(0);
    expect(
      ran.stdout
        .split("\n")
        .slice(1, -1)
        .map((it) => it.split(" ")[0]),
    ).toEqual(["postgres.default#shop.a", "postgres.default#shop.b"]);
    expect(server?.asked).toHaveLength(2);
  });

  it("of none is a sentence, or an empty list", async () => {
    expect(await ctl({ "GET /api/specs": { body: [] } }, ["list"])).toMatchObject({
      stdout: "nothing is deployed\n",
    });
    expect(await ctl({ "GET /api/specs": { body: [] } }, ["-o", "json", "list"])).toMatchObject({
      stdout: "[]\n",
    });
  });
});

describe("a secret", () => {
  const answers = (value: string): Answers => ({
    "GET /api/resources": { body: [db] },
    [`GET /api/resources/${db.id}`]: { body: db },
    "GET /api/resources/postgres.default%23shop.db": { body: db },
    [`GET /api/resources/${db.id}/secrets/password`]: { body: { key: "password", value } },
  });

  const names = [
    ["shop.db", "password"],
    ["shop.db"],
    [db.uid, "password"],
    [db.id, "password"],
    ["secret://production/shop/db/password"],
  ];
  test.each(names.map((it) => [it]))("is printed by `secret get %s` alone", async (words) => {
    const ran = await ctl(answers("hunter2"), ["secret", "get", ...words]);
    expect(ran).toMatchObject({ code: 0, stdout: "hunter2", stderr: "" });
  });

  it("is a reference everywhere else", async () => {
    for (const words of [
      ["resource", "get", "shop.db"],
      ["list-resources", "-o", "json"],
    ]) {
      const ran = await ctl(answers("hunter2"), words);
      expect(ran.code).toBe(0);
      expect(ran.stdout + ran.stderr).not.toContain("hunter2");
    }
    expect((await ctl(answers("x"), ["resource", "get", "shop.db"])).stdout).toContain(
      "secret://production/shop/db/password",
    );
  });
});

describe("logs that are followed", () => {
  const line = (id: number, text: string) =>
    `id: ${id}\nevent: log\ndata: ${JSON.stringify({ id: String(id), step: "role", at: "2026-01-01T00:00:00.000Z", text })}\n\n`;
  const run = { id: "7", workflow_name: "create-postgres", status: "completed", steps: [] };

  it("go on where they were cut off, and end when the run has", async () => {
    let calls = 0;
    const answers: Answers = {
      "GET /api/workflows/7": { body: run },
      "GET /api/workflows/7/logs": () => {
        calls += 1;
        return calls === 1
          ? { body: `: hello\n\n${line(1, "one")}${line(2, "two")}`, cut: true }
          : { body: `${line(3, "three\u001b[2J")}event: end\ndata: {}\n\n${line(4, "never")}` };
      },
    };
    const ran = await ctl(answers, ["logs", "-f", "7"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toBe(
      ["one", "two", "three\\u{1b}[2J"].map((it) => `00:00:00.000 role | ${it}\n`).join(""),
    );
    expect(server?.asked.findLast((it) => it.path.includes("/logs"))?.path).toContain("after=2");
  });

  it("of a run that failed end with exit code 1", async () => {
    const answers: Answers = {
      "GET /api/workflows/7": { body: { ...run, status: "failed", error_message: "no room" } },
      "GET /api/workflows/7/logs": { body: "event: end\n\n" },
    };
    const ran = await ctl(answers, ["workflow", "logs", "7", "--follow"]);
    expect(ran).toMatchObject({ code: 1, stderr: "failed: no room\n" });
  });
});

describe("retry", () => {
  it("takes a run for its resource, as upstream's scripts do, and says what it does not read", async () => {
    const answers: Answers = {
      "GET /api/workflows/7": { body: { id: 7, status: "failed", resource_id: db.id } },
      [`GET /api/resources/${db.id}`]: { body: db },
      [`POST /api/resources/${db.id}/retry`]: { body: { message: "it is tried again" } },
    };
    const ran = await ctl(answers, ["retry", "7", "score.yaml"]);
    expect(ran).toMatchObject({ code: 0, stdout: "it is tried again\n" });
    expect(ran.stderr).toContain("score.yaml is not read");
  });
});

describe("resource delete", () => {
  it("takes the resource out of its spec, and leaves the rest of the file as it was", async () => {
    const content = `# our shop\nmetadata:\n  name: shop\nresources:\n  db: # the database\n    type: postgres\n  cache:\n    type: redis # small\n`;
    const answers: Answers = {
      "GET /api/resources": { body: [db] },
      "GET /api/specs/shop": { body: { name: "shop", content } },
      "POST /api/specs": { status: 201, body: { name: "shop", file: "apps/shop/score.yaml" } },
    };
    const ran = await ctl(answers, ["resource", "delete", "shop.db", "--no-wait"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(server?.asked.at(-1)?.body).toBe(
      `# our shop\nmetadata:\n  name: shop\nresources:\n  cache:\n    type: redis # small\n`,
    );
  });

  it("is refused where the spec does not ask for it", async () => {
    const answers: Answers = {
      "GET /api/resources": { body: [db] },
      "GET /api/specs/shop": { body: { name: "shop", content: "metadata: { name: shop }" } },
    };
    expect(await ctl(answers, ["resource", "delete", "shop.db"])).toMatchObject({ code: 1 });
    expect(server?.asked.every((it) => it.method === "GET")).toBe(true);
  });
});
