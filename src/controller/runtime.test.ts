import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, expect, it } from "vitest";
import { createTestFolder, createTestPostgres, setStoreTime } from "../../test/support/database.ts";
import { claimed, claimOptions, claimRun, enqueue, uidOf, wish } from "../../test/support/runs.ts";
import { runningClock } from "../../test/support/step.ts";
import { loadSettings } from "../settings/load.ts";
import { openRuntime, type Runtime } from "./runtime.ts";

const home = join(import.meta.dirname, "../..");
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const it of cleanUps.splice(0).toReversed()) await it();
});

async function dataFolder(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "innominatus-test-"));
  cleanUps.push(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

async function open(dataDir: string, databaseUrl: string | undefined): Promise<Runtime> {
  const env = { INNOMINATUS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64") };
  const flags = { dataDir, databaseUrl };
  const { settings, problems } = loadSettings({ file: undefined, env, cwd: dataDir, flags });
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  const log = pino({ level: "silent" });
  const tools = { clock: runningClock, random: Math.random, log, path: "/usr/bin:/bin" };
  return openRuntime({ settings, ...tools, home });
}

/** A run that a process had in hand when it was killed: nobody gave the lease back. */
async function leaveRunning({ services }: Runtime): Promise<string> {
  await wish(services.db, [uidOf("a")]);
  await enqueue(services.db, uidOf("a"));
  const claim = await claimed(services.db, services.holder);
  await services.db.close();
  return claim.run;
}

it("goes on at once with what its dead predecessor had in hand, on the embedded database", async () => {
  const { directory, remove } = await createTestFolder();
  cleanUps.push(remove);
  const dataDir = await dataFolder();
  await rename(directory, join(dataDir, "database"));
  const run = await leaveRunning(await open(dataDir, undefined));
  const next = await open(dataDir, undefined);
  cleanUps.push(() => next.close());
  expect((await claimed(next.services.db, next.services.holder)).run).toBe(run);
}, 60_000);

it("waits for the lease on PostgreSQL, where its holder may be alive", async () => {
  const { url, remove } = await createTestPostgres();
  cleanUps.push(remove);
  const dataDir = await dataFolder();
  const run = await leaveRunning(await open(dataDir, url));
  const next = await open(dataDir, url);
  cleanUps.push(() => next.close());
  const { db } = next.services;
  expect(await claimRun(db, claimOptions("next"))).toBeUndefined();
  await setStoreTime(db, new Date(Date.now() + 60_000));
  expect((await claimed(db, "next")).run).toBe(run);
}, 60_000);
