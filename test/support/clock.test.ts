import { expect, it } from "vitest";
import { virtualClock } from "./clock.ts";

const never = new AbortController().signal;

it("wakes sleepers in the order of their moments, each at its own", async () => {
  const clock = virtualClock(new Date(0));
  const seen: [string, number][] = [];
  const sleeper = async (name: string, ...naps: number[]) => {
    for (const nap of naps) {
      await clock.sleep(nap, never);
      seen.push([name, clock.now().getTime()]);
    }
  };
  const all = Promise.all([
    sleeper("late", 30),
    sleeper("twice", 10, 10),
    sleeper("never due", 99),
  ]);
  expect(clock.sleepers).toBe(3);

  await clock.advance(30);
  expect(seen).toEqual([
    ["twice", 10],
    ["twice", 20],
    ["late", 30],
  ]);
  expect([clock.now().getTime(), clock.sleepers]).toEqual([30, 1]);

  await clock.advance(69);
  await all;
  expect(clock.sleepers).toBe(0);
});

it("wakes a sleeper with the signal's reason as soon as it is aborted", async () => {
  const clock = virtualClock();
  const stopping = new AbortController();
  const nap = clock.sleep(1000, stopping.signal);
  stopping.abort(new Error("stop"));
  await expect(nap).rejects.toThrow("stop");
  await expect(clock.sleep(1, stopping.signal)).rejects.toThrow("stop");
  expect(clock.sleepers).toBe(0);
});
