import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { virtualClock } from "../../test/support/clock.ts";
import { databases, openTestDatabase, setStoreTime } from "../../test/support/database.ts";
import { openTestForge, type TestForge } from "../../test/support/forge/test-forge.ts";
import { takeDeliveries, type Delivery } from "../../test/support/forge/webhooks.ts";
import type { ForgeKind } from "../report/forge/forge.ts";
import type { Database } from "../store/database.ts";
import { takeDelivery } from "../store/webhook-deliveries.ts";
import { webhookRoutes, type WebhookOptions } from "./webhooks.ts";

const secret = "h00k-s3cret";

function open(db: Database, given: Partial<WebhookOptions> = {}) {
  const told: string[] = [];
  const counted: string[] = [];
  const clock = virtualClock();
  const app = webhookRoutes({
    targets: (["github", "gitea", "gitlab"] as const).flatMap((forge) => [
      { repository: `shop-${forge}`, forge, fullName: "Acme/Platform", secret: () => secret },
      { repository: `other-${forge}`, forge, fullName: "acme/other", secret: () => secret },
      { repository: `lost-${forge}`, forge, fullName: "acme/platform", secret: () => undefined },
    ]),
    take: (delivery) => takeDelivery(db, delivery),
    tell: (repository) => told.push(repository),
    count: (forge, result) => counted.push(`${forge} ${result}`),
    onError: () => undefined,
    clock,
    ...given,
  });
  const send = async ({ path, headers, body }: Delivery) =>
    (await app.request(path, { method: "POST", headers: { ...headers }, body })).status;
  return { app, told, counted, send, clock };
}

describe.each(databases())("webhooks, with %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(() => db.query("delete from webhook_deliveries"));

  const forges: readonly ForgeKind[] = ["github", "gitea", "gitlab"];
  describe.each(forges)("from a forge of kind %s", (forge) => {
    let world: TestForge;
    beforeAll(async () => {
      world = await openTestForge({ kind: forge, files: { "a.txt": "a\n" } });
    });
    afterAll(() => world.close());

    const happen = async () => {
      await world.push("main", { "a.txt": `${world.now()}\n` });
      const [first] = takeDeliveries(world, secret);
      if (first === undefined) throw new Error("nothing happened");
      return first;
    };

    it("hint at the repository they are of", async () => {
      const { send, told, counted } = open(db);
      expect(await send(await happen())).toBe(202);
      expect(told).toEqual([`shop-${forge}`]);
      expect(counted).toEqual([`${forge} accepted`]);
    });

    it("are refused and counted where they are unsigned, forged or changed", async () => {
      const { send, told, counted } = open(db);
      const delivery = await happen();
      const isProof = (name: string): boolean => /signature|token/.test(name);
      const bare = Object.fromEntries(
        Object.entries(delivery.headers).filter(([name]) => !isProof(name)),
      );
      const forged = Object.fromEntries(
        Object.entries(delivery.headers).map(([name, value]) =>
          isProof(name) ? [name, `${value}x`] : [name, value],
        ),
      );
      expect(await send({ ...delivery, headers: bare })).toBe(401);
      expect(await send({ ...delivery, headers: forged })).toBe(401);
      expect(counted).toEqual([`${forge} unsigned`, `${forge} forged`]);
      const changed = await send({ ...delivery, body: `${delivery.body} ` });
      // GitLab signs nothing: whoever has its token may say what they like, and a hint is all it is.
      expect(changed).toBe(forge === "gitlab" ? 202 : 401);
      expect(told).toHaveLength(forge === "gitlab" ? 1 : 0);
    });

    it("are refused when they come again, on any replica and under any id", async () => {
      const [one, another] = [open(db), open(db)];
      const delivery = await happen();
      expect(await one.send(delivery)).toBe(202);
      expect(await another.send(delivery)).toBe(409);
      const renamed = Object.fromEntries(
        Object.entries(delivery.headers).map(([name, value]) =>
          /delivery|uuid/.test(name) ? [name, "another"] : [name, value],
        ),
      );
      expect(await one.send({ ...delivery, headers: renamed })).toBe(409);
      expect([...one.told, ...another.told]).toEqual([`shop-${forge}`]);
      expect(another.counted).toEqual([`${forge} replayed`]);
    });

    it("are taken once of many at once", async () => {
      const { send, told } = open(db);
      const delivery = await happen();
      const statuses = await Promise.all(Array.from({ length: 5 }, () => send(delivery)));
      expect(statuses.toSorted((a, b) => a - b)).toEqual([202, 409, 409, 409, 409]);
      expect(told).toHaveLength(1);
    });
  });

  it("are forgotten after a week, and no delivery makes the table grow for ever", async () => {
    try {
      await setStoreTime(db, new Date("2026-01-01T00:00:00Z"));
      for (let index = 0; index < 5; index += 1) {
        await takeDelivery(db, { forge: "github", id: `old-${index}`, digest: `old-${index}` });
      }
      await setStoreTime(db, new Date("2026-01-09T00:00:00Z"));
      await takeDelivery(db, { forge: "github", id: "new", digest: "new" });
      const { rows } = await db.query("select id from webhook_deliveries");
      expect(rows).toEqual([{ id: "new" }]);
    } finally {
      await setStoreTime(db, undefined);
    }
  });
});

describe("webhooks", () => {
  let world: TestForge;
  let delivery: Delivery;
  const db: Database = {
    kind: "embedded",
    query: () => Promise.reject(new Error("away")),
    transaction: () => Promise.reject(new Error("away")),
    listen: () => Promise.reject(new Error("away")),
    close: () => Promise.resolve(),
  };
  beforeAll(async () => {
    world = await openTestForge({ kind: "github", files: { "a.txt": "a\n" } });
    await world.push("main", { "a.txt": "b\n" });
    const [first] = takeDeliveries(world, secret);
    if (first === undefined) throw new Error("nothing happened");
    delivery = first;
  });
  afterAll(() => world.close());

  it("are answered at once while the store is slow, and acted on when it has answered", async () => {
    let answer: (isNew: boolean) => void = () => undefined;
    const slow = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    const { send, told, clock, counted } = open(db, { take: () => slow });
    const answered = send(delivery);
    while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(80);
    expect(await answered).toBe(202);
    expect(told).toEqual([]);
    expect(counted).toEqual(["github accepted"]);
    answer(true);
    await slow;
    await clock.advance(1);
    expect(told).toEqual(["shop-github"]);
  });

  it("are answered while the store is away: the poll finds what they would have told", async () => {
    const errors: unknown[] = [];
    const { send, told, counted } = open(db, { onError: (error) => errors.push(error) });
    expect(await send(delivery)).toBe(202);
    expect(told).toEqual([]);
    expect(counted).toEqual(["github failed"]);
    expect(String(errors)).toContain("away");
  });

  it("are refused where they are too large, before they are read to their end", async () => {
    const { send, counted } = open(db);
    expect(await send({ ...delivery, body: "x".repeat(6_000_000) })).toBe(413);
    expect(counted).toEqual(["github too-large"]);
  });

  it("are refused where they are no JSON, though signed", async () => {
    const { send, counted } = open(db);
    const path = "/hooks/gitlab";
    expect(await send({ path, headers: { "x-gitlab-token": secret }, body: "a=b" })).toBe(400);
    expect(counted).toEqual(["gitlab malformed"]);
  });

  it("of a repository that is not watched set nothing going", async () => {
    const { send, told, counted } = open(db, { take: async () => true });
    const body = JSON.stringify({ project: { path_with_namespace: "acme/unknown" } });
    const path = "/hooks/gitlab";
    expect(await send({ path, headers: { "x-gitlab-token": secret }, body })).toBe(202);
    expect(told).toEqual([]);
    expect(counted).toEqual(["gitlab ignored"]);
  });
});
