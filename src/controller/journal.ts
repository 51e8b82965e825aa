/**
 * A run's journal on the store: every write fenced, outputs sealed, logs as they come (law 6). That a
 * step ended is written with the start of the next one, or with the end of the run: nothing is done
 * in between, so that a kill there is a kill before it was written.
 */
import { z } from "zod";
import type { Journal, JournalEntry, StepPlace } from "../execute/journal.ts";
import type { EngineEvent } from "../execute/step-type.ts";
import type { Clock } from "../model/clock.ts";
import type { Claim } from "../model/run.ts";
import type { Sealer } from "../secrets/seal.ts";
import { jsonRecord } from "../store/rows.ts";
import { advanceRun, fencedAfter, nothingUnwritten, type Unwritten } from "../store/advance.ts";
import { endHere, type Cancel } from "../store/claims.ts";
import type { Database, Queryable } from "../store/database.ts";
import { appendEvents, type Fact } from "../store/events.ts";
import {
  appendLog,
  failStep,
  listSteps,
  noteStep,
  skipStep,
  startStep,
  waitStep,
  type JournaledStep,
} from "../store/steps.ts";

const sealedResult = z.object({ outputs: jsonRecord, sensitive: z.array(z.string()) });

/** What a process that stops says at the next safe point: the run is given back, not ended. */
export class DrainError extends Error {
  override readonly name = "DrainError";
}

export interface JournalTools {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/**
 * @param drain aborted when the process stops
 * @param prefix of the steps' names in the journal: tells two workflows of one run apart
 * @param unwritten what is left of it when the steps are over, the last one's end, is the caller's to write
 */
export function openJournal(
  { db, sealer, clock }: JournalTools,
  claim: Claim,
  drain: AbortSignal,
  prefix = "",
  unwritten: Unwritten = nothingUnwritten(),
): Journal {
  const { run } = claim;
  const named = (step: StepPlace): StepPlace => ({ ...step, name: prefix + step.name });
  const contextOf = (step: string): string => `step ${run}/${step}`;
  const toEntry = (step: JournaledStep): JournalEntry => {
    const { state, attempts, elapsedMs } = step;
    switch (state) {
      case "skipped":
        return { state };
      case "failed": {
        const known = step.failure === null ? {} : { fault: step.failure };
        return { state, attempts, elapsedMs, error: step.error ?? "", ...known, ...noted(step) };
      }
      case "ended": {
        if (step.sealed === null) throw new Error(`step ${step.name} of run ${run} has no outputs`);
        const text = sealer.open(step.sealed, contextOf(step.name));
        return { state, ...sealedResult.parse(JSON.parse(text)) };
      }
      case "started":
      case "waiting":
        return { state, attempts, elapsedMs, stopping: step.error !== null, ...noted(step) };
    }
  };

  /** With what is unwritten before it. */
  const write = async <T>(
    work: (tx: Queryable, cancel: Cancel | null) => Promise<T>,
  ): Promise<T> => {
    const result = await fencedAfter(db, claim, unwritten, work);
    Object.assign(unwritten, nothingUnwritten());
    return result;
  };

  return {
    async read() {
      if (unwritten.ended !== undefined) await write(async () => undefined);
      const steps = await listSteps(db, run);
      const own = steps.filter((it) => it.name.startsWith(prefix));
      return new Map(own.map((it) => [it.name.slice(prefix.length), toEntry(it)]));
    },
    async start(step, settles = false) {
      if (drain.aborted) {
        await write(async () => undefined);
        throw new DrainError(`run ${run} stops before step ${step.name}`);
      }
      if (settles) return write((tx) => startStep(tx, run, named(step)));
      const cancel = await advanceRun(db, claim, unwritten, named(step));
      Object.assign(unwritten, nothingUnwritten());
      endHere(claim, cancel);
    },
    wait: (step, _, stopping = false) =>
      write((tx) =>
        waitStep(tx, run, prefix + step, stopping ? "its time is over: it is being stopped" : null),
      ),
    async end(step, { completedAt, ...result }) {
      if (unwritten.ended !== undefined) await write(async () => undefined);
      const sealed = sealer.seal(JSON.stringify(result), contextOf(prefix + step));
      const names = Object.keys(result.outputs).toSorted();
      const ended = { step: prefix + step, sealed, names };
      unwritten.ended = completedAt === undefined ? ended : { ...ended, completedAt };
    },
    async skip(step) {
      const cancel = await write(async (tx, cancelled) => {
        if (cancelled === null) await skipStep(tx, run, named(step));
        return cancelled;
      });
      endHere(claim, cancel);
    },
    fail: (step, error, _, fault) => write((tx) => failStep(tx, run, prefix + step, error, fault)),
    note: (step, note, event) =>
      write(async (tx) => {
        await noteStep(tx, run, prefix + step, note);
        await appendEvents(
          tx,
          event === undefined ? [] : [factOf(claim, event)],
          clock.now().getTime(),
        );
      }),
    log: (step, text) => appendLog(db, claim, prefix + step, text),
  };
}

const factOf = (claim: Claim, { type, engineObject }: EngineEvent): Fact => ({
  repository: claim.repository,
  environment: claim.environment,
  type,
  actor: "innominatus",
  uid: claim.uid,
  run: claim.run,
  data: { engineObject },
});

const noted = ({ note }: JournaledStep) => (note === null ? {} : { note });
