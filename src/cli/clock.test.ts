import { expect, it } from "vitest";
import { systemClock } from "./clock.ts";

it("wakes when it is time, and cares for no signal after that", async () => {
  const stopping = new AbortController();
  expect(await systemClock.sleep(1, stopping.signal)).toBeUndefined();
  stopping.abort(new Error("late"));
});

it("rejects with the reason as soon as the signal is aborted, or was before", async () => {
  const stopping = new AbortController();
  // Longer than a timer can wait: it would fire at once.
  const nap = systemClock.sleep(2 ** 40, stopping.signal);
  stopping.abort(new Error("stop"));
  await expect(nap).rejects.toThrow("stop");
  await expect(systemClock.sleep(1, stopping.signal)).rejects.toThrow("stop");
});
