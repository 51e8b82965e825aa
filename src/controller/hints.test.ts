import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { virtualClock } from "../../test/support/clock.ts";
import { createHints } from "./hints.ts";

const never = new AbortController().signal;

it("wakes whoever waits, and does not let wait whom a hint was given to already", async () => {
  const [hints, clock] = [createHints(), virtualClock()];
  const waiting = hints.wait(hints.count(), 1_000, clock, never);
  hints.give();
  await waiting;
  await hints.wait(0, 1_000, clock, never);
  expect([hints.count(), clock.sleepers]).toEqual([1, 0]);
});

it("waits no longer than it was told to", async () => {
  const [hints, clock] = [createHints(), virtualClock()];
  const waiting = hints.wait(0, 1_000, clock, never);
  await clock.advance(1_000);
  await waiting;
  expect(hints.count()).toBe(0);
});

it("stops waiting, without an error, when the process does", async () => {
  const [hints, clock] = [createHints(), virtualClock()];
  const stop = new AbortController();
  const waiting = hints.wait(0, 1_000, clock, stop.signal);
  stop.abort();
  await waiting;
  await hints.wait(0, 1_000, clock, stop.signal);
  expect(clock.sleepers).toBe(0);
});

it("leaves nothing behind on the signal, however often somebody waited", async () => {
  const [hints, clock] = [createHints(), virtualClock()];
  const { signal } = new AbortController();
  for (let count = 0; count < 100; count++) {
    const waiting = hints.wait(hints.count(), 1_000, clock, signal);
    hints.give();
    await waiting;
  }
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
