/** Follows the controller, from the record alone, until what a plan says is done or has gone wrong. */
import type { Progress } from "../cli/output/progress.ts";
import type { Services } from "../controller/services.ts";
import type { Plan, PlannedOperation } from "../model/plan.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { Scope } from "../model/uid.ts";
import { readEnvironment } from "../store/environments.ts";
import { listResources } from "../store/resources.ts";
import { openRuns } from "../store/runs.ts";
import { listSteps } from "../store/steps.ts";
import { unexpected } from "./expectation.ts";
import type { Looked } from "./waiting.ts";

interface Record {
  readonly appliedCommit: string | null;
  readonly resources: readonly Recorded[];
  readonly open: readonly { readonly uid: string; readonly state: string }[];
}

const operationsOf = (plan: Plan): readonly PlannedOperation[] =>
  plan.operations.filter((it) => it.operation !== "none");

/** A row for each operation, before the controller has heard of them. */
export function announce(plan: Plan, progress: Progress): void {
  for (const { uid, operation } of operationsOf(plan)) {
    progress.event({ uid, operation, phase: "requested" });
  }
}

/** @throws {CommandError} when a resource fails or is held */
export async function lookWhetherDone(
  services: Services,
  scope: Scope,
  plan: Plan,
  progress: Progress,
): Promise<Looked<readonly Recorded[]>> {
  const record = await read(services, scope);
  refuseFailure(record);
  const { resources, appliedCommit, open } = record;
  if (appliedCommit === plan.commit) {
    for (const it of operationsOf(plan)) await tell(services, it, record, progress);
    const settled = resources.every((it) => phaseOf(it) === (it.wanted ? "active" : "deleted"));
    if (settled && open.length === 0) return { kind: "so", value: resources };
  }
  const phases = resources.map((it) => `${it.uid} ${phaseOf(it)}`);
  return { kind: "not yet", found: [appliedCommit ?? "no commit", ...phases].join(", ") };
}

async function read({ db }: Services, scope: Scope): Promise<Record> {
  const environment = await readEnvironment(db, scope);
  // Runs first: one that ends in between is seen with what it came to.
  const open = await openRuns(db, scope);
  const resources = await listResources(db, scope);
  return { appliedCommit: environment?.appliedCommit ?? null, open, resources };
}

function refuseFailure({ resources }: Record): void {
  const bad = resources.find((it) => ["failed", "held"].includes(phaseOf(it)));
  if (bad === undefined) return;
  const found = `${phaseOf(bad)}: ${bad.gate?.message ?? bad.message}`;
  throw unexpected(`${bad.uid} is as git wants it`, bad.wanted ? "active" : "deleted", found);
}

async function tell(
  { db }: Services,
  { uid, operation }: PlannedOperation,
  { resources, open }: Record,
  progress: Progress,
): Promise<void> {
  const it = resources.find((resource) => resource.uid === uid);
  // Until its run begins it is what the last one made it.
  if (it === undefined || open.some((run) => run.uid === uid && run.state === "queued")) return;
  const isRunning = open.some((run) => run.uid === uid);
  const last = isRunning && it.run !== null ? (await listSteps(db, it.run)).at(-1) : undefined;
  const of = it.bundle.workflows[it.attempted?.operation ?? "create"]?.steps.length ?? 0;
  const step = last && { name: last.name, number: Math.min(last.index + 1, of), of };
  const phase = phaseOf(it);
  progress.event({ uid, operation, phase, ...(step === undefined ? {} : { step }) });
}
