import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../../test/support/database.ts";
import {
  jsonOf,
  listOf,
  openEmptyApi,
  password,
  textIn,
  type TestApi,
} from "../../../test/support/api.ts";
import { enqueue, uidOf, wish } from "../../../test/support/runs.ts";
import type { Database } from "../../store/database.ts";
import { registerRepository } from "../../store/environments.ts";

const loginWith = (username: string, given: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ username, password: given }),
});

describe.each(databases())("the API on %s", (kind) => {
  let db: Database;
  let api: TestApi;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(async () => {
    api = await openEmptyApi(db);
  });

  it("logs in with a password, and takes the token", async () => {
    const response = await api.fetch("/api/login", loginWith("operator", password));
    expect(response.status).toBe(200);
    const login = await jsonOf(response);
    expect(login).toMatchObject({ username: "operator", role: "operator", team: "" });
    const headers = { authorization: `Bearer ${textIn(login, "token")}` };
    const info = await api.fetch("/api/user-info", { headers });
    expect(await info.json()).toMatchObject({ username: "operator", everywhere: "operator" });
  });

  it("lists resources as upstream's `jq` lines read them", async () => {
    await wish(db, [uidOf("shop.a"), uidOf("shop.b")]);
    const response = await api.as("viewer", "/api/resources?type=thing");
    const list = await listOf(response);
    expect(list).toHaveLength(2);
    expect(list[0]).toMatchObject({
      uid: "thing.default#shop.a",
      application_name: "shop",
      resource_type: "thing",
      state: "requested",
      provider_id: "team@1.0.0",
      provider_metadata: { outputs: {} },
    });
  });

  it("pages a list by cursor, and no item is missed or twice while others are written", async () => {
    await wish(db, ["a", "c", "e", "g"].map(uidOf));
    const seen: string[] = [];
    let path: string | undefined = "/api/resources?limit=2";
    while (path !== undefined) {
      const response: Response = await api.as("viewer", path);
      for (const it of await listOf(response)) seen.push(textIn(it, "uid"));
      path = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      if (seen.length === 2) await wish(db, ["b", "f"].map(uidOf));
    }
    expect(seen).toEqual(["a", "c", "e", "f", "g"].map(uidOf));
  });

  it("pages environments in the store, of all repositories or of one", async () => {
    await db.query("truncate environments, repositories cascade");
    for (const repository of ["one", "two"]) {
      await registerRepository(db, repository, `https://git.example/${repository}`);
      for (const environment of ["dev", "live"]) {
        await db.query(
          `insert into environments (repository, environment, branch) values ($1, $2, 'main')`,
          [repository, environment],
        );
      }
    }
    const seen: string[] = [];
    let path: string | undefined = "/api/environments?limit=3";
    while (path !== undefined) {
      const response: Response = await api.as("viewer", path);
      const page = await listOf(response);
      expect(page.length).toBeLessThanOrEqual(3);
      for (const it of page) seen.push(`${textIn(it, "repository")}/${textIn(it, "name")}`);
      path = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(seen).toEqual(["one/dev", "one/live", "two/dev", "two/live"]);
    const own = await listOf(await api.as("viewer", "/api/environments?repository=two&limit=1"));
    expect(own).toMatchObject([{ repository: "two", name: "dev", branch: "main" }]);
  });

  it("lists runs with the application they are for", async () => {
    await wish(db, [uidOf("shop.a")]);
    await enqueue(db, uidOf("shop.a"));
    const response = await api.as("viewer", "/api/workflows?app=shop&status=pending");
    const [run] = await listOf(response);
    expect(run).toMatchObject({ application_name: "shop", status: "pending", steps: [] });
    const one = await api.as("viewer", `/api/workflows/${textIn(run, "id")}`);
    expect(await one.json()).toEqual(run);
  });
});
