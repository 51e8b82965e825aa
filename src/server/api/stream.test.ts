import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { listOf, openEmptyApi, textIn, type TestApi } from "../../../test/support/api.ts";
import { databases, openTestDatabase } from "../../../test/support/database.ts";
import { claimed, enqueue, testScope, uidOf, wish } from "../../../test/support/runs.ts";
import type { Database } from "../../store/database.ts";
import { appendEvents } from "../../store/events.ts";
import { recordActive } from "../../store/outcomes.ts";
import { appendLog } from "../../store/steps.ts";

interface Received {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** Reads events until there are so many; the rest is left. */
async function take(response: Response, count: number): Promise<readonly Received[]> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let found: readonly Received[] = [];
  while (found.length < count) {
    const read = await reader?.read();
    if (read?.value === undefined) break;
    text += read.value;
    found = parse(text);
  }
  await reader?.cancel();
  return found;
}

const parse = (text: string): readonly Received[] =>
  text
    .split("\n\n")
    .slice(0, -1)
    .map((block) => {
      const field = (name: string): string | undefined =>
        new RegExp(`^${name}: ?(.*)$`, "m").exec(block)?.[1];
      return { id: field("id"), event: field("event") ?? "message", data: field("data") ?? "" };
    })
    .filter((it) => it.event !== "open");

describe.each(databases())("streams on %s", (kind) => {
  let db: Database;
  let api: TestApi;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(async () => {
    api = await openEmptyApi(db);
    await wish(db, [uidOf("shop.a")]);
  });
  const wake = () => db.query(`select pg_notify('innominatus', 'test')`);
  const sse = { headers: { accept: "text/event-stream" } };

  it("follow a run's log to its end, and go on where they were cut off", async () => {
    await enqueue(db, uidOf("shop.a"));
    const claim = await claimed(db);
    await appendLog(db, claim, "create", "one\n");
    const path = `/api/workflows/${claim.run}/logs`;
    const following = api.as("viewer", path, sse).then((it) => take(it, 3));
    await appendLog(db, claim, "create", "two\n");
    await recordActive(db, claim, { outputs: {}, secretRefs: {} });
    await wake();
    const all = await following;
    expect(all.map((it) => it.event)).toEqual(["log", "log", "end"]);
    expect(JSON.parse(all[1]?.data ?? "")).toMatchObject({ step: "create", text: "two\n" });
    expect(JSON.parse(all[2]?.data ?? "")).toMatchObject({ state: "succeeded" });

    const headers = { ...sse.headers, "last-event-id": all[0]?.id ?? "" };
    const rest = await take(await api.as("viewer", path, { headers }), 9);
    expect(rest.map((it) => it.id)).toEqual([all[1]?.id, undefined]);
    const lines = await listOf(await api.as("viewer", `${path}?after=${all[0]?.id}`));
    expect(lines.map((it) => textIn(it, "text"))).toEqual(["two\n"]);
    const first = await api.as("viewer", `${path}?limit=1`);
    expect((await listOf(first)).map((it) => textIn(it, "text"))).toEqual(["one\n"]);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await api.as("viewer", next);
    expect((await listOf(second)).map((it) => textIn(it, "text"))).toEqual(["two\n"]);
    expect(second.headers.get("link")).toBeNull();
    expect((await api.as("viewer", `${path}?cursor=bm9uZQ`)).status).toBe(400);
  });

  it("tell events as they are written, once each, and only those that one may see", async () => {
    const append = (type: string, uid = uidOf("shop.a")) =>
      db.transaction((tx) =>
        appendEvents(tx, [{ ...testScope, type, actor: "ada", uid }], Date.now()),
      );
    await wish(db, [uidOf("pay.b")]);
    await db.query(`update resources set workload = 'payout' where uid = $1`, [uidOf("pay.b")]);
    await append("Before");
    const response = await api.as("viewer", "/api/events/stream");
    const hidden = await api.as("payer", "/api/events/stream");
    await append("RunStarted");
    await append("RunCompleted");
    await wake();
    const seen = await take(response, 2);
    expect(seen.map((it) => it.event)).toEqual(["RunStarted", "RunCompleted"]);
    expect(JSON.parse(seen[0]?.data ?? "")).toMatchObject({ actor: "ada", type: "RunStarted" });

    await append("RunFailed", uidOf("pay.b"));
    await wake();
    const own = await take(hidden, 1);
    expect(own.map((it) => it.event)).toEqual(["RunFailed"]);
    const headers = { "last-event-id": seen[0]?.id ?? "" };
    const again = await take(await api.as("viewer", "/api/events/stream", { headers }), 2);
    expect(again.map((it) => it.event)).toEqual(["RunCompleted", "RunFailed"]);
  });

  it("end when the process stops", async () => {
    const response = await api.as("viewer", "/api/events/stream");
    api.stop();
    expect(await take(response, 1)).toEqual([]);
  });
});
