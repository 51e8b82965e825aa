import { expect, it } from "vitest";
import type { Clock } from "../../model/clock.ts";
import { pollTrigger } from "./poll.ts";

/** Sleeps end at once; how long they were is written down. */
function fakeClock(slept: number[]): Clock {
  return {
    now: () => new Date(0),
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      slept.push(ms);
    },
  };
}

it("is due after each interval, spread by its jitter, until it is stopped", async () => {
  const slept: number[] = [];
  const stop = new AbortController();
  const randoms = [0, 0.5, 0.999];
  let due = 0;
  await pollTrigger({
    intervalMs: 60_000,
    jitter: 0.1,
    clock: fakeClock(slept),
    random: () => randoms[due] ?? 0,
    signal: stop.signal,
    onDue: () => {
      due += 1;
      if (due === 3) stop.abort();
    },
  });
  expect(slept).toEqual([54_000, 60_000, 65_988]);
  expect(due).toBe(3);
});

it("ends without a word when it is stopped while it waits", async () => {
  const stop = new AbortController();
  const clock: Clock = {
    now: () => new Date(0),
    sleep: async (_, signal) => {
      stop.abort(new Error("stop"));
      signal.throwIfAborted();
    },
  };
  const onDue = () => expect.fail("it was stopped");
  const options = { intervalMs: 1, jitter: 0, clock, random: () => 0, signal: stop.signal, onDue };
  await expect(pollTrigger(options)).resolves.toBeUndefined();
});

it("does not hide that the clock is broken", async () => {
  const clock: Clock = { now: () => new Date(0), sleep: () => Promise.reject(new Error("broken")) };
  const { signal } = new AbortController();
  const onDue = () => expect.fail("no time has passed");
  const options = { intervalMs: 1, jitter: 0, clock, random: () => 0, signal, onDue };
  await expect(pollTrigger(options)).rejects.toThrow("broken");
});
