import { describe, expect, it } from "vitest";
import { z } from "zod";
import { virtualClock } from "../../test/support/clock.ts";
import { createKillableJournal } from "../conformance/killable-journal.ts";
import { CancelledError, StepFailedError, SupersededError, WaitingError } from "../model/errors.ts";
import { createMasker } from "../secrets/mask.ts";
import type { Journal } from "./journal.ts";
import { performRun } from "./steps.ts";
import { defineStep, type CancelContext, type StepDefinition } from "./step-type.ts";

const minute = 60_000;

function setUp(more: Partial<StepDefinition<object>> = {}, leftMs?: number) {
  const clock = virtualClock();
  const memory = createKillableJournal(clock);
  const masker = createMasker();
  masker.add("hunter2-the-secret");
  let end: Error | undefined;
  const journal: Journal = {
    ...memory,
    start: async (place) => {
      if (end !== undefined) throw end;
      await memory.start(place);
    },
  };
  const failedCleanups: string[] = [];
  const executor = defineStep<object>({
    type: "engine",
    schema: z.strictObject({}),
    contexts: {},
    run: async () => {
      throw new WaitingError("Running", "still running", 10_000);
    },
    ...more,
  });
  const perform = () =>
    performRun(
      {
        scope: { repository: "origin", environment: "default" },
        run: "run-1",
        uid: "mock.default#shop.db",
        provider: "mock-team",
        operation: "create",
        steps: [
          {
            name: "only",
            type: "engine",
            config: {},
            timeoutMs: 10 * minute,
            retries: 0,
            retrySafe: false,
          },
        ],
        outputs: {},
        parameters: {},
        environment: {},
        masker,
        now: "2026-01-01T00:00:00Z",
        leftMs: leftMs === undefined ? undefined : leftMs - (clock.now().getTime() - startedAt),
      },
      new Map([["engine", executor]]),
      journal,
      {
        clock,
        random: () => 0.5,
        onCleanupFailed: (step, message) => void failedCleanups.push(`${step}: ${message}`),
      },
      new AbortController().signal,
    );
  const startedAt = clock.now().getTime();
  const told = () => perform().then(String, (error: unknown) => error);
  return { clock, journal, told, failedCleanups, endWith: (error: Error) => void (end = error) };
}

describe("a waiting step whose run ends early", () => {
  it.each([
    ["Cancelled", new CancelledError("stop")],
    ["Superseded", new SupersededError("newer")],
  ])("is stopped by its own cleanup: %s", async (reason, error) => {
    const calls: CancelContext[] = [];
    const { told, endWith } = setUp({ cancel: async (_, context) => void calls.push(context) });
    await told();
    endWith(error);
    expect(await told()).toBe(error);
    expect(calls).toMatchObject([{ reason, graceOver: false, attempt: 1 }]);
  });

  it("waits while it is being stopped, and is asked once more when the grace is over", async () => {
    const calls: boolean[] = [];
    const { told, endWith, failedCleanups } = setUp({
      cancel: async (_, { graceOver }) => {
        calls.push(graceOver);
        throw new WaitingError("Running", "not yet", 10 * minute);
      },
    });
    await told();
    endWith(new CancelledError("stop", 4 * minute));
    expect(await told()).toMatchObject({ reason: "Stopping", retryAfterMs: minute });
    endWith(new CancelledError("stop", 5 * minute));
    expect(await told()).toBeInstanceOf(CancelledError);
    expect(calls).toEqual([false, true]);
    expect(failedCleanups).toEqual(["only: step only: stopping: not yet"]);
  });

  it("tries a failing cleanup again within the grace, masked", async () => {
    const { told, endWith, failedCleanups } = setUp({
      cancel: async () => {
        throw new Error("hunter2-the-secret refused");
      },
    });
    await told();
    endWith(new CancelledError("stop"));
    const error = await told();
    expect(error).toMatchObject({ reason: "Stopping", retryAfterMs: 5_000 });
    expect(String(error)).not.toContain("hunter2");
    expect(failedCleanups).toEqual([]);
  });

  it("has nothing to stop before it has begun", async () => {
    let calls = 0;
    const { told, endWith } = setUp({ cancel: async () => void (calls += 1) });
    endWith(new CancelledError("stop"));
    expect(await told()).toBeInstanceOf(CancelledError);
    expect(calls).toBe(0);
  });
});

describe("a step's time", () => {
  it("E34: ends at the run's deadline or its own timeout, whichever is first", async () => {
    const seen: number[] = [];
    const run: StepDefinition<object>["run"] = async (_, { deadlineAt }) => {
      seen.push(deadlineAt.getTime());
      throw new WaitingError("Running", "still running", 10_000);
    };
    const own = setUp({ run });
    await own.told();
    const runs = setUp({ run }, 3 * minute);
    await runs.told();
    const begin = own.clock.now().getTime();
    expect(seen).toEqual([begin + 10 * minute, begin + 3 * minute]);
  });

  it("E34: is over after the overtime: it is stopped, and has failed with effect", async () => {
    let stopped = 0;
    const { clock, told } = setUp({ overtimeMs: minute, cancel: async () => void (stopped += 1) });
    await told();
    await clock.advance(10 * minute + 59_000);
    expect(await told()).toBeInstanceOf(WaitingError);
    expect(stopped).toBe(0);
    await clock.advance(1_000);
    const error = await told();
    expect(stopped).toBe(1);
    expect(error).toBeInstanceOf(StepFailedError);
    expect(error).toMatchObject({ fault: { reason: "DeadlineExceeded", effect: true } });
  });

  it("stays over while it is being stopped: it is not looked at again", async () => {
    let [looks, stops] = [0, 0];
    const { clock, told } = setUp({
      run: async () => {
        looks += 1;
        throw new WaitingError("Running", "still running", 10_000);
      },
      cancel: async () => {
        stops += 1;
        if (stops === 1) throw new WaitingError("Running", "stopping", 10_000);
      },
    });
    await told();
    await clock.advance(10 * minute);
    expect(await told()).toMatchObject({ reason: "Stopping" });
    await clock.advance(10_000);
    expect(await told()).toMatchObject({ fault: { reason: "DeadlineExceeded" } });
    expect([looks, stops]).toEqual([2, 2]);
  });

  it("E34: is not begun after the run's deadline", async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
      return { outputs: {}, sensitive: [] };
    };
    const { told } = setUp({ run }, 0);
    expect(await told()).toMatchObject({ fault: { reason: "DeadlineExceeded", effect: false } });
    expect(runs).toBe(0);
  });
});

describe("a step's note", () => {
  it("E16: is there again at the next look, and in what stops it", async () => {
    const seen: unknown[] = [];
    const { told, endWith } = setUp({
      run: async (_, { note, writeNote }) => {
        seen.push(note);
        if (note === undefined) await writeNote({ uid: "u1" });
        throw new WaitingError("Running", "still running", 10_000);
      },
      cancel: async (_, { note }) => void seen.push(note),
    });
    await told();
    await told();
    endWith(new CancelledError("stop"));
    await told();
    expect(seen).toEqual([undefined, { uid: "u1" }, { uid: "u1" }]);
  });

  it("law 7: holds no secret", async () => {
    const { told, journal } = setUp({
      run: async (_, { writeNote }) => {
        await writeNote({ token: "hunter2-the-secret" });
        return { outputs: {}, sensitive: [] };
      },
    });
    expect(String(await told())).toContain("a secret value is in what it notes down");
    expect((await journal.read()).get("only")).not.toHaveProperty("note");
  });

  it("E6: lets an interrupted attempt go on as the same one", async () => {
    const attempts: number[] = [];
    const { told, journal } = setUp({
      run: async (_, { attempt }) => {
        attempts.push(attempt);
        return { outputs: {}, sensitive: [] };
      },
      observe: async () => ({ state: "underway" }),
    });
    await journal.start({ name: "only", index: 0, type: "engine", readOnly: false });
    await told();
    expect(attempts).toEqual([1]);
  });
});

describe("E21: a structured failure", () => {
  const fault = { reason: "ImagePullBackOff", retryable: true, effect: false, detail: "no image" };
  const failing = (more: object) => ({
    run: async () => {
      throw new StepFailedError({ ...fault, ...more });
    },
  });

  it("keeps what is known of it, masked, and its log's end", async () => {
    const logTail = `${"x".repeat(5_000)}hunter2-the-secret`;
    const { told, journal } = setUp(failing({ exitCode: 1, logTail }));
    const error = await told();
    expect(error).toMatchObject({
      fault: { ...fault, detail: "step only: no image", exitCode: 1 },
    });
    const text = JSON.stringify([...(await journal.read())]);
    expect(text).not.toContain("hunter2");
    expect(text.length).toBeLessThan(5_000);
  });
});
