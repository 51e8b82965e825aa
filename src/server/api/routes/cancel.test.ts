import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestApi } from "../../../../test/support/api.ts";
import { openTestDatabase } from "../../../../test/support/database.ts";
import { enqueue, statesOf, testScope, uidOf, wish } from "../../../../test/support/runs.ts";
import type { Database } from "../../../store/database.ts";
import { listRuns } from "../../../store/runs.ts";

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("embedded");
}, 60_000);
afterAll(() => db.close());

it("cancels a run once, for those who may change its workload", async () => {
  const api = await openTestApi(db);
  await wish(db, [uidOf("shop.a")]);
  await enqueue(db, uidOf("shop.a"));
  const [run] = await listRuns(db, testScope, { limit: 1 });
  const cancel = async (user: string) =>
    (await api.as(user, `/api/workflows/${run?.id ?? ""}/cancel`, { method: "POST" })).status;
  expect(await cancel("viewer")).toBe(403);
  expect(await cancel("payer")).toBe(404);
  expect(await statesOf(db, uidOf("shop.a"))).toEqual(["queued"]);
  expect(await cancel("operator")).toBe(200);
  expect(await statesOf(db, uidOf("shop.a"))).toEqual(["cancelled"]);
  expect(await cancel("operator")).toBe(409);
});
