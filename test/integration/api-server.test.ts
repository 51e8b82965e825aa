/** The API behind its server: what only a socket shows. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../../src/server/api/api.ts";
import { Metrics } from "../../src/server/metrics.ts";
import { startServer, type RunningServer, type ServerOptions } from "../../src/server/server.ts";
import type { Database } from "../../src/store/database.ts";
import { storeFigures } from "../../src/store/figures.ts";
import { openTestApi, password, textIn, jsonOf, type TestApi } from "../support/api.ts";
import { openTestDatabase } from "../support/database.ts";
import { runningClock } from "../support/step.ts";

let db: Database;
let api: TestApi;
let server: RunningServer;
const stop = new AbortController();
beforeAll(async () => {
  db = await openTestDatabase("embedded");
  api = await openTestApi(db);
}, 60_000);
afterEach(() => server.close());
afterAll(() => db.close());

async function start(more: Partial<ServerOptions> = {}): Promise<string> {
  const { routes, authorize } = createApi({ ...api.services, stopping: stop.signal });
  server = await startServer({
    listen: { host: "127.0.0.1", port: 0 },
    health: async () => ({
      checks: { database: { status: "healthy", message: "answers" } },
      waitingFor: [],
    }),
    figures: () => storeFigures(db, false),
    metrics: new Metrics({ version: "1.2.3", now: () => new Date() }),
    clock: runningClock,
    log: { debug: () => undefined, error: () => undefined },
    signal: stop.signal,
    routes,
    metricsGuard: authorize("read"),
    ...more,
  });
  return server.url;
}

const login = (url: string): Promise<Response> =>
  fetch(`${url}/api/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "viewer", password }),
  });

describe("the server", () => {
  it("guards the metrics where the settings say so, and counts by route", async () => {
    const url = await start();
    const refused = await fetch(`${url}/metrics`);
    expect([refused.status, (await jsonOf(refused))["code"]]).toEqual([401, "unauthenticated"]);
    const token = textIn(await jsonOf(await login(url)), "token");
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${url}/api/resources/none`, { headers });
    const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
    expect(metrics).toMatch(/http_requests_total\{method="GET",path="\/api\/resources\/:id"\} 1/);
  });

  it("takes a browser's cookie, and a change only from a page of its own", async () => {
    const url = await start();
    const cookie = (await login(url)).headers.get("set-cookie")?.split(";")[0] ?? "";
    const info = await fetch(`${url}/api/user-info`, { headers: { cookie } });
    expect(await info.json()).toMatchObject({ username: "viewer" });
    const logout = (headers: Record<string, string>) =>
      fetch(`${url}/api/logout`, { method: "POST", headers: { cookie, ...headers } });
    expect((await logout({ origin: "https://evil.example" })).status).toBe(403);
    expect((await logout({})).status).toBe(403);
    expect((await logout({ origin: url })).status).toBe(204);
    expect((await fetch(`${url}/api/user-info`, { headers: { cookie } })).status).toBe(401);
  });

  it("sets its headers on every answer, and a page's own policy stays", async () => {
    const url = await start();
    for (const path of ["/api/resources", "/api/auth/config", "/api/docs", "/nowhere"]) {
      const { headers } = await fetch(url + path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors/);
      expect(headers.get("content-security-policy")?.includes("script-src")).toBe(
        path === "/api/docs",
      );
    }
  });

  it("serves the page about the API with nothing from elsewhere", async () => {
    const url = await start();
    const page = await (await fetch(`${url}/api/docs`)).text();
    const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((it) => it[1] ?? "");
    expect(assets).toHaveLength(3);
    for (const it of assets) expect((await fetch(url + it)).status).toBe(200);
  });

  it("cuts a body off that comes too slowly", async () => {
    const url = await start({ requestTimeoutMs: 300 });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST /api/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
    socket.write('content-length: 1000\r\n\r\n{"username":');
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain("408");
    socket.destroy();
  });

  it("ends streams when it is told to stop, and answers what is under way", async () => {
    const stopping = new AbortController();
    const { routes } = createApi({ ...api.services, stopping: stopping.signal });
    const url = await start({ routes, signal: stopping.signal });
    const token = textIn(await jsonOf(await login(url)), "token");
    const headers = { authorization: `Bearer ${token}` };
    const stream = await fetch(`${url}/api/events/stream`, { headers });
    const ended = stream.text();
    stopping.abort();
    await server.close();
    expect(await ended).toContain("event: open");
  });
});
