import { expect, test } from "vitest";
import { parseDuration } from "./duration.ts";

test.each([
  ["30s", 30_000],
  ["10m", 600_000],
  ["1h30m", 5_400_000],
  ["500ms", 500],
  ["1.5s", 1_500],
  [45, 45_000],
  ["45", 45_000],
  [0, 0],
  ["soon", undefined],
  ["30 s", undefined],
  ["", undefined],
  [-1, undefined],
  [Number.NaN, undefined],
  [null, undefined],
])("%s is %s ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
