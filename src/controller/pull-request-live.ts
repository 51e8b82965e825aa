/** What has become of a merged commit: each resource that it concerns, as the record has it now. */
import type { Operation } from "../model/plan.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import { adviceFor } from "../plan/render/advice.ts";
import type { Failure, LiveResource, LiveState } from "../report/comment/live.ts";
import type { Mirror } from "../source/mirror.ts";
import type { Database } from "../store/database.ts";
import { readEnvironment } from "../store/environments.ts";
import { readResource } from "../store/resources.ts";
import { latestRevisions, plannedFor } from "../store/revisions.ts";
import { lastRuns, openRuns, runsOfCommit, type RecordedRun } from "../store/runs.ts";
import { listLogs, listSteps } from "../store/steps.ts";

/** One row of what was planned. */
export interface Concern {
  readonly uid: Uid;
  readonly operation: Operation;
  readonly workload: string;
  readonly provider: string;
  readonly workflow: string | null;
}

export interface Live {
  readonly state: LiveState;
  /** The branch was looked at with the commit in it. */
  readonly landed: boolean;
}

/** Where commits landed, once that is known: it does not change any more. */
export type Landings = Map<string, Landing>;

interface Landing {
  readonly commit: string;
  readonly seenAt: string;
}

/** @param concerns what was planned for it; `undefined`: nobody did, so that its runs tell */
export async function readLive(
  db: Database,
  mirror: Mirror,
  scope: Scope,
  commit: string,
  concerns: readonly Concern[] | undefined,
  landings: Landings,
): Promise<Live> {
  const { environment } = scope;
  const key = `${environment} ${commit}`;
  const landed = landings.get(key) ?? (await landing(db, mirror, scope, commit));
  if (landed !== undefined) landings.set(key, landed);
  const record = await readEnvironment(db, scope);
  const planned =
    landed === undefined || record?.observedCommit == null
      ? []
      : await plannedFor(db, scope, record.observedCommit);
  const pending = new Map(planned.map((it) => [it.uid, it]));
  const concerned =
    concerns ?? (await concernsOf(db, scope, commit, landed !== undefined, planned));
  const uids = concerned.map((it) => it.uid);
  const runs = new Map((await lastRuns(db, scope, uids)).map((it) => [it.uid, it]));
  const open = new Set((await openRuns(db, scope)).map((it) => it.uid));
  const resources: LiveResource[] = [];
  for (const it of concerned) {
    const resource = await readResource(db, scope, it.uid);
    const run = runs.get(it.uid);
    const own = landed !== undefined && run !== undefined && isSince(run, landed);
    const phase =
      landed === undefined
        ? "requested"
        : phaseNow(it, resource, open.has(it.uid), own ? run : undefined, pending.has(it.uid));
    resources.push({
      ...it,
      phase,
      requestedAt: own ? run.queuedAt : null,
      startedAt: own ? run.startedAt : null,
      endedAt: own ? run.endedAt : null,
      gate: resource?.gate ?? null,
      outputs: resource?.outputs ?? {},
      secretRefs: resource?.secretRefs ?? {},
      failure: phase === "failed" ? await failureOf(db, resource) : undefined,
      advice: resource === undefined ? undefined : adviceFor(resource, record?.planHash ?? null),
    });
  }
  return {
    state: { environment, commit, resources: sorted(resources) },
    landed: landed !== undefined,
  };
}

/** When a commit that has this one in it was first looked at: from then on, the record is about it. */
async function landing(
  db: Database,
  mirror: Mirror,
  scope: Scope,
  commit: string,
): Promise<Landing | undefined> {
  let found: Landing | undefined;
  for (const revision of await latestRevisions(db, scope, 50)) {
    if (revision.commit !== commit && !(await mirror.isAncestor(commit, revision.commit))) break;
    found = revision;
    if (revision.commit === commit) break;
  }
  return found;
}

/** A look queues its runs just before it says that it was. */
const isSince = ({ commit, queuedAt }: RecordedRun, landed: Landing): boolean =>
  commit === landed.commit || queuedAt >= landed.seenAt;

async function concernsOf(
  db: Database,
  scope: Scope,
  commit: string,
  isLanded: boolean,
  planned: readonly Concern[],
): Promise<readonly Concern[]> {
  if (!isLanded) return [];
  const runs = await runsOfCommit(db, scope, commit);
  const ran = new Set(runs.map((it) => it.uid));
  const environment = await readEnvironment(db, scope);
  const left = environment?.observedCommit === commit ? planned : [];
  return [
    ...runs.map(({ uid, operation, workflow, provider }) => ({
      uid,
      operation,
      workload: "",
      provider,
      workflow,
    })),
    ...left.filter((it) => !ran.has(it.uid)),
  ];
}

function phaseNow(
  { operation }: Concern,
  resource: Recorded | undefined,
  isOpen: boolean,
  run: RecordedRun | undefined,
  isPending: boolean,
): LiveResource["phase"] {
  if (operation === "none") {
    return resource !== undefined && resource.gate !== null ? "held" : "kept";
  }
  if (operation === "delete") {
    if (resource === undefined || resource.phase === "deleted") return "deleted";
    if (resource.wanted && resource.gate === null && !isPending) return "taken-back";
  } else {
    if (resource === undefined) return isPending ? "requested" : "taken-back";
    if (!resource.wanted && resource.removal !== null) return "taken-back";
    if (resource.phase === "deleted" && operation !== "replace") return "taken-back";
  }
  if (isOpen) return run?.startedAt == null ? "requested" : phaseOfRun(resource.phase);
  if (resource.gate !== null) return phaseOf(resource);
  if (resource.phase === "failed") return "failed";
  if (resource.phase === "active" && operation !== "delete") {
    return run?.state === "succeeded" || !isPending ? "active" : "requested";
  }
  return phaseOfRun(resource.phase);
}

const phaseOfRun = (phase: Recorded["phase"]): LiveResource["phase"] =>
  phase === "active" || phase === "deleted" || phase === "failed" ? "requested" : phase;

async function failureOf(
  db: Database,
  resource: Recorded | undefined,
): Promise<Failure | undefined> {
  if (resource?.run == null) return undefined;
  const steps = await listSteps(db, resource.run);
  const step =
    steps.findLast((it) => it.state === "failed") ?? steps.findLast((it) => it.error !== null);
  const logs = step === undefined ? [] : await listLogs(db, resource.run);
  return {
    run: resource.run,
    step: step?.name ?? "",
    message: resource.message,
    lines: logs
      .filter((it) => it.step === step?.name)
      .flatMap((it) => it.text.split("\n"))
      .filter((it) => it.trim() !== "")
      .slice(-10),
  };
}

const rank = ({ operation }: LiveResource): number =>
  operation === "delete" || operation === "replace" ? 0 : 1;

const sorted = (resources: readonly LiveResource[]): LiveResource[] =>
  resources.toSorted((a, b) => rank(a) - rank(b) || (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0));
