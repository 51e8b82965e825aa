import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { toAuditEvent } from "../model/audit.ts";
import type { Database } from "../store/database.ts";
import { appendEvents, listEvents } from "../store/events.ts";
import { saveReceived } from "../store/received-events.ts";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { emptyTables, testScope, uidOf } from "../../test/support/runs.ts";
import { auditRoutes, bearerToken } from "./audit-routes.ts";

const event = (more: object = {}) => ({
  event_id: randomUUID(),
  version: "1.0",
  event_type: "other.thing.happened",
  event_timestamp: "2026-01-01T00:00:00Z",
  event_category: "thing",
  event_action: "happened",
  event_outcome: "success",
  actor_type: "user",
  actor_id: "ann",
  resource_type: "thing",
  resource_id: "thing-1",
  correlation_id: "c-1",
  event_data: { note: "kept whole" },
  ...more,
});

const row = z.object({ event_id: z.string(), event: z.looseObject({}) });

describe.each(databases())("the endpoint for audit events on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());
  beforeEach(() => db.query("truncate received_events"));

  const kept = async () => {
    const { rows } = await db.query("select event_id, event from received_events");
    return rows.map((it) => row.parse(it));
  };
  const post = async (body: unknown, token = "t0ken") => {
    const app = auditRoutes({
      authorize: bearerToken("t0ken", async (context, next) => {
        if (context.req.header("authorization") !== "Bearer of-ann") return context.json({}, 401);
        const ann = { username: "ann", actor: "ann", via: "session", role: "operator" } as const;
        context.set("principal", { ...ann, teams: {}, scopes: ["write"] });
        await next();
        return undefined;
      }),
      receive: (events, sender) => saveReceived(db, sender, events),
    });
    const response = await app.request("/api/v1/audit/events/batch", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    return { status: response.status, type: response.headers.get("content-type"), answer };
  };

  it("E25: keeps a batch whole, and says which events", async () => {
    const events = [event({ extra: 1 }), event()];
    expect(await post(events)).toMatchObject({
      status: 201,
      answer: { event_ids: events.map((it) => it.event_id), message: "2 events kept" },
    });
    expect(await kept()).toEqual(
      expect.arrayContaining(events.map((it) => ({ event_id: it.event_id, event: it }))),
    );
  });

  it("E25: an event sent again, alone or in another batch, is kept once and as it was first", async () => {
    const first = event();
    await post([first, first]);
    const again = await post([{ ...first, actor_id: "bob" }, event()]);
    expect(again.status).toBe(201);
    const rows = await kept();
    expect(rows).toHaveLength(2);
    expect(rows.find((it) => it.event_id === first.event_id)?.event).toMatchObject({
      actor_id: "ann",
    });
  });

  it("E25: an invalid event is named with its index, and nothing of its batch is kept", async () => {
    const { event_type: _, ...untyped } = event();
    const answer = await post([event(), untyped, event({ event_outcome: "perhaps" }), 7]);
    expect(answer).toMatchObject({
      status: 400,
      type: "application/problem+json",
      answer: { type: "about:blank", title: "Invalid events", status: 400 },
    });
    const { errors } = z
      .object({ errors: z.array(z.object({ index: z.number(), detail: z.string() })) })
      .parse(answer.answer);
    expect(errors.map((it) => it.index)).toEqual([1, 2, 3]);
    expect(errors[0]?.detail).toMatch(/^event_type: /);
    expect(await kept()).toEqual([]);
  });

  it.each([
    ["what is no JSON", "{"],
    ["an object", {}],
    ["an empty array", []],
  ])("E25: %s is refused with 400", async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 400, type: "application/problem+json" });
  });

  it.each([
    ["101 events", () => Array.from({ length: 101 }, () => event())],
    ["more than 1 MiB", () => [event({ event_data: { note: "x".repeat(1_048_576) } })]],
  ])("E25: %s are refused with 413, and none is kept", async (_, body) => {
    expect(await post(body())).toMatchObject({ status: 413, type: "application/problem+json" });
    expect(await kept()).toEqual([]);
  });

  it("E25: takes nothing without the token", async () => {
    for (const token of ["", "wrong", "t0ken2"]) {
      expect(await post([event()], token)).toMatchObject({ status: 401 });
    }
    expect(await kept()).toEqual([]);
  });

  it("E25: keeps who sent it: a user of the API, or whoever has the token", async () => {
    await post([event()], "of-ann");
    await post([event()]);
    const { rows } = await db.query("select sender from received_events order by sender");
    expect(rows).toEqual([{ sender: "ann" }, { sender: "token" }]);
  });

  it("E25: takes what we deliver", async () => {
    await emptyTables(db);
    const fact = { ...testScope, type: "RunFailed", actor: "ann", uid: uidOf("db") };
    await db.transaction((tx) => appendEvents(tx, [fact], Date.now()));
    const events = (await listEvents(db, testScope, { limit: 1 })).map(toAuditEvent);
    expect(await post(events)).toMatchObject({ status: 201 });
    expect(await kept()).toMatchObject([{ event: { event_type: "innominatus.run.failed" } }]);
  });
});
