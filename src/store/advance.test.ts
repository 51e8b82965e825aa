import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { claimed, enqueue, uidOf, wish } from "../../test/support/runs.ts";
import { LeaseLostError } from "../model/errors.ts";
import { advanceRun, nothingUnwritten } from "./advance.ts";
import type { Database } from "./database.ts";
import { supersedeRuns } from "./runs.ts";
import { listSteps } from "./steps.ts";

const step = (name: string, index: number) => ({ name, index, type: "mock", readOnly: false });
const ended = { step: "one", sealed: new Uint8Array([1]), names: ["id"] };

describe.each(databases())("from one step to the next on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());

  it("E4: writes the end of one and the start of the next at once, or neither", async () => {
    await wish(db, [uidOf("a")]);
    await enqueue(db, uidOf("a"));
    const claim = await claimed(db);
    const states = async () => (await listSteps(db, claim.run)).map((it) => it.state);
    await advanceRun(db, claim, nothingUnwritten(), step("one", 0));
    const stale = { ...claim, token: claim.token - 1n };
    const late = advanceRun(db, stale, { ended, params: undefined }, step("two", 1));
    await expect(late).rejects.toThrow(LeaseLostError);
    expect(await states()).toEqual(["started"]);
    await advanceRun(db, claim, { ended, params: undefined }, step("two", 1));
    expect(await states()).toEqual(["ended", "started"]);
  });

  it("law 5: writes the end and starts nothing once the run is told to end", async () => {
    await wish(db, [uidOf("b")]);
    await enqueue(db, uidOf("b"));
    const claim = await claimed(db);
    await advanceRun(db, claim, nothingUnwritten(), step("one", 0));
    await db.transaction((tx) => supersedeRuns(tx, [claim.run]));
    const cancel = await advanceRun(db, claim, { ended, params: undefined }, step("two", 1));
    expect(cancel).toMatchObject({ reason: "Superseded" });
    expect((await listSteps(db, claim.run)).map((it) => it.state)).toEqual(["ended"]);
  });
});
