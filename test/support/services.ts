/** What the loops work with, on a test's own database: everything real but what the test replaces. */
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import pino from "pino";
import type { Limits, Services } from "../../src/controller/services.ts";
import { createExecutors } from "../../src/execute/registry.ts";
import { defineStep, type StepContext, type StepExecutor } from "../../src/execute/step-type.ts";
import type { JsonRecord } from "../../src/model/json.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import type { Database } from "../../src/store/database.ts";
import { memoryRows } from "../../src/store/secrets.ts";
import { z } from "zod";
import { runningClock } from "./step.ts";

const testLimits: Limits = {
  workers: 4,
  workersPerProvider: 4,
  leaseMs: 60_000,
  heartbeatMs: 15_000,
  runTimeoutMs: 86_400_000,
  cooldown: { resourcesMs: 0, targetsMs: 300_000, byTargetMs: {} },
  stepRetry: { baseMs: 10, capMs: 100 },
  runRetry: { baseMs: 1_000, capMs: 1_000, stallAfter: 5 },
  resyncMs: 3_600_000,
};

export interface ServicesOptions {
  readonly holder?: string;
  readonly limits?: Partial<Limits>;
  /** Where scripts have their folders. */
  readonly scratch?: string;
  /** Beside those of the registry. */
  readonly executors?: readonly StepExecutor[];
  readonly clock?: Services["clock"];
  /** Gets every line that is logged. */
  readonly onLog?: (line: string) => void;
}

export function servicesOn(db: Database, options: ServicesOptions = {}): Services {
  const { clock = runningClock, onLog = () => undefined } = options;
  const sealer = createSealer([new Uint8Array(32).fill(7)]);
  const rows = memoryRows(db);
  const secretMemory = {
    async get(key: string): Promise<string | undefined> {
      const sealed = await rows.read(key);
      return sealed && sealer.open(sealed, key);
    },
    put: (key: string, value: string) => rows.add(key, sealer.seal(value, key)),
  };
  const registry = createExecutors({
    clock,
    random: () => 0.5,
    scratch: options.scratch ?? tmpdir(),
    path: process.env["PATH"] ?? "/usr/bin:/bin",
    randomBytes,
    secretMemory,
    connections: {},
    fetch,
  });
  const own = (options.executors ?? []).map((it) => [it.type, it] as const);
  return {
    db,
    sealer,
    executors: new Map([...registry, ...own]),
    clock,
    random: () => 0.5,
    log: pino({ level: "debug" }, { write: onLog }),
    holder: options.holder ?? "worker",
    limits: { ...testLimits, ...options.limits },
  };
}

/** A step type that does what the test says. */
export const stepType = (
  type: string,
  run: (context: StepContext) => Promise<JsonRecord>,
): StepExecutor =>
  defineStep({
    type,
    schema: z.looseObject({}),
    contexts: {},
    run: async (_, context) => ({ outputs: await run(context), sensitive: [] }),
  });
