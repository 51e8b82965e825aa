/** Opens what the loops work with: database, keys and executors, from the settings. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { openClusters } from "../execute/kube/clusters.ts";
import { createWatchHub } from "../execute/kube/watch-hub.ts";
import { createExecutors } from "../execute/registry.ts";
import type { SecretMemory } from "../execute/steps/secret.ts";
import type { Clock, Random } from "../model/clock.ts";
import { loadKey } from "../secrets/key.ts";
import { createSealer, type Sealer } from "../secrets/seal.ts";
import type { Settings } from "../settings/settings.ts";
import { releaseRuns } from "../store/claims.ts";
import { applyCooldowns } from "../store/locks.ts";
import type { Database } from "../store/database.ts";
import { openEmbedded } from "../store/embedded.ts";
import { kubernetesObjects } from "../store/kubernetes-objects.ts";
import { migrate } from "../store/migrate.ts";
import { openPostgres } from "../store/postgres.ts";
import { memoryRows, sealedSamples } from "../store/secrets.ts";
import type { Limits, Services } from "./services.ts";

export interface RuntimeOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where scripts find their programs. */
  readonly path: string;
  /** Folder of the installed package: its migrations and providers. */
  readonly home: string;
}

export interface Runtime {
  readonly services: Services;
  close(): Promise<void>;
}

/** @throws with what to do: another process has the folder, the server is away, the key is missing or another one */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { settings, clock, random, log } = options;
  const db = await openStore(settings, options.home);
  try {
    // The folder's lock says that whoever held these leases is gone: nobody has to wait for their end.
    if (db.kind === "embedded") await releaseRuns(db);
    await applyCooldowns(db, settings.cooldown);
    const sealer = await openSealer(settings);
    // With another key every new secret would be lost to whoever has the right one.
    for (const it of await sealedSamples(db)) sealer.expectKeyOf(it);
    const scratch = join(settings.dataDir, "scratch");
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    const clusters = openClusters(settings.clusters);
    const watches = createWatchHub();
    const kubernetes = { clusters, inventory: kubernetesObjects(db), watches };
    const executors = createExecutors({
      clock,
      random,
      scratch,
      path: options.path,
      // Before the lease ends, however it came that nobody renewed it.
      lifelineMs: Math.max(settings.leaseMs - settings.heartbeatMs, settings.heartbeatMs),
      randomBytes,
      secretMemory: memoryOn(db, sealer),
      connections: settings.connections,
      fetch,
      kubernetes,
    });
    const limits = limitsOf(settings);
    const holder = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
    return {
      services: { db, sealer, executors, kubernetes, clock, random, log, holder, limits },
      close: async () => {
        watches.close();
        await db.close();
      },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

const limitsOf = (it: Settings): Limits => ({
  workers: it.workers,
  workersPerProvider: it.workersPerProvider,
  leaseMs: it.leaseMs,
  heartbeatMs: it.heartbeatMs,
  runTimeoutMs: it.runTimeoutMs,
  cooldown: it.cooldown,
  stepRetry: it.stepRetry,
  runRetry: it.runRetry,
  resyncMs: it.resyncMs,
});

/** Migrated, and ready to be read. */
export async function openStore(
  { dataDir, databaseUrl }: Pick<Settings, "dataDir" | "databaseUrl">,
  home: string,
): Promise<Database> {
  const db =
    databaseUrl === undefined
      ? await openEmbedded(join(dataDir, "database"))
      : await openPostgres(databaseUrl);
  try {
    await migrate(db, join(home, "migrations"));
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** The key file lies beside the embedded database, and only there: on one machine it would help no other. */
async function openSealer({ dataDir, databaseUrl, encryptionKey }: Settings): Promise<Sealer> {
  const file = databaseUrl === undefined ? join(dataDir, "encryption.key") : undefined;
  return createSealer(await loadKey({ environmentValue: encryptionKey, file }));
}

function memoryOn(db: Database, sealer: Sealer): SecretMemory {
  const rows = memoryRows(db);
  const contextOf = (key: string): string => JSON.stringify(["memory", key]);
  return {
    async get(key) {
      const sealed = await rows.read(key);
      return sealed && sealer.open(sealed, contextOf(key));
    },
    put: (key, value) => rows.add(key, sealer.seal(value, contextOf(key))),
  };
}
