import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultRetry, retryDelayMs } from "./retry.ts";

test("delays double from the base to the cap", () => {
  const delays = [1, 2, 3, 6, 7, 50].map((it) => retryDelayMs(it, () => 0.5, defaultRetry));
  expect(delays).toEqual([5_000, 10_000, 20_000, 160_000, 180_000, 180_000]);
});

test("a delay is within ±10 % of its middle, and never outside base and cap", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), random, (failures, value) => {
      const delay = retryDelayMs(failures, () => value, defaultRetry);
      const middle = Math.min(5_000 * 2 ** (failures - 1), 180_000);
      expect(delay).toBeGreaterThanOrEqual(Math.max(5_000, Math.floor(middle * 0.9)));
      expect(delay).toBeLessThanOrEqual(Math.min(180_000, Math.ceil(middle * 1.1)));
    }),
  );
});
