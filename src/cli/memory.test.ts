import { describe, expect, it } from "vitest";
import type { Clock } from "../model/clock.ts";
import { collectWhenQuiet, v8Collector } from "./memory.ts";

/** How many collections there were after each look, when the looks find so much CPU time used. */
async function collectionsAt(used: readonly number[]): Promise<readonly number[]> {
  const stop = new AbortController();
  const counts: number[] = [];
  let [cpu, collections, looks] = [0, 0, 0];
  const clock: Clock = {
    now: () => new Date(0),
    async sleep() {
      if (looks > 0) counts.push(collections);
      if (looks === used.length) return stop.abort();
      cpu += used[looks] ?? 0;
      looks += 1;
    },
  };
  const collect = (): void => {
    collections += 1;
    cpu += 200;
  };
  await collectWhenQuiet({ clock, cpuMs: () => cpu, collect }, stop.signal);
  return counts;
}

describe("collecting when it is quiet", () => {
  it("waits for the end of a burst, and collects once", async () => {
    expect(await collectionsAt([9_000, 3_000, 100, 100, 100])).toEqual([0, 0, 1, 1, 1]);
  });

  it("collects again after the next burst only", async () => {
    expect(await collectionsAt([2_500, 50, 50, 8_000, 50])).toEqual([0, 1, 1, 1, 2]);
  });

  it("lets a process be that has done next to nothing", async () => {
    expect(await collectionsAt([100, 100, 100])).toEqual([0, 0, 0]);
  });

  it("has V8's collector at hand", () => {
    const before = process.memoryUsage().heapUsed;
    let garbage: unknown = Array.from({ length: 500_000 }, (_, index) => ({ index }));
    expect(process.memoryUsage().heapUsed).toBeGreaterThan(before);
    garbage = undefined;
    v8Collector()();
    expect(garbage).toBeUndefined();
    expect(process.memoryUsage().heapUsed).toBeLessThan(before + 10_000_000);
  });
});
