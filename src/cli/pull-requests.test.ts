import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestDatabase } from "../../test/support/database.ts";
import { claimed, enqueue, testScope, uidOf, wish } from "../../test/support/runs.ts";
import { runningClock } from "../../test/support/step.ts";
import type { Database } from "../store/database.ts";
import { explainWith } from "./pull-requests.ts";

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
}, 60_000);
afterAll(() => db.close());

it("E8: a comment's `why` names no resource of another repository", async () => {
  const shared = { target: "node/worker-1", declared: true };
  const scope = { repository: "elsewhere", environment: "default" };
  const [theirs, first] = [uidOf("theirs"), uidOf("first")];
  const [second, third] = [uidOf("second"), uidOf("third")];
  const explain = explainWith({ db, clock: runningClock });
  await wish(db, [theirs], scope);
  await enqueue(db, theirs, { ...shared, scope });
  const { run } = await claimed(db);
  await wish(db, [first, second, third]);
  await enqueue(db, second, shared);
  const text = await explain(testScope, second);
  expect(text).toContain("ResourceBusy: a run of another resource has the target, until it ends");
  for (const word of [run, "theirs", "elsewhere"]) expect(text).not.toContain(word);

  await enqueue(db, first, { target: "node/worker-2", declared: true });
  const own = await claimed(db);
  await enqueue(db, third, { target: "node/worker-2", declared: true });
  expect(await explain(testScope, third)).toContain(`run ${own.run} of ${first} has the target`);
});
