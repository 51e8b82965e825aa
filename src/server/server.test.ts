import { once } from "node:events";
import { connect } from "node:net";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "../model/clock.ts";
import { StallingError } from "../model/errors.ts";
import { healthRoutes, type Health } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { startServer, type RunningServer, type ServerOptions } from "./server.ts";

const fine: Health = {
  checks: { database: { status: "healthy", message: "connected" } },
  waitingFor: [],
};
const away: Health = {
  checks: { database: { status: "unhealthy", message: "no connection" } },
  waitingFor: ["database: no connection", "first sync: not begun"],
};

/** Sleeps never end by themselves; `wake` ends all of them at once. */
function stoppedClock(): Clock & { wake(): void } {
  const sleepers = new Set<() => void>();
  return {
    now: () => new Date("2026-01-01T00:00:00.000Z"),
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        sleepers.add(resolve);
        signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
      }),
    wake: () => {
      for (const end of sleepers) end();
    },
  };
}

function latch(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const logged: unknown[] = [];
const running: RunningServer[] = [];
const stop = new AbortController();

async function start(given: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const clock = given.clock ?? stoppedClock();
  const server = await startServer({
    listen: { host: "127.0.0.1", port: 0 },
    health: async () => fine,
    metrics: new Metrics({ version: "1.2.3", now: () => clock.now() }),
    figures: async () => ({
      queueDepth: 7,
      queueOldestMs: 0,
      resourcesByType: {},
      heldByGate: {},
      locks: { free: 0, held: 0, cooling: 0 },
      outbox: undefined,
    }),
    log: { debug: () => undefined, error: (value: unknown) => logged.push(value) },
    signal: stop.signal,
    clock,
    ...given,
  });
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
  logged.length = 0;
});

describe("health", () => {
  it("answers in upstream's shape", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: "healthy",
      timestamp: "2026-01-01T00:00:00.000Z",
      uptime_seconds: 0,
      checks: {
        database: { status: "healthy", message: "connected" },
        server: { status: "healthy", message: "answering" },
      },
    });
  });

  it("is degraded with its worst part, and unhealthy is a 503", async () => {
    const degraded: Health = {
      ...fine,
      checks: { ...fine.checks, git: { status: "degraded", message: "1 of 2 remotes answer" } },
    };
    const slow = await fetch(`${(await start({ health: async () => degraded })).url}/health`);
    expect([slow.status, await slow.json()]).toMatchObject([200, { status: "degraded" }]);
    const broken = await fetch(`${(await start({ health: async () => away })).url}/health`);
    expect([broken.status, await broken.json()]).toMatchObject([503, { status: "unhealthy" }]);
  });

  it("says ready once nothing is waited for, and until then why not", async () => {
    const ready = await start();
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${ready.url}/ready`)).json()).toEqual({
      ready: true,
      timestamp: "2026-01-01T00:00:00.000Z",
      message: "ready",
    });

    const waiting = await start({ health: async () => away });
    const probe = await fetch(`${waiting.url}/readyz`);
    expect(probe.status).toBe(503);
    expect(await probe.text()).toBe("database: no connection\nfirst sync: not begun\n");
    const upstream = await fetch(`${waiting.url}/ready`);
    expect([upstream.status, await upstream.json()]).toMatchObject([503, { ready: false }]);
  });

  it("lives on while the database is away, and tells nothing of what was thrown", async () => {
    const { url } = await start({
      health: () => Promise.reject(new Error("postgres://ino:hunter2@db is away")),
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    for (const path of ["/readyz", "/ready", "/health"]) {
      const response = await fetch(`${url}${path}`);
      expect(response.status).toBe(503);
      expect(await response.text()).not.toContain("hunter2");
    }
  });

  it("answers a probe in time when the database does not", async () => {
    const clock = stoppedClock();
    const asked = latch();
    const { url } = await start({
      clock,
      health: () => {
        asked.open();
        return new Promise(() => undefined);
      },
    });
    const answer = fetch(`${url}/readyz`);
    await asked.opened;
    clock.wake();
    expect(await (await answer).text()).toBe("database: no answer in time\n");
  });

  it("asks once for requests that come together, and again for the next", async () => {
    let asked = 0;
    const gate = latch();
    const ask = async (): Promise<Health> => {
      asked += 1;
      await gate.opened;
      return fine;
    };
    const app = healthRoutes(ask, stoppedClock(), stop.signal);
    const together = ["/readyz", "/ready", "/health"].map((path) => app.request(path));
    gate.open();
    for (const answer of together) expect((await answer).status).toBe(200);
    expect(asked).toBe(1);
    await app.request("/readyz");
    expect(asked).toBe(2);
  });

  it("is not ready while it drains, though alive", async () => {
    const app = healthRoutes(async () => fine, stoppedClock(), AbortSignal.abort());
    expect(await (await app.request("/readyz")).text()).toBe("shutting down\n");
    expect((await app.request("/healthz")).status).toBe(200);
  });
});

describe("metrics", () => {
  it("tells the store's figures and the requests answered, by route", async () => {
    const { url } = await start({ routes: new Hono().get("/api/things/:id", (c) => c.text("")) });
    await fetch(`${url}/api/things/42`);
    await fetch(`${url}/no/such/path`);
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const text = await response.text();
    expect(text).toContain("innominatus_queue_depth 7");
    expect(text).toContain(
      'innominatus_http_requests_total{method="GET",path="/api/things/:id"} 1',
    );
    expect(text).toContain('innominatus_http_requests_total{method="GET",path="other"} 1');
    expect(text).not.toContain("such");
  });

  it("are still told when the store does not answer", async () => {
    const { url } = await start({ figures: () => Promise.reject(new Error("away")) });
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("innominatus_queue_depth 7");
    expect(logged).toHaveLength(1);
  });
});

describe("the server", () => {
  it("sends headers that keep a browser from doing anything with an answer", async () => {
    const { headers } = await fetch(`${(await start()).url}/no-such-page`);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("logs what a route throws, and does not tell it", async () => {
    const routes = new Hono().get("/broken", () => {
      throw new Error("hunter2");
    });
    const response = await fetch(`${(await start({ routes })).url}/broken`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("hunter2");
    expect(logged).toHaveLength(1);
  });

  it("says what to do when the port is taken", async () => {
    const port = Number(new URL((await start()).url).port);
    const second = start({ listen: { host: "127.0.0.1", port } });
    await expect(second).rejects.toThrow(StallingError);
    await expect(second).rejects.toMatchObject({
      reason: "PortInUse",
      message: `listening on 127.0.0.1:${port}: the port is in use`,
      hint: `stop what listens on port ${port}, or choose another with --port or INNOMINATUS_PORT`,
    });
  });

  it("says what to do when the address is not this machine's", async () => {
    const elsewhere = start({ listen: { host: "192.0.2.1", port: 0 } });
    await expect(elsewhere).rejects.toMatchObject({ reason: "AddressUnknown" });
  });

  it("answers what is under way before it closes, and takes nothing new", async () => {
    const entered = latch();
    const gate = latch();
    const routes = new Hono().get("/slow", async (c) => {
      entered.open();
      await gate.opened;
      return c.text("done");
    });
    const server = await start({ routes });
    const slow = fetch(`${server.url}/slow`);
    await entered.opened;
    const closed = server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
    gate.open();
    expect(await (await slow).text()).toBe("done");
    await closed;
    await server.close();
  });

  it("cuts off what does not end within the bound", async () => {
    const clock = stoppedClock();
    const entered = latch();
    const routes = new Hono().get("/endless", () => {
      entered.open();
      return new Promise<Response>(() => undefined);
    });
    const server = await start({ clock, routes });
    const endless = fetch(`${server.url}/endless`).catch((error: unknown) => error);
    await entered.opened;
    const closed = server.close();
    clock.wake();
    await closed;
    expect(await endless).toBeInstanceOf(Error);
  });

  it("closes when its signal is aborted, idle connections and all", async () => {
    const ending = new AbortController();
    const server = await start({ signal: ending.signal });
    const { port } = new URL(server.url);
    const idle = connect(Number(port), "127.0.0.1");
    await once(idle, "connect");
    idle.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(idle, "data");
    ending.abort();
    await once(idle, "close");
    await server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
  });
});
