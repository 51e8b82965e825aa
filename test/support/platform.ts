/**
 * A whole platform in a test: a bare origin, a store, and controllers on it, with everything real but
 * the length of the waits. `things.ts` has the provider whose effects can be seen.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { explain } from "../../src/controller/explain.ts";
import type { Explanation } from "../../src/controller/explanation.ts";
import type { CatalogOf } from "../../src/controller/catalog.ts";
import { dispatch } from "../../src/controller/dispatcher.ts";
import { createHints } from "../../src/controller/hints.ts";
import { createLooker, type Look } from "../../src/controller/look.ts";
import { openProviders, type OuterProviders } from "../../src/controller/provider-sources.ts";
import {
  openRepository,
  type EnvironmentPass,
  type Repository,
} from "../../src/controller/repository.ts";
import type { Services } from "../../src/controller/services.ts";
import { sync, type Synced } from "../../src/controller/sync.ts";
import { createExecutors } from "../../src/execute/registry.ts";
import type { KubernetesTools } from "../../src/execute/steps/kubernetes.ts";
import type { Clock } from "../../src/model/clock.ts";
import type { Plan, PlannedOperation } from "../../src/model/plan.ts";
import type { Recorded } from "../../src/model/resource.ts";
import type { Scope, Uid } from "../../src/model/uid.ts";
import { createSealer, type Sealer } from "../../src/secrets/seal.ts";
import { approvePlan, approvedPlans } from "../../src/store/approvals.ts";
import { storeNow } from "../../src/store/database-time.ts";
import type { Database } from "../../src/store/database.ts";
import { readEnvironment, type EnvironmentRecord } from "../../src/store/environments.ts";
import { listResources, readResource } from "../../src/store/resources.ts";
import { listRuns, openRuns, recentDeletions, type RecordedRun } from "../../src/store/runs.ts";
import { memoryRows } from "../../src/store/secrets.ts";
import { listWorkloads } from "../../src/store/workloads.ts";
import { createOrigin, type Files, type Origin } from "./repository.ts";
import { runningClock } from "./step.ts";

export const statusBranch = "innominatus/status";

export interface Platform {
  readonly db: Database;
  readonly services: Services;
  readonly repository: Repository;
  readonly origin: Origin;
  readonly scope: Scope;
  /** Lines that the controller logged. */
  readonly logged: readonly string[];
  /** One pass until all is settled, as `innominatus sync` does it; a replica may be named. */
  sync(on?: Replica): Promise<Synced>;
  /** Fetches, looks and records once, without waiting for runs and without performing any. */
  pass(on?: Replica): Promise<readonly EnvironmentPass[]>;
  /** Performs the runs that are queued, until none is open; looks at nothing. */
  work(): Promise<void>;
  readonly catalogOf: CatalogOf;
  /** Another controller on the same store, with a mirror of its own. */
  replica(): Promise<Replica>;
  /** What `innominatus plan` shows; changes nothing. */
  plan(): Promise<Plan>;
  look(): Promise<Look>;
  planned(uid: Uid): Promise<PlannedOperation | undefined>;
  approve(hash: string): Promise<void>;
  resources(): Promise<readonly Recorded[]>;
  resource(uid: Uid): Promise<Recorded>;
  runs(uid?: Uid): Promise<readonly RecordedRun[]>;
  environment(): Promise<EnvironmentRecord>;
  why(uid: Uid): Promise<Explanation>;
  /** `undefined`: not there. */
  statusFile(path: string): Promise<string | undefined>;
  /** Messages on the status branch, newest first; none while there is no branch. */
  statusLog(): Promise<readonly string[]>;
  /** Moves the store's time on, and lets it run. */
  advance(ms: number): Promise<void>;
  /** Folder of the things that the tests' provider makes. */
  readonly root: string;
  /** What scripts did, oldest first. */
  effects(): Promise<readonly string[]>;
  /** Names of the things that are there now, sorted. */
  things(): Promise<readonly string[]>;
  /** Makes `operation` of `thing` fail until it is mended, or stand still in `hold/`. */
  put(folder: "fail" | "hold", name: string): Promise<void>;
  take(folder: "fail" | "hold", name: string): Promise<void>;
  /** Resolves once a script has said so. */
  saw(effect: string): Promise<void>;
  close(): Promise<void>;
}

export interface Replica {
  readonly services: Services;
  readonly repository: Repository;
}

export interface PlatformOptions {
  /** Absent: the environment has no cluster. */
  readonly kubernetes?: KubernetesTools;
}

/**
 * @param originOf where the repository is: on a forge, say
 * @param filesIn what is in the first commit, given the folder that scripts write to; none: an empty repository
 */
export async function openPlatform(
  db: Database,
  filesIn: (root: string) => Files = () => ({}),
  originOf: (files: Files) => Promise<Origin> = createOrigin,
  { kubernetes }: PlatformOptions = {},
): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-platform-"));
  const root = join(folder, "root");
  for (const it of ["things", "fail", "hold", "scratch"]) {
    await mkdir(join(root, it), { recursive: true });
  }
  const origin = await originOf(filesIn(root));
  const scope: Scope = {
    repository: `repository-${randomUUID().slice(0, 8)}`,
    environment: "default",
  };
  const logged: string[] = [];
  const sealer = createSealer([new Uint8Array(32).fill(7)]);
  const { signal } = new AbortController();
  const shipped = join(import.meta.dirname, "../../providers");
  const providers: OuterProviders = await openProviders(
    [{ kind: "folder", path: shipped, layer: "shipped" }],
    signal,
    (it) => kubernetes?.clusters.settingsOf(it) !== undefined,
  );
  const opened: Repository[] = [];

  const replica = async (): Promise<Replica> => {
    const number = opened.length + 1;
    const services = servicesOn(
      db,
      sealer,
      join(root, "scratch"),
      `replica-${number}`,
      logged,
      kubernetes,
    );
    const options = {
      url: origin.url,
      directory: join(folder, `mirror-${number}`),
      name: scope.repository,
    };
    const repository = await openRepository(services, options, providers.catalogOf, signal);
    opened.push(repository);
    return { services, repository };
  };
  const first = await replica();

  const look = async (): Promise<Look> => {
    await first.repository.fetch(signal);
    const { mirror } = first.repository;
    const commit = await mirror.resolve("main");
    if (commit === undefined) throw new Error("there is no branch main to plan");
    const environment = await readEnvironment(db, scope);
    const resources = await listResources(db, scope);
    const recorded = {
      environment: environment ?? { appliedCommit: null, baseCommit: null, settings: null },
      resources: new Map(resources.map((it) => [it.uid, it])),
      workloads: await listWorkloads(db, scope),
      recentDeletions: await recentDeletions(db, scope),
      approved: await approvedPlans(db, scope),
      now: await storeNow(db),
    };
    return createLooker(scope, providers.catalogOf).look(mirror, commit, recorded, signal);
  };
  const lines = async (path: string): Promise<readonly string[]> => {
    const text = await readFile(join(root, path), "utf8").catch(() => "");
    return text.split("\n").filter((it) => it !== "");
  };
  let offsetMs = 0;

  return {
    db,
    ...first,
    origin,
    scope,
    logged,
    root,
    catalogOf: providers.catalogOf,
    replica,
    look,
    sync: ({ services, repository } = first) =>
      sync(services, repository, { timeoutMs: 20_000, onProgress: () => undefined }, signal),
    async pass({ repository } = first) {
      await repository.fetch(signal);
      return repository.pass(signal);
    },
    plan: async () => (await look()).plan,
    planned: async (uid) => (await look()).plan.operations.find((it) => it.uid === uid),
    async work() {
      const drain = new AbortController();
      const [hints, ignore] = [createHints(), () => undefined];
      const options = { hints, drain: drain.signal, onWorked: ignore, onWorking: ignore };
      const working = dispatch(first.services, options);
      for (let tries = 0; (await openRuns(db, scope)).length > 0; tries++) {
        if (tries > 1_000) throw new Error("the runs do not end");
        await runningClock.sleep(10, signal);
      }
      drain.abort();
      await working;
    },
    approve: (plan) => approvePlan(db, scope, { plan, approver: "tester", reason: "" }),
    resources: () => listResources(db, scope),
    resource: (uid) => required(readResource(db, scope, uid), uid),
    runs: (uid) => listRuns(db, scope, uid === undefined ? { limit: 100 } : { uid, limit: 100 }),
    environment: () => required(readEnvironment(db, scope), scope.environment),
    why: async (uid) => explain(db, scope, await required(readResource(db, scope, uid), uid)),
    statusFile: (path) => origin.readFile(statusBranch, path),
    async statusLog() {
      if ((await origin.tip(statusBranch)) === undefined) return [];
      return (await origin.log(statusBranch)).map((it) => it.message);
    },
    async advance(ms) {
      offsetMs += ms;
      await shiftStoreTime(db, offsetMs);
    },
    effects: () => lines("effects"),
    things: async () => (await readdir(join(root, "things"))).toSorted(),
    put: (kind, name) => writeFile(join(root, kind, name), ""),
    take: (kind, name) => rm(join(root, kind, name)),
    async saw(effect) {
      for (let tries = 0; tries < 500; tries++) {
        if ((await lines("effects")).includes(effect)) return;
        await runningClock.sleep(10, signal);
      }
      throw new Error(`"${effect}" did not happen:\n${(await lines("effects")).join("\n")}`);
    },
    async close() {
      if (offsetMs > 0) await shiftStoreTime(db, 0);
      for (const it of opened) await it.close();
      await providers.close();
      await origin.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What looks again after a moment does so sooner; longer waits are as long as they are. */
const quickClock: Clock = {
  ...runningClock,
  sleep: (ms, signal) => runningClock.sleep(ms <= 500 ? ms / 20 : ms, signal),
};

async function required<T>(found: Promise<T | undefined>, name: string): Promise<T> {
  const it = await found;
  if (it === undefined) throw new Error(`${name} is not recorded`);
  return it;
}

async function shiftStoreTime(db: Database, ms: number): Promise<void> {
  await db.query(
    `create or replace function store_now() returns timestamptz language sql volatile
     as $body$ select clock_timestamp() + ${ms} * interval '1 ms' $body$`,
  );
}

function servicesOn(
  db: Database,
  sealer: Sealer,
  scratch: string,
  holder: string,
  logged: string[],
  kubernetes: KubernetesTools | undefined,
): Services {
  const memory = memoryRows(db);
  const contextOf = (key: string): string => JSON.stringify(["memory", key]);
  const executors = createExecutors({
    clock: runningClock,
    random: () => 0.5,
    scratch,
    path: process.env["PATH"] ?? "/usr/bin:/bin",
    randomBytes,
    secretMemory: {
      async get(key) {
        const sealed = await memory.read(key);
        return sealed && sealer.open(sealed, contextOf(key));
      },
      put: (key, value) => memory.add(key, sealer.seal(value, contextOf(key))),
    },
    connections: {},
    fetch,
    ...(kubernetes === undefined ? {} : { kubernetes }),
  });
  return {
    db,
    sealer,
    executors,
    ...(kubernetes === undefined ? {} : { kubernetes }),
    clock: quickClock,
    random: () => 0.5,
    log: pino({ level: "debug" }, { write: (line) => void logged.push(line) }),
    holder,
    limits: {
      workers: 4,
      workersPerProvider: 4,
      leaseMs: 60_000,
      heartbeatMs: 15_000,
      runTimeoutMs: 86_400_000,
      cooldown: { resourcesMs: 0, targetsMs: 300_000, byTargetMs: {} },
      stepRetry: { baseMs: 1, capMs: 5 },
      // An hour: a test says itself when it is over.
      runRetry: { baseMs: 3_600_000, capMs: 3_600_000, stallAfter: 3 },
      resyncMs: 3_600_000,
    },
  };
}
