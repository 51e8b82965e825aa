/** A run's journal on the store: every write fenced, outputs sealed, logs as they come (law 6). */
import { z } from "zod";
import type { Journal, JournalEntry, StepPlace } from "../execute/journal.ts";
import type { EngineEvent } from "../execute/step-type.ts";
import type { Clock } from "../model/clock.ts";
import type { Claim } from "../model/run.ts";
import type { Sealer } from "../secrets/seal.ts";
import { jsonRecord } from "../store/rows.ts";
import { fenced, fencedAtSafePoint } from "../store/claims.ts";
import type { Database, Queryable } from "../store/database.ts";
import { appendEvents, type Fact } from "../store/events.ts";
import {
  appendLog,
  endStep,
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
 */
export function openJournal(
  { db, sealer, clock }: JournalTools,
  claim: Claim,
  drain: AbortSignal,
  prefix = "",
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

  return {
    async read() {
      const steps = await listSteps(db, run);
      const own = steps.filter((it) => it.name.startsWith(prefix));
      return new Map(own.map((it) => [it.name.slice(prefix.length), toEntry(it)]));
    },
    async start(step, settles = false) {
      if (drain.aborted) throw new DrainError(`run ${run} stops before step ${step.name}`);
      const fence = settles ? fenced : fencedAtSafePoint;
      await fence(db, claim, (tx: Queryable) => startStep(tx, run, named(step)));
    },
    wait: (step, _, stopping = false) =>
      fenced(db, claim, (tx) =>
        waitStep(tx, run, prefix + step, stopping ? "its time is over: it is being stopped" : null),
      ),
    end(step, result) {
      const sealed = sealer.seal(JSON.stringify(result), contextOf(prefix + step));
      const names = Object.keys(result.outputs).toSorted();
      return fenced(db, claim, (tx) => endStep(tx, run, prefix + step, sealed, names));
    },
    skip: (step) => fencedAtSafePoint(db, claim, (tx) => skipStep(tx, run, named(step))),
    fail: (step, error, _, fault) =>
      fenced(db, claim, (tx) => failStep(tx, run, prefix + step, error, fault)),
    note: (step, note, event) =>
      fenced(db, claim, async (tx) => {
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
