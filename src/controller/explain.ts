/** Explains a resource from the record alone, so that it answers without git or a cluster (law 12). */
import type { Reason } from "../model/plan.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { Scope } from "../model/uid.ts";
import type { Database } from "../store/database.ts";
import { readEnvironment } from "../store/environments.ts";
import { readResource } from "../store/resources.ts";
import { readPlanned, readRevision } from "../store/revisions.ts";
import { listRuns } from "../store/runs.ts";
import { runsUnderWay } from "../store/slots.ts";
import { listSteps } from "../store/steps.ts";
import { listWaits } from "../store/waits.ts";
import { nextEvent } from "./next-event.ts";
import type { Explanation } from "./explanation.ts";

export async function explain(
  db: Database,
  scope: Scope,
  resource: Recorded,
): Promise<Explanation> {
  const environment = await readEnvironment(db, scope);
  const [run] = await listRuns(db, scope, { uid: resource.uid, limit: 1 });
  const commit = decidingCommit(resource, environment?.observedCommit ?? null);
  const revision = await readRevision(db, scope, commit);
  const planned = await readPlanned(db, scope, commit, resource.uid);
  const dependsOn = [];
  for (const uid of resource.dependsOn) {
    const other = await readResource(db, scope, uid);
    dependsOn.push({ uid, phase: other === undefined ? null : phaseOf(other) });
  }
  const waits = (await listWaits(db, scope, resource.uid)).get(resource.uid) ?? [];
  const { bundle } = resource;
  const held = resource.gate === null ? undefined : planned;
  const operation = held?.operation ?? run?.operation ?? planned?.operation ?? "none";
  const workflow = held?.workflow ?? run?.workflow ?? planned?.workflow;
  return {
    uid: resource.uid,
    environment: scope.environment,
    phase: phaseOf(resource),
    since: resource.since,
    decided: {
      operation,
      reason: reasonOf(resource, planned?.reason, run?.desired.reason),
      commit,
      author: revision?.author ?? null,
      committedAt: revision?.committedAt ?? null,
      subject: revision?.subject ?? null,
      place: resource.place,
      rule: ruleOf(resource, workflow ?? undefined, run?.desired.rule),
    },
    provider: {
      name: bundle.provider,
      version: bundle.version,
      source: bundle.source,
      bundle: bundle.hash,
    },
    dependsOn,
    run: run === undefined ? null : { run, steps: await listSteps(db, run.id) },
    gate: resource.gate,
    waits,
    next: nextEvent(
      resource,
      environment?.planHash ?? null,
      waits,
      await runsUnderWay(db, bundle.provider),
    ),
  };
}

/** What is held was decided at the commit looked at last, unless it is a removal, which has its own. */
function decidingCommit(resource: Recorded, observed: string | null): string {
  if (resource.removal !== null) return resource.removal.commit;
  return resource.gate === null ? resource.commit : (observed ?? resource.commit);
}

/** What is held was decided by the last plan; what is done, by the plan that its run was queued with. */
function reasonOf(
  { phase, gate, removal }: Recorded,
  planned: Reason | undefined,
  carriedOut: Reason | undefined,
): Reason {
  if (gate !== null) return planned ?? (gate.kind === "history" ? "RemovalUnproven" : "Held");
  if (phase === "deleted" || removal !== null) return "Removed";
  return carriedOut ?? planned ?? "UpToDate";
}

/** As it was resolved for the last run; for a deletion, what the bundle itself says. */
function ruleOf(
  { type, bundle }: Recorded,
  workflow: string | undefined,
  resolved: readonly string[] = [],
): string {
  const pinned = "the bundle is pinned, and used whatever git says later";
  if (resolved.length > 0) return [...resolved, pinned].join("; ");
  const served =
    bundle.type === type ? `serves ${type}` : `serves ${type} as an alias for ${bundle.type}`;
  const chosen = workflow === undefined ? "" : ` with its workflow ${workflow}`;
  return `${bundle.provider} ${served}${chosen}; ${pinned}`;
}
