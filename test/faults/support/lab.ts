/** A repository, a PostgreSQL database and any number of controllers between them, to be mistreated. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Database } from "../../../src/store/database.ts";
import { openPostgres } from "../../../src/store/postgres.ts";
import { createTestPostgres } from "../../support/database.ts";
import { createOrigin, type Origin } from "../../support/repository.ts";
import { start, type Ended, type Process } from "./cli.ts";
import {
  allActive,
  bookFolders,
  ledgerFiles,
  published,
  specsOf,
  statusBranch,
  wantedAt,
  type LedgerOptions,
  type Wanted,
} from "./ledger.ts";

export interface LabOptions extends LedgerOptions {
  readonly wanted: Wanted;
  /** A server of the test's own, or a role of its own on the run's. */
  readonly databaseUrl?: string;
  /** An empty database: the controllers make the tables. */
  readonly empty?: boolean;
  /** Of the workers, where it is not 4 s. */
  readonly lease?: string;
}

export interface ServeOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** By which this replica reaches the database and the repository, instead of directly. */
  readonly databaseUrl?: string;
  readonly repo?: string;
}

export interface Lab {
  /** Where the provider keeps its books. */
  readonly world: string;
  readonly origin: Origin;
  readonly databaseUrl: string;
  /** Straight to the database, whatever the controllers have in between. */
  readonly db: Database;
  /** Of a replica: its data folder. */
  dataDir(name: string): string;
  /** A controller, killed when the lab closes. The same name has the same folder. */
  serve(name: string, options?: ServeOptions): Promise<Process>;
  sync(options?: ServeOptions): Promise<Ended>;
  /** As `sync`, while it runs. */
  syncing(options?: ServeOptions): Promise<Process>;
  /** Everything any process has said. */
  output(): string;
  close(): Promise<void>;
}

/** Waits are short, so that what a fault costs shows within seconds. */
const settings = (lease = "4s"): string => `
apiVersion: innominatus.dev/v1
kind: Controller
intervals: { poll: 1s }
workers: { count: 10, perProvider: 10, lease: ${lease}, heartbeat: 500ms }
retry:
  step: { base: 100ms, factor: 2, cap: 1s }
  run: { base: 500ms, cap: 2s, stallAfter: 50 }
`;

export async function openLab(options: LabOptions): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-lab-"));
  const world = join(folder, "world");
  for (const it of bookFolders) await mkdir(join(world, it), { recursive: true });
  const files = { ...ledgerFiles(world, options), ...specsOf(options.wanted) };
  const origin = await createOrigin(files);
  const own =
    options.databaseUrl === undefined
      ? await createTestPostgres(options.empty === true ? "template0" : "template_migrated")
      : undefined;
  const databaseUrl = options.databaseUrl ?? own?.url ?? "";
  const db = await openPostgres(databaseUrl, { poolSize: 2 });
  const processes: Process[] = [];

  const dataDir = (name: string): string => join(folder, "replicas", name);
  const started = async (
    words: readonly string[],
    name: string,
    given: ServeOptions,
  ): Promise<Process> => {
    await mkdir(dataDir(name), { recursive: true });
    await writeFile(join(dataDir(name), "innominatus.yaml"), settings(options.lease));
    const at = {
      dataDir: dataDir(name),
      databaseUrl: given.databaseUrl ?? databaseUrl,
      repo: given.repo ?? origin.url,
    };
    // Empty is unset: what the settings file says counts.
    const env = { INNOMINATUS_LEASE: "", INNOMINATUS_HEARTBEAT: "", ...given.env };
    const process = start(words, at, env);
    processes.push(process);
    return process;
  };
  const syncing = (given: ServeOptions = {}): Promise<Process> =>
    started(["sync", "--timeout", "120s", "-o", "json"], "sync", given);
  return {
    world,
    origin,
    databaseUrl,
    db,
    dataDir,
    serve: (name, given = {}) => started(["serve", "--port", "0"], name, given),
    sync: async (given = {}) => (await syncing(given)).ended,
    syncing,
    output: () => processes.map((it) => it.output()).join(""),
    async close() {
      for (const it of processes) {
        it.kill("SIGCONT");
        it.kill("SIGKILL");
      }
      await Promise.all(processes.map((it) => it.ended));
      await db.close();
      await own?.remove();
      await origin.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The base URL that a controller serves at: at last, if it had to wait for its database. */
export async function urlOf(running: Process): Promise<string> {
  await running.said('"listening"');
  return [...running.output().matchAll(/"url":"(http:[^"]+)"/g)].at(-1)?.[1] ?? "";
}

/** Polls for something outside of this process, which tells nobody. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  withinMs = 180_000,
): Promise<void> {
  const givenUpAt = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > givenUpAt) throw new Error(`not so within ${withinMs / 1_000} s: ${what}`);
    await delay(50);
  }
}

const standing = z.object({ open: z.coerce.number(), unsettled: z.coerce.number() });

/** Everything is as the commit at the tip of `main` wants it, published, and nothing is under way. */
export async function untilQuiet({ db, origin }: Lab, withinMs = 180_000): Promise<void> {
  const tip = (await origin.tip("main")) ?? "";
  let last = "";
  let seen = "";
  let seenAt = 0;
  await until(
    "every resource settled and published",
    async () => {
      const made = await db.query(`select 1 where to_regclass('publications') is not null`);
      if (made.rows.length === 0) return false;
      const { rows } = await db.query(
        `select (select count(*) from runs where state in ('queued', 'running', 'waiting')) as open,
           (select count(*) from resources where phase not in ('active', 'deleted') or gate is not null
             or wanted <> (phase = 'active'))
           + (select count(*) from environments where applied_commit is distinct from $1)
           + (select 1 - count(*) from environments) as unsettled`,
        [tip],
      );
      const { open, unsettled } = standing.parse(rows[0]);
      last = `${open} open runs, ${unsettled} unsettled`;
      if (open > 0 || unsettled > 0) return false;
      const status = (await origin.tip(statusBranch)) ?? "";
      if (status !== seen) seenAt = Date.now();
      seen = status;
      const said = await published(origin);
      last = `published: ${said.join(", ")}`;
      if (said.join() !== allActive(await wantedAt(origin, tip)).join()) return false;
      // Two replicas may both be about to say so, and each looks once a second.
      return Date.now() - seenAt > 1_500;
    },
    withinMs,
  ).catch((error: unknown) => {
    throw new Error(`it did not become quiet: ${last}`, { cause: error });
  });
}
