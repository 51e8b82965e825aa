import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { databases, openTestDatabase, setStoreTime } from "../../test/support/database.ts";
import { claimed, emptyTables, statesOf, uidOf } from "../../test/support/runs.ts";
import { servicesOn, stepType, type ServicesOptions } from "../../test/support/services.ts";
import { runningClock } from "../../test/support/step.ts";
import { enqueueSteps } from "../../test/support/workflows.ts";
import type { Clock } from "../model/clock.ts";
import { DatabaseUnavailableError, type Database } from "../store/database.ts";
import { dispatch } from "./dispatcher.ts";
import { createHints, type Hints } from "./hints.ts";

const [a, b] = [uidOf("a"), uidOf("b")];
const step = { name: "only", type: "scripted" };

describe.each(databases())("the dispatcher on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    await setStoreTime(db, undefined);
    await emptyTables(db);
  });

  const succeeded = (uid: typeof a): Promise<void> =>
    vi.waitFor(async () => expect(await statesOf(db, uid)).toEqual(["succeeded"]), 20_000);

  /** A dispatcher until the test is over. */
  const dispatching = async (
    run: () => Promise<void>,
    options: ServicesOptions,
    test: (hints: Hints, stop: () => void) => Promise<void>,
    on: Database = db,
  ): Promise<void> => {
    const scripted = stepType("scripted", async () => (await run(), {}));
    const services = servicesOn(on, { ...options, executors: [scripted] });
    const hints = createHints();
    const drain = new AbortController();
    const dispatched = dispatch(services, {
      hints,
      drain: drain.signal,
      onWorked: () => undefined,
      onWorking: () => undefined,
    });
    try {
      await test(hints, () => drain.abort());
    } finally {
      drain.abort();
      await dispatched;
    }
  };

  it("tells of a run that it has to leave whose it is, for which commit and plan", async () => {
    await enqueueSteps(db, a, [step]);
    const lines: string[] = [];
    const cut: Database = {
      kind: db.kind,
      query: (sql, values) =>
        sql.includes("insert into steps")
          ? Promise.reject(new DatabaseUnavailableError("the database is away", undefined))
          : db.query(sql, values),
      transaction: (work) => db.transaction(work),
      listen: (channel, onNotify) => db.listen(channel, onNotify),
      close: () => Promise.resolve(),
    };
    await dispatching(
      async () => undefined,
      { onLog: (line) => lines.push(line) },
      async () => {
        await vi.waitFor(() => expect(lines.join("")).toContain("run interrupted"), 20_000);
      },
      cut,
    );
    const told = lines.filter((it) => it.includes("run interrupted"));
    const { rows } = await db.query(`select id, commit, plan from runs`);
    const [run] = z.array(z.record(z.string(), z.string())).parse(rows);
    expect(told.map((it): unknown => JSON.parse(it))).toMatchObject([
      {
        repository: "origin",
        environment: "default",
        uid: a,
        run: run?.["id"],
        commit: run?.["commit"],
        correlation: run?.["plan"],
      },
    ]);
  });

  it("performs what is queued, and sleeps until somebody tells, or something is due", async () => {
    const { clock, slept } = watchedClock();
    await enqueueSteps(db, a, [step]);
    await dispatching(
      async () => undefined,
      { clock },
      async (hints) => {
        await succeeded(a);
        await slept(5_000);
        await enqueueSteps(db, b, [step]);
        hints.give();
        await succeeded(b);
        expect(await statesOf(db, a)).toEqual(["succeeded"]);
      },
    );
  });

  it("sleeps also while a run that it has no worker for could go on", async () => {
    const { clock, slept } = watchedClock();
    await setStoreTime(db, new Date("2026-01-01T00:00:00Z"));
    await enqueueSteps(db, a, [step]);
    await claimed(db, "dead", { leaseMs: 0 });
    await dispatching(
      async () => undefined,
      { clock, limits: { workers: 0 } },
      async () => {
        expect(await slept(5_000)).toEqual([5_000]);
      },
    );
    expect(await statesOf(db, a)).toEqual(["running"]);
  });

  it("law 6: hands no more out once it is told to stop, and waits for what is in hand", async () => {
    await enqueueSteps(db, a, [step]);
    await enqueueSteps(db, b, [step]);
    let stopDispatching = (): void => undefined;
    await dispatching(
      async () => stopDispatching(),
      { limits: { workers: 1 } },
      async (_, stop) => {
        await new Promise<void>((resolve) => {
          stopDispatching = () => {
            stop();
            resolve();
          };
        });
      },
    );
    expect([await statesOf(db, a), await statesOf(db, b)]).toEqual([["succeeded"], ["queued"]]);
  });

  it("goes on when the database is back", async () => {
    const { clock, slept } = watchedClock();
    await enqueueSteps(db, a, [step]);
    let isAway = true;
    const check = async (): Promise<void> => {
      if (isAway) throw new DatabaseUnavailableError("away", undefined);
    };
    const lines: string[] = [];
    const onLog = (line: string) => void lines.push(line);
    await dispatching(
      async () => undefined,
      { clock, onLog },
      async (hints) => {
        await slept(5_000);
        expect(lines.join("")).toContain("claiming runs");
        isAway = false;
        hints.give();
        await succeeded(a);
      },
      {
        kind: db.kind,
        query: async (sql, values) => check().then(() => db.query(sql, values)),
        transaction: async (work) => check().then(() => db.transaction(work)),
        listen: (channel, onNotify) => db.listen(channel, onNotify),
        close: () => db.close(),
      },
    );
  });
});

/** A clock that tells what was asked of it. */
function watchedClock(): {
  readonly clock: Clock;
  /** Resolves when somebody sleeps for `ms` from now on. @returns the sleeps until then, with it */
  readonly slept: (ms: number) => Promise<readonly number[]>;
} {
  let heard: number[] = [];
  let tell: (ms: number) => void = () => undefined;
  const clock: Clock = {
    now: () => runningClock.now(),
    sleep(ms, signal) {
      heard.push(ms);
      tell(ms);
      return runningClock.sleep(ms, signal);
    },
  };
  return {
    clock,
    slept: async (ms) => {
      const found = heard.includes(ms);
      if (!found) {
        await new Promise<void>((resolve) => {
          tell = (it) => void (it === ms && resolve());
        });
      }
      const all = heard;
      heard = [];
      return all;
    },
  };
}
