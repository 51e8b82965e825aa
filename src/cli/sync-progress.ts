/** What a sync did since it was told last, told once: from plans and the record, not from memory. */
import type { EnvironmentPass } from "../controller/repository.ts";
import type { Operation } from "../model/plan.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";
import { shortCommit } from "../plan/render/visible.ts";
import { summaryText } from "../plan/render/words.ts";
import type { Database } from "../store/database.ts";
import { listResources } from "../store/resources.ts";
import { listSteps } from "../store/steps.ts";
import type { Progress, ProgressEvent } from "./output/progress.ts";

export type Tell = (passes: readonly EnvironmentPass[]) => Promise<void>;

export function createTell(db: Database, repository: string, progress: Progress): Tell {
  const said = new Set<string>();
  /** What some plan of this sync wanted for a resource: its end is told even if no step was seen. */
  const wanted = new Map<string, Operation>();
  const sayOnce = (key: string, say: () => void): void => {
    if (said.has(key)) return;
    said.add(key);
    say();
  };

  return async (passes) => {
    for (const { environment, pass } of passes) {
      if (pass.kind === "stalled") {
        sayOnce(pass.message, () => progress.note(`${environment}: ${pass.message}`));
        continue;
      }
      const { commit, operations } = pass.plan;
      sayOnce(`${environment} ${commit}`, () => {
        progress.note(`${environment} at ${shortCommit(commit)}: ${summaryText(pass.plan)}`);
      });
      const waiting = new Set<Uid>();
      for (const { uid, operation, gate } of operations) {
        if (operation === "none") continue;
        wanted.set(`${environment} ${uid}`, operation);
        if (gate === null) waiting.add(uid);
      }
      for (const it of await listResources(db, { repository, environment })) {
        const operation = wanted.get(`${environment} ${it.uid}`);
        // As it was before what is planned for it has begun.
        const unbegun = waiting.has(it.uid) && it.gate === null && it.phase === "active";
        if (operation === undefined || unbegun) continue;
        const step = await stepOf(it, db);
        const key = JSON.stringify([environment, it.uid, phaseOf(it), it.run, step?.number]);
        sayOnce(key, () => progress.event(eventOf(it, operation, step)));
      }
    }
  };
}

function eventOf(it: Recorded, operation: Operation, step: ProgressEvent["step"]): ProgressEvent {
  const message = it.gate?.message ?? it.message;
  return {
    uid: it.uid,
    operation: it.attempted?.operation ?? operation,
    phase: phaseOf(it),
    ...(step === undefined ? {} : { step }),
    ...(message === "" ? {} : { message }),
  };
}

async function stepOf(it: Recorded, db: Database): Promise<ProgressEvent["step"]> {
  const working = ["provisioning", "updating", "deleting"].includes(it.phase);
  if (!working || it.run === null || it.attempted === null) return undefined;
  const steps = await listSteps(db, it.run);
  const last = steps.at(-1);
  const of = it.bundle.workflows[it.attempted.operation]?.steps.length ?? steps.length;
  return last && { name: last.name, number: Math.min(last.index + 1, of), of };
}
