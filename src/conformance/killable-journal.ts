/** A run's journal in memory, which can end the process at any of its writes: before it happened, or after. */
import type { Journal, JournalEntry } from "../execute/journal.ts";
import type { Json } from "../model/json.ts";
import type { Clock } from "../model/clock.ts";

export interface KillPoint {
  /** The journal's write, from 1. */
  readonly write: number;
  readonly when: "before" | "after";
}

/** What a write was about; `end` is written when the step has done its work. */
export interface JournalWrite {
  readonly kind: "start" | "wait" | "end" | "skip" | "fail" | "note";
  readonly step: string;
}

/** Stands for the death of the process: nothing catches it but who resumes the run. */
export class KilledError extends Error {
  override readonly name = "KilledError";
}

export interface KillableJournal extends Journal {
  readonly writes: readonly JournalWrite[];
  /** `undefined`: at none. */
  killAt(point: KillPoint | undefined): void;
}

export function createKillableJournal(clock: Clock): KillableJournal {
  const entries = new Map<string, JournalEntry>();
  const startedAt = new Map<string, number>();
  const notes = new Map<string, Json>();
  const writes: JournalWrite[] = [];
  let death: KillPoint | undefined;

  const write = async (it: JournalWrite, effect: () => void): Promise<void> => {
    writes.push(it);
    const dies = death?.write === writes.length;
    if (dies && death?.when === "before") throw new KilledError();
    effect();
    if (dies) throw new KilledError();
  };
  const elapsedMs = (step: string): number =>
    clock.now().getTime() - (startedAt.get(step) ?? clock.now().getTime());
  const attemptsOf = (step: string): number => {
    const entry = entries.get(step);
    return entry !== undefined && "attempts" in entry ? entry.attempts : 0;
  };

  return {
    writes,
    killAt(point) {
      death = point;
    },
    async read() {
      return new Map(
        [...entries].map(([step, entry]): [string, JournalEntry] => [
          step,
          "elapsedMs" in entry
            ? { ...entry, elapsedMs: elapsedMs(step), ...noted(notes.get(step)) }
            : entry,
        ]),
      );
    },
    start: ({ name }) =>
      write({ kind: "start", step: name }, () => {
        if (!startedAt.has(name)) startedAt.set(name, clock.now().getTime());
        const again = entries.get(name)?.state === "waiting" ? 0 : 1;
        entries.set(name, { state: "started", attempts: attemptsOf(name) + again, elapsedMs: 0 });
      }),
    wait: (step, _, stopping = false) =>
      write({ kind: "wait", step }, () => {
        entries.set(step, { state: "waiting", attempts: attemptsOf(step), elapsedMs: 0, stopping });
      }),
    end: (step, { outputs, sensitive }) =>
      write({ kind: "end", step }, () => {
        entries.set(step, { state: "ended", outputs, sensitive });
      }),
    skip: ({ name }) =>
      write({ kind: "skip", step: name }, () => {
        entries.set(name, { state: "skipped" });
      }),
    fail: (step, error, _, fault) =>
      write({ kind: "fail", step }, () => {
        const entry = { state: "failed", attempts: attemptsOf(step), elapsedMs: 0, error } as const;
        entries.set(step, fault === undefined ? entry : { ...entry, fault });
      }),
    note: (step, note) => write({ kind: "note", step }, () => void notes.set(step, note)),
    log: async () => undefined,
  };
}

const noted = (note: Json | undefined) => (note === undefined ? {} : { note });
