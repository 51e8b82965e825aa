/** A look becomes what is recorded: one transaction, so that a killed process leaves all of it or nothing. */
import type { Scope, Uid } from "../model/uid.ts";
import { isError } from "../model/problem.ts";
import { putBundles } from "../store/bundles.ts";
import type { Queryable } from "../store/database.ts";
import { lockEnvironment, saveApplied, type EnvironmentRecord } from "../store/environments.ts";
import { appendEvents, type Fact } from "../store/events.ts";
import { forgetUntouched, saveWishes } from "../store/resources.ts";
import { saveRevision } from "../store/revisions.ts";
import { enqueueRuns, openRuns, supersedeRuns } from "../store/runs.ts";
import { listWorkloads, removeWorkloads, saveWorkloads } from "../store/workloads.ts";
import type { Look } from "./look.ts";
import type { Services } from "./services.ts";
import { decideWrites } from "./writes.ts";

export interface Applied {
  readonly queued: number;
  readonly superseded: number;
  /** Anything at all was written about resources or runs. */
  readonly changed: boolean;
  /** Rows are gone. */
  readonly forgot: boolean;
  /** The commit counts as applied. */
  readonly whole: boolean;
}

const planned = "Planned";
const problemsFound = "ProblemsFound";

/** What an environment's reason is after a look at its commit. */
export const lookReasons: ReadonlySet<string> = new Set([planned, problemsFound]);

/** @returns `undefined` when the environment has moved on since the look: look again */
export async function applyLook(
  { db, clock }: Pick<Services, "db" | "clock">,
  scope: Scope,
  branch: string,
  { plan, input, tree, snapshot, settings }: Look,
  seen: Pick<EnvironmentRecord, "appliedCommit" | "observedCommit">,
): Promise<Applied | undefined> {
  return db.transaction(async (tx) => {
    const environment = await lockEnvironment(tx, scope, branch);
    const { appliedCommit, observedCommit } = environment;
    if (appliedCommit !== seen.appliedCommit || observedCommit !== seen.observedCommit) {
      return undefined;
    }
    const nowMs = clock.now().getTime();
    const writes = decideWrites(scope, plan, input, await openRuns(tx, scope));

    await putBundles(tx, writes.bundles);
    // Runs before resources, as workers lock them.
    const replaced = await supersedeRuns(tx, writes.supersede);
    await saveWishes(tx, scope, writes.wishes);
    await forgetUntouched(tx, scope, writes.forget);
    const arrivals = new Map(replaced.map((it) => [it.uid, it.arrivedAt]));
    const entered = await enqueueRuns(tx, scope, writes.queue, nowMs, arrivals);
    const queued = entered.length;
    // An unreadable or empty tree says nothing of what is wanted, so it is not what was applied.
    const whole =
      input.history.kind !== "unreadable" &&
      input.history.kind !== "emptied" &&
      tree.unreadable.length === 0;
    await followWorkloads(tx, scope, { tree, input, whole });
    await saveRevision(tx, scope, snapshot, plan);
    const errors = plan.problems.filter(isError).length;
    const first = environment.observedCommit !== plan.commit;
    await saveApplied(tx, scope, {
      commit: plan.commit,
      whole,
      planHash: plan.hash,
      settings: settings.source,
      problems: plan.problems,
      reason: errors > 0 ? problemsFound : planned,
      message: errors > 0 ? `${errors} problems` : "",
    });
    const actor = snapshot.author;
    const about = (
      type: string,
      { id, uid }: { readonly id: string; readonly uid: Uid },
    ): Fact => ({
      ...scope,
      type,
      actor,
      actorType: "author",
      uid,
      run: id,
    });
    const facts: Fact[] = [
      ...(first ? [plannedFact(scope, actor, plan)] : []),
      ...replaced.map((it) => about("RunSuperseded", it)),
      ...entered.map((it) => about("RunQueued", it)),
    ];
    await appendEvents(tx, facts, nowMs);
    if (queued > 0) await tx.query(`select pg_notify('innominatus', 'queued')`);
    const superseded = writes.supersede.length;
    const changed = queued + superseded + writes.wishes.length + writes.forget.length > 0;
    return { queued, superseded, changed, forgot: writes.forget.length > 0, whole };
  });
}

function plannedFact(scope: Scope, actor: string, plan: Look["plan"]): Fact {
  const { create, update, delete: deleted, replace, none, held } = plan.summary;
  return {
    ...scope,
    type: "CommitPlanned",
    actor,
    actorType: "author",
    commit: plan.commit,
    correlation: plan.hash,
    data: { create, update, delete: deleted, replace, none, held },
  };
}

async function followWorkloads(
  tx: Queryable,
  scope: Scope,
  { tree, input, whole }: Pick<Look, "tree" | "input"> & { readonly whole: boolean },
): Promise<void> {
  const recorded = await listWorkloads(tx, scope);
  const byIdentity = new Map(recorded.map((it) => [it.identity, it]));
  const changed = tree.workloads.filter((it) => {
    const known = byIdentity.get(it.identity);
    return known?.name !== it.name || known.file !== it.document.file;
  });
  await saveWorkloads(
    tx,
    scope,
    changed.map(({ identity, name, document }) => ({
      identity,
      name,
      file: document.file,
      commit: input.commit,
    })),
  );
  if (!whole) return;
  // Those whose resources are still there stay, for their files to be known (law 1).
  const wanted = new Set(tree.workloads.map((it) => it.identity));
  const standing = new Set(input.recorded.filter((it) => it.touched).map((it) => it.identity));
  const gone = recorded.filter((it) => !wanted.has(it.identity) && !standing.has(it.identity));
  await removeWorkloads(
    tx,
    scope,
    gone.map((it) => it.identity),
  );
}
