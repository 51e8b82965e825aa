/** Status of a repository's environments, from the store to its status branch (DESIGN.md §5, law 9). */
import { createHash } from "node:crypto";
import type { Scope } from "../model/uid.ts";
import { publishStatus, type StatusCommit } from "../report/status-branch.ts";
import { statusFolder, type EnvironmentState } from "../report/environment-state.ts";
import { statusFiles } from "../report/status-files.ts";
import { conditionsOf } from "../report/workload-conditions.ts";
import type { Mirror } from "../source/mirror.ts";
import { readEnvironment } from "../store/environments.ts";
import { lastPublication, savePublication } from "../store/publications.ts";
import type { Queryable } from "../store/database.ts";
import { listResources } from "../store/resources.ts";
import { statusMark } from "../store/status-mark.ts";
import { listWorkloads, saveConditions } from "../store/workloads.ts";
import type { Services } from "./services.ts";

export interface Publication {
  readonly changed: boolean;
  readonly commit: string | undefined;
}

export interface Publisher {
  /**
   * Publishes what the store says now. The same state is published once: neither a second commit nor
   * a second look at the branch follows.
   *
   * @throws when the remote cannot be reached or keeps refusing
   */
  publish(
    environments: readonly string[],
    branch: string,
    signal: AbortSignal,
  ): Promise<Publication>;
}

/** One per repository: it remembers what it read last, so that no news costs no reading. */
export function createPublisher(
  services: Pick<Services, "db" | "clock" | "limits">,
  mirror: Mirror,
  repository: string,
): Publisher {
  const { db, clock, limits } = services;
  let known: { readonly mark: string; readonly hash: string; readonly atMs: number } | undefined;

  return {
    async publish(environments, branch, signal) {
      const atMs = clock.now().getTime();
      let tip = await mirror.resolve(branch);
      const last = await lastPublication(db, repository, branch);
      // A replica that was late, or anybody else, may have pushed since: then the branch says something else.
      const isPublished = (hash: string): boolean => last?.hash === hash && last.commit === tip;
      const mark = await markOf(db, repository, environments);
      // What is remembered is read again, so that no mistake in it lives for longer than a resync.
      const isFresh = known !== undefined && Math.abs(atMs - known.atMs) < limits.resyncMs;
      if (isFresh && known?.mark === mark && isPublished(known.hash)) {
        return { changed: false, commit: tip };
      }

      const read = (): Promise<Status | undefined> =>
        readStatus(services, repository, environments);
      const first = await read();
      if (first === undefined) return { changed: false, commit: undefined };
      let status = first;
      if (isPublished(status.hash)) {
        known = { mark, hash: status.hash, atMs };
        return { changed: false, commit: tip };
      }

      const published = await publishStatus(
        {
          gitdir: mirror.gitdir,
          fetch: async (at) => void (await mirror.fetch(at)),
          tip: (name) => mirror.resolve(name),
          push: (name, commit, expected, at) => mirror.push(name, commit, expected, at),
        },
        branch,
        async (found) => {
          if (found !== tip) [tip, status] = [found, (await read()) ?? status];
          return status.commit;
        },
        signal,
      );
      const { hash } = status;
      await savePublication(db, repository, branch, { hash, commit: published.commit });
      known = { mark, hash, atMs };
      return published;
    },
  };
}

async function markOf(
  db: Queryable,
  repository: string,
  environments: readonly string[],
): Promise<string> {
  const marks: [environment: string, mark: string][] = [];
  for (const environment of environments) {
    marks.push([environment, await statusMark(db, { repository, environment })]);
  }
  return JSON.stringify(marks);
}

interface Status {
  readonly commit: StatusCommit;
  /** Of all its files. */
  readonly hash: string;
}

/** What the store says now; `undefined`: nothing yet. */
async function readStatus(
  services: Pick<Services, "db" | "clock">,
  repository: string,
  environments: readonly string[],
): Promise<Status | undefined> {
  const states: EnvironmentState[] = [];
  const commits: string[] = [];
  for (const environment of environments) {
    const state = await readState(services, { repository, environment });
    if (state === undefined) continue;
    states.push(state.state);
    commits.push(state.commit);
  }
  if (states.length === 0) return undefined;

  const files = statusFiles(states);
  const hash = createHash("sha256")
    .update(JSON.stringify([...files]))
    .digest("hex");
  const folders = new Set(states.map((it) => statusFolder(it.environment)));
  const commit: StatusCommit = {
    files,
    owned: (path) => path === "README.md" || folders.has(path.slice(0, path.indexOf("/"))),
    subject: subjectOf(states),
    trailers: states.flatMap(({ environment }, index) => [
      ["Innominatus-Environment", environment] as const,
      ["Innominatus-Observed-Commit", commits[index] ?? ""] as const,
    ]),
    at: services.clock.now(),
  };
  return { commit, hash };
}

async function readState(
  { db, clock }: Pick<Services, "db" | "clock">,
  scope: Scope,
): Promise<{ readonly state: EnvironmentState; readonly commit: string } | undefined> {
  const environment = await readEnvironment(db, scope);
  const commit = environment?.observedCommit ?? environment?.appliedCommit;
  if (environment === undefined || commit === null || commit === undefined) return undefined;
  const resources = await listResources(db, scope);
  const recorded = await listWorkloads(db, scope);
  const at = clock.now().toISOString();
  const workloads = [];
  const byWorkload = groupBy(resources, (it) => it.workload);
  const byFile = groupBy(environment.problems, (it) => it.file);
  for (const { identity, name, file, conditions } of recorded) {
    const own = byWorkload.get(name) ?? [];
    const problems = byFile.get(file) ?? [];
    const next = conditionsOf(own, conditions, commit, at, problems);
    if (JSON.stringify(next) !== JSON.stringify(conditions)) {
      await saveConditions(db, scope, identity, next);
    }
    workloads.push({ name, file, conditions: next });
  }
  const { problems, planHash } = environment;
  return {
    state: { environment: scope.environment, workloads, resources, problems, planHash },
    commit,
  };
}

function groupBy<T>(list: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** What a person reads in the branch's log. */
function subjectOf(states: readonly EnvironmentState[]): string {
  const parts = states.map(({ environment, resources }) => {
    const standing = resources.filter((it) => it.phase !== "deleted");
    const active = standing.filter((it) => it.phase === "active" && it.gate === null).length;
    return `${environment}: ${active} of ${standing.length} resources active`;
  });
  return parts.join("; ");
}
