import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import { claimed, emptyTables, enqueue, uidOf, wish } from "../../test/support/runs.ts";
import { LeaseLostError } from "../model/errors.ts";
import type { Claim } from "../model/run.ts";
import { fencedAfter, nothingUnwritten } from "./advance.ts";
import { releaseRun } from "./claims.ts";
import type { Database, Queryable } from "./database.ts";
import {
  appendLog,
  failStep,
  listLogs,
  listSteps,
  noteStep,
  skipStep,
  startStep,
  waitStep,
} from "./steps.ts";

const start = new Date("2026-01-01T00:00:00Z");
const [role, grant] = [
  { name: "role", index: 0, type: "sql", readOnly: false },
  { name: "grant", index: 1, type: "policy", readOnly: false },
];

describe.each(databases())("steps on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    await setStoreTime(db, undefined);
    await emptyTables(db);
  });

  const begin = async (): Promise<Claim> => {
    await setStoreTime(db, start);
    await wish(db, [uidOf("a")]);
    await enqueue(db, uidOf("a"));
    return claimed(db);
  };
  const write = (work: (tx: Queryable) => Promise<void>) => db.transaction(work);

  it("lists steps in the workflow's order, with what became of them", async () => {
    const claim = await begin();
    const { run } = claim;
    await write((tx) => skipStep(tx, run, grant));
    const ended = { step: "role", sealed: new Uint8Array([1, 2]), names: ["password"] };
    await write((tx) => startStep(tx, run, role));
    await fencedAfter(db, claim, { ...nothingUnwritten(), ended }, async () => undefined);
    expect(await listSteps(db, run)).toMatchObject([
      {
        name: "role",
        index: 0,
        type: "sql",
        state: "ended",
        attempts: 1,
        sealed: new Uint8Array([1, 2]),
        outputNames: ["password"],
        startedAt: start.toISOString(),
        endedAt: start.toISOString(),
      },
      { name: "grant", index: 1, type: "policy", state: "skipped", attempts: 0, sealed: null },
    ]);
  });

  it("counts attempts, and not the looks of a step that waits", async () => {
    const { run } = await begin();
    const attempts = async () => (await listSteps(db, run))[0]?.attempts;
    await write((tx) => startStep(tx, run, role));
    await write((tx) => waitStep(tx, run, "role", null));
    await write((tx) => startStep(tx, run, role));
    expect(await attempts()).toBe(1);
    await write((tx) => failStep(tx, run, "role", "no answer", undefined));
    expect(await listSteps(db, run)).toMatchObject([{ state: "failed", error: "no answer" }]);
    await write((tx) => startStep(tx, run, role));
    expect(await listSteps(db, run)).toMatchObject([{ attempts: 2, error: null }]);
    // A killed attempt counts too.
    await write((tx) => startStep(tx, run, role));
    expect(await attempts()).toBe(3);
  });

  it("E21: keeps what is known of a failure, until the next attempt", async () => {
    const { run } = await begin();
    const failure = {
      reason: "OOMKilled",
      retryable: true,
      effect: false,
      detail: "",
      exitCode: 137,
    };
    await write((tx) => startStep(tx, run, role));
    await write((tx) => failStep(tx, run, "role", "OOMKilled", failure));
    expect(await listSteps(db, run)).toMatchObject([{ failure }]);
    await write((tx) => startStep(tx, run, role));
    expect(await listSteps(db, run)).toMatchObject([{ failure: null }]);
  });

  it("E16: keeps a step's note over attempts, and the last one written", async () => {
    const { run } = await begin();
    await write((tx) => startStep(tx, run, role));
    await write((tx) => noteStep(tx, run, "role", { intent: "make it" }));
    await write((tx) => noteStep(tx, run, "role", { uid: "u1" }));
    await write((tx) => startStep(tx, run, role));
    expect(await listSteps(db, run)).toMatchObject([{ attempts: 2, note: { uid: "u1" } }]);
  });

  it("measures from the first start, by the store's clock", async () => {
    const { run } = await begin();
    await write((tx) => startStep(tx, run, role));
    await advanceStoreTime(db, 5_000);
    await write((tx) => startStep(tx, run, role));
    await advanceStoreTime(db, 5_000);
    expect(await listSteps(db, run)).toMatchObject([{ elapsedMs: 10_000 }]);
  });

  it("keeps the log in order, and gives what came after a line", async () => {
    const claim = await begin();
    for (const text of ["one", "two", "three"]) await appendLog(db, claim, "role", text);
    const lines = await listLogs(db, claim.run);
    expect(lines.map((it) => it.text)).toEqual(["one", "two", "three"]);
    const rest = await listLogs(db, claim.run, lines[0]?.id);
    expect(rest.map((it) => it.text)).toEqual(["two", "three"]);
  });

  it("bounds what a step prints over all its attempts, and says so once", async () => {
    const claim = await begin();
    await write((tx) => startStep(tx, claim.run, role));
    await write((tx) => startStep(tx, claim.run, { ...role, name: "grant" }));
    const log = (text: string, step = "role") => appendLog(db, claim, step, text, 10);
    for (const text of ["1234", "5678", "90ab", "more", "and more"]) await log(text);
    await log("1234567890", "grant");
    const lines = (await listLogs(db, claim.run)).map((it) => it.text);
    expect(lines).toEqual([
      "1234",
      "5678",
      "90\n… log cut: this step has printed more than 10 characters\n",
      "1234567890",
    ]);
    await write((tx) => startStep(tx, claim.run, role));
    await log("again");
    expect(await listLogs(db, claim.run)).toHaveLength(4);
  });

  it("law 6: a worker that lost its lease cannot even log", async () => {
    const stale = await begin();
    await releaseRun(db, stale);
    await expect(appendLog(db, stale, "role", "late")).rejects.toThrow(LeaseLostError);
    const fresh = await claimed(db, "other");
    await expect(appendLog(db, stale, "role", "late")).rejects.toThrow(LeaseLostError);
    await appendLog(db, fresh, "role", "in time");
    expect(await listLogs(db, fresh.run)).toMatchObject([{ text: "in time" }]);
  });
});
