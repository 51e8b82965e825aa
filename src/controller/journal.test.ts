import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { runningClock } from "../../test/support/step.ts";
import { claimed, emptyTables, enqueue, uidOf, wish } from "../../test/support/runs.ts";
import type { Journal } from "../execute/journal.ts";
import { LeaseLostError, SupersededError } from "../model/errors.ts";
import type { Claim } from "../model/run.ts";
import { createSealer } from "../secrets/seal.ts";
import { releaseRun } from "../store/claims.ts";
import type { Database } from "../store/database.ts";
import { listEvents } from "../store/events.ts";
import { supersedeRuns } from "../store/runs.ts";
import { listLogs, listSteps } from "../store/steps.ts";
import { DrainError, openJournal } from "./journal.ts";

const never = new AbortController().signal;
const sealer = createSealer([new Uint8Array(32).fill(7)]);
const step = { name: "only", index: 0, type: "policy", readOnly: false };
const result = { outputs: { password: "hunter2" }, sensitive: ["password"] };

const writes: [string, (journal: Journal) => Promise<void>][] = [
  ["start", (journal) => journal.start({ ...step, name: "next", index: 1 })],
  ["wait", (journal) => journal.wait("only", 1_000)],
  [
    "end",
    async (journal) => {
      await journal.end("only", result);
      // Written with what comes next, whatever that is.
      await journal.read();
    },
  ],
  ["skip", (journal) => journal.skip({ ...step, name: "next", index: 1 })],
  ["fail", (journal) => journal.fail("only", "broken", undefined)],
  ["note", (journal) => journal.note("only", { uid: "u1" })],
  ["log", (journal) => journal.log("only", "a line\n")],
];

describe.each(databases())("the journal on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(() => emptyTables(db));

  const begin = async (drain = never): Promise<{ journal: Journal; claim: Claim }> => {
    await wish(db, [uidOf("a")]);
    await enqueue(db, uidOf("a"));
    const claim = await claimed(db);
    const journal = openJournal({ db, sealer, clock: runningClock }, claim, drain);
    await journal.start(step);
    return { journal, claim };
  };
  const written = async ({ run }: Claim) => [await statesOf(run), await listLogs(db, run)];
  const statesOf = async (run: string) =>
    (await listSteps(db, run)).map(
      (it) => `${it.name} ${it.state} ${it.attempts}${it.note === null ? "" : " noted"}`,
    );

  it("E22: tells of an engine's object in the write that notes it", async () => {
    const { journal, claim } = await begin();
    const event = { type: "PipelineRunCreated", engineObject: "runs/inn-1" } as const;
    await journal.note("only", { uid: "u1" }, event);
    const told = await listEvents(db, claim, { uid: claim.uid, limit: 1 });
    expect(told).toMatchObject([
      { type: "PipelineRunCreated", run: claim.run, data: { engineObject: "runs/inn-1" } },
    ]);

    const before = await listEvents(db, claim, { uid: claim.uid, limit: 10 });
    await releaseRun(db, claim);
    await expect(journal.note("only", { uid: "u2" }, event)).rejects.toThrow(LeaseLostError);
    expect(await listEvents(db, claim, { uid: claim.uid, limit: 10 })).toEqual(before);
  });

  it.each(writes)("writes with its lease: %s", async (_, write) => {
    const { journal, claim } = await begin();
    const before = await written(claim);
    await write(journal);
    expect(await written(claim)).not.toEqual(before);
  });

  it.each(writes)("law 6: writes nothing without it: %s", async (_, write) => {
    const { journal, claim } = await begin();
    await releaseRun(db, claim);
    await claimed(db, "other");
    const before = await written(claim);
    await expect(write(journal)).rejects.toThrow(LeaseLostError);
    expect(await written(claim)).toEqual(before);
  });

  it("law 5: starts nothing more once the run is superseded, and ends what it began", async () => {
    const { journal, claim } = await begin();
    await db.transaction((tx) => supersedeRuns(tx, [claim.run]));
    await journal.end("only", result);
    await expect(journal.start({ ...step, name: "next", index: 1 })).rejects.toThrow(
      SupersededError,
    );
    await expect(journal.skip({ ...step, name: "next", index: 1 })).rejects.toThrow(
      SupersededError,
    );
    expect(await statesOf(claim.run)).toEqual(["only ended 1"]);
  });

  it("law 6: settles a step whose end is unknown before a superseded run ends", async () => {
    const { journal, claim } = await begin();
    await db.transaction((tx) => supersedeRuns(tx, [claim.run]));
    await expect(journal.start(step)).rejects.toThrow(SupersededError);
    await journal.start(step, true);
    expect(await statesOf(claim.run)).toEqual(["only started 2"]);
  });

  it("starts nothing more once the process stops, and ends what it began", async () => {
    const drain = new AbortController();
    const { journal, claim } = await begin(drain.signal);
    drain.abort();
    await journal.end("only", result);
    await expect(journal.start({ ...step, name: "next", index: 1 })).rejects.toThrow(DrainError);
    expect(await statesOf(claim.run)).toEqual(["only ended 1"]);
  });

  it("law 7: gives outputs back, and keeps them sealed", async () => {
    const { journal, claim } = await begin();
    await journal.end("only", result);
    expect((await journal.read()).get("only")).toEqual({ state: "ended", ...result });
    const [row] = await listSteps(db, claim.run);
    expect(Buffer.from(row?.sealed ?? []).toString("latin1")).not.toContain("hunter2");
    expect(row?.outputNames).toEqual(["password"]);
  });

  it("tells two workflows of one run apart", async () => {
    const { journal, claim } = await begin();
    await journal.end("only", result);
    await journal.read();
    const other = openJournal({ db, sealer, clock: runningClock }, claim, never, "observe:");
    expect((await other.read()).size).toBe(0);
    await other.start(step);
    expect([...(await other.read()).keys()]).toEqual(["only"]);
    expect(await statesOf(claim.run)).toEqual(["only ended 1", "observe:only started 1"]);
    expect((await journal.read()).get("only")?.state).toBe("ended");
  });
});
