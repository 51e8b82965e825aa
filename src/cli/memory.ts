/**
 * Gives back what a burst of work took, once it is over: V8 collects when memory is asked for, and a
 * controller that has nothing to do asks for none.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import type { Clock } from "../model/clock.ts";

export interface MemoryTools {
  readonly clock: Clock;
  /** Of this process, so far. */
  readonly cpuMs: () => number;
  readonly collect: () => void;
}

const lookMs = 10_000;
/** Of one CPU; what a look at unchanged repositories takes is below. */
const quietShare = 0.05;
/** CPU time since the last collection that is worth another one, which takes some 0.2 s. */
const worthMs = 2_000;

/** @returns when `stop` is aborted */
export async function collectWhenQuiet(
  { clock, cpuMs, collect }: MemoryTools,
  stop: AbortSignal,
): Promise<void> {
  let collectedAt = 0;
  while (!stop.aborted) {
    const before = cpuMs();
    await clock.sleep(lookMs, stop).catch(() => undefined);
    const now = cpuMs();
    if (stop.aborted || now - before > lookMs * quietShare || now - collectedAt < worthMs) continue;
    collect();
    collectedAt = cpuMs();
  }
}

export const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const collector = z.custom<() => void>((it) => typeof it === "function");

/** V8's own, which programs are given on demand only; pages that it empties are given back by a second. */
export function v8Collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = collector.parse(runInNewContext("gc"));
  return () => {
    collect();
    collect();
  };
}
