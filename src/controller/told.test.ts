import { afterEach, beforeEach, expect, it } from "vitest";
import { virtualClock } from "../../test/support/clock.ts";
import { openTestForge, type TestForge } from "../../test/support/forge/test-forge.ts";
import { deliver, takeDeliveries } from "../../test/support/forge/webhooks.ts";
import { Metrics } from "../server/metrics.ts";
import { startServer, type RunningServer } from "../server/server.ts";
import { webhookRoutes } from "../server/webhooks.ts";
import { createHints } from "./hints.ts";
import { createTold, type Told } from "./told.ts";

let world: TestForge;
let server: RunningServer;
let told: Told;

beforeEach(async () => {
  world = await openTestForge({ kind: "github", files: { "a.txt": "a\n" } });
  told = createTold();
  const clock = virtualClock();
  const target = { repository: "shop", forge: "github", fullName: world.repository } as const;
  const metrics = new Metrics({ version: "test", now: () => clock.now() });
  const routes = webhookRoutes({
    targets: [{ ...target, secret: () => "s3cret" }],
    take: async () => true,
    tell: (repository) => told.tell(repository),
    count: (forge, result) => metrics.webhookReceived(forge, result),
    onError: () => undefined,
    clock,
  });
  server = await startServer({
    listen: { host: "127.0.0.1", port: 0 },
    health: () => Promise.reject(new Error("not asked")),
    figures: () => Promise.reject(new Error("none")),
    metrics,
    clock,
    log: { debug: () => undefined, error: () => undefined },
    signal: new AbortController().signal,
    routes,
  });
});
afterEach(async () => {
  await server.close();
  await world.close();
});

it("a delivery wakes the loop of its repository, and no other", async () => {
  const [shop, other] = [createHints(), createHints()];
  const stop = new AbortController();
  told.listen("shop", shop, stop.signal);
  told.listen("other", other, stop.signal);
  await world.push("main", { "a.txt": "b\n" });
  const [delivery] = takeDeliveries(world, "s3cret");
  if (delivery === undefined) throw new Error("nothing happened");
  expect(await deliver(server.url, delivery)).toBe(202);
  expect([shop.count(), other.count()]).toEqual([1, 0]);

  const { headers, ...rest } = delivery;
  const unsigned = { ...rest, headers: { "content-type": headers["content-type"] ?? "" } };
  expect(await deliver(server.url, unsigned)).toBe(401);
  expect(shop.count()).toBe(1);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('innominatus_webhooks_total{forge="github",result="accepted"} 1');
  expect(metrics).toContain('innominatus_webhooks_total{forge="github",result="unsigned"} 1');

  stop.abort();
  told.tell("shop");
  expect(shop.count()).toBe(1);
});
