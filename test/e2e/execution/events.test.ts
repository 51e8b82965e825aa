/** Execution semantics §5: every event that it names is told by what does it, once, and delivered by its other name. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTekton } from "../../../src/execute/steps/tekton.ts";
import { defineStep, type StepExecutor } from "../../../src/execute/step-type.ts";
import { StepFailedError, WaitingError } from "../../../src/model/errors.ts";
import { toAuditEvent } from "../../../src/model/audit.ts";
import { workOn } from "../../../src/controller/worker.ts";
import { cancelRun } from "../../../src/store/cancels.ts";
import type { Database } from "../../../src/store/database.ts";
import { listEvents, type RecordedEvent } from "../../../src/store/events.ts";
import { releaseCooled } from "../../../src/store/locks.ts";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../support/database.ts";
import { minute, start } from "../../support/execution.ts";
import { openPlatform } from "../../support/platform.ts";
import { claimed, emptyTables, testScope, uidOf } from "../../support/runs.ts";
import { servicesOn } from "../../support/services.ts";
import { runningClock } from "../../support/step.ts";
import { tektonCluster, type TektonCluster } from "../../support/tekton-cluster.ts";
import { enqueueSteps } from "../../support/workflows.ts";
import { apps, spec, specPath, thingsProvider } from "../things.ts";
import { z } from "zod";

const uid = uidOf("a");
const never = new AbortController().signal;
const hours = 100 * 60 * minute;
const cooling = {
  leaseMs: hours,
  cooldowns: { resourcesMs: 5 * minute, targetsMs: 0, byTargetMs: {} },
};

interface Told {
  readonly event: string;
  /** As a sink gets it: the audit events that the specification names. */
  readonly audit?: string;
  readonly when: string;
  readonly does: (stage: Stage) => Promise<void>;
}

interface Stage {
  readonly db: Database;
  /** A run of one step of this type, claimed and performed as far as it goes. */
  readonly perform: (executor: StepExecutor) => Promise<void>;
  /** Claims what is there to claim, and goes on with it. */
  readonly goOn: (executor: StepExecutor) => Promise<void>;
  /** A repository and controllers, with a thing that fails where the test says so. */
  readonly platform: () => ReturnType<typeof openPlatform>;
}

const step = (run: () => Promise<void>, cancel?: () => Promise<void>): StepExecutor =>
  defineStep({
    type: "engine",
    schema: z.looseObject({}),
    contexts: {},
    async run() {
      await run();
      return { outputs: {}, sensitive: [] };
    },
    ...(cancel === undefined ? {} : { cancel }),
  });
const works = step(async () => undefined);
const fails = step(async () => {
  throw new StepFailedError({ reason: "Unknown", retryable: true, effect: false, detail: "no" });
});
const waits = (cancel: () => Promise<void>): StepExecutor =>
  step(async () => {
    throw new WaitingError("Running", "it runs", minute);
  }, cancel);

const tekton = (prepare: (cluster: TektonCluster) => void) => async (stage: Stage) => {
  const cluster = tektonCluster();
  prepare(cluster);
  const { kubernetes } = cluster;
  const executor = createTekton({ clock: runningClock, random: () => 0.5, kubernetes });
  await stage.perform(executor);
};

const cancelled =
  (isRunning: boolean, cleanup: () => Promise<void> = async () => undefined) =>
  async ({ db, perform, goOn }: Stage): Promise<void> => {
    const executor = waits(cleanup);
    if (isRunning) await perform(executor);
    else await enqueueSteps(db, uid, [{ name: "only", type: "engine" }]);
    const { rows } = await db.query("select id from runs");
    const { id } = z.object({ id: z.string() }).parse(rows[0]);
    const by = { actor: "ann", reason: "wrong" };
    await db.transaction((tx) => cancelRun(tx, id, by, start.getTime()));
    await advanceStoreTime(db, 6 * minute);
    if (isRunning) await goOn(executor);
  };

const table: readonly Told[] = [
  {
    event: "RunQueued",
    audit: "run.selected",
    when: "a commit asks for a thing",
    async does({ platform }) {
      await (await platform()).pass();
    },
  },
  {
    event: "RunSuperseded",
    audit: "run.superseded",
    when: "a newer commit asks for another one, before its run began",
    async does({ platform }) {
      const on = await platform();
      await on.pass();
      await on.origin.commit({
        [specPath("shop")]: spec("shop", { it: { params: { size: "large" } } }),
      });
      await on.pass();
    },
  },
  {
    event: "BlockCleared",
    audit: "block.cleared",
    when: "somebody asks for a stalled resource once more",
    async does({ platform }) {
      const on = await platform();
      await on.put("fail", "create-shop.it");
      await on.pass();
      await on.work();
      await on.db.query("update resources set stalled = true, next_attempt_at = null");
      await on.take("fail", "create-shop.it");
      await on.sync();
    },
  },
  {
    event: "RunStarted",
    audit: "run.started",
    when: "a run is claimed first",
    does: ({ perform }) => perform(works),
  },
  {
    event: "RunCompleted",
    audit: "run.completed",
    when: "it succeeded",
    does: ({ perform }) => perform(works),
  },
  {
    event: "RunFailed",
    audit: "run.failed",
    when: "it failed",
    does: ({ perform }) => perform(fails),
  },
  {
    event: "BackoffActive",
    audit: "run.skipped",
    when: "it failed without effect",
    does: ({ perform }) => perform(fails),
  },
  {
    event: "CooldownActive",
    audit: "run.skipped",
    when: "it had effect on a target with a cooldown",
    does: ({ perform }) => perform(works),
  },
  {
    event: "LockReleased",
    audit: "lock.released",
    when: "the cooldown is over",
    async does({ db, perform }) {
      await perform(works);
      await advanceStoreTime(db, 5 * minute);
      for (let look = 0; look < 2; look++) await db.transaction((tx) => releaseCooled(tx, 0));
    },
  },
  {
    event: "LeaseLost",
    when: "another worker takes the run over",
    async does({ db, goOn }) {
      await enqueueSteps(db, uid, [{ name: "only", type: "engine" }]);
      await claimed(db, "dies");
      await advanceStoreTime(db, minute);
      await goOn(works);
    },
  },
  {
    event: "RunCancelled",
    audit: "run.cancelled",
    when: "a person ends it before it began",
    does: cancelled(false),
  },
  {
    event: "RunCancelled",
    audit: "run.cancelled",
    when: "a person ends it while it waits",
    does: cancelled(true),
  },
  {
    event: "CancelRequested",
    audit: "run.cancelling",
    when: "a person asks for the end of a run that has begun",
    does: cancelled(true),
  },
  {
    event: "CleanupFailed",
    when: "what it waits for cannot be stopped within the grace",
    does: cancelled(true, async () => {
      throw new Error("it does not stop");
    }),
  },
  {
    event: "PipelineRunCreated",
    when: "a step asked Tekton for its object",
    does: tekton(() => undefined),
  },
  {
    event: "PipelineRunAdopted",
    when: "its create was not answered",
    does: tekton((cluster) => cluster.cut()),
  },
  {
    event: "PipelineRunConflict",
    when: "somebody else's object has its name",
    does: tekton((cluster) => cluster.take()),
  },
];

/** Of §5. */
const specified = [
  "RunQueued",
  "RunSuperseded",
  "RunStarted",
  "PhaseTransition",
  "PipelineRunCreated",
  "PipelineRunAdopted",
  "CooldownActive",
  "BackoffActive",
  "LockReleased",
  "RunCompleted",
  "RunFailed",
  "RunCancelled",
  "CleanupFailed",
  "BlockCleared",
  "LeaseLost",
];
const audited = [
  ...["selected", "started", "completed", "failed", "skipped", "superseded", "cancelled"].map(
    (it) => `run.${it}`,
  ),
  "lock.released",
  "block.cleared",
];
/** From and to, of a resource; told beside the end of its run. */
const transitions: readonly (readonly [string, StepExecutor | undefined, readonly string[]])[] = [
  ["succeeds", works, ["requested provisioning", "provisioning active"]],
  ["fails", fails, ["requested provisioning", "provisioning failed"]],
  ["is cancelled", undefined, ["requested provisioning", "provisioning failed"]],
];

it("the table has every event of the specification, by both names", () => {
  const told = new Set([...table.map((it) => it.event), "PhaseTransition"]);
  expect(specified.filter((it) => !told.has(it))).toEqual([]);
  const named = new Set(table.map((it) => it.audit));
  expect(audited.filter((it) => !named.has(it))).toEqual([]);
});

describe.each(databases())("on %s", (kind) => {
  let db: Database;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await setStoreTime(db, undefined);
    await emptyTables(db);
  });

  const all = async (scope = testScope): Promise<readonly RecordedEvent[]> =>
    listEvents(db, scope, { limit: 1_000 });
  const open = async (): Promise<{
    stage: Stage;
    told: () => Promise<readonly RecordedEvent[]>;
  }> => {
    let scope = testScope;
    await setStoreTime(db, start);
    const goOn: Stage["goOn"] = async (executor) => {
      const claim = await claimed(db, "worker", cooling);
      const options = { executors: [executor], limits: { heartbeatMs: 60_000_000 } };
      await workOn(servicesOn(db, options), claim, never);
    };
    const stage: Stage = {
      db,
      goOn,
      async perform(executor) {
        const config = executor.type === "tekton" ? tektonConfig : {};
        const { type } = executor;
        await enqueueSteps(db, uid, [{ name: "only", type, config, retries: 0 }]);
        await goOn(executor);
      },
      async platform() {
        await setStoreTime(db, undefined);
        const opened = await openPlatform(db, (root) => ({
          ...thingsProvider(root),
          ...apps("shop"),
        }));
        closing.push(() => opened.close());
        scope = opened.scope;
        return opened;
      },
    };
    return { stage, told: () => all(scope) };
  };

  it.each(table.map((it) => [it.event, it.when, it] as const))(
    "%s is told once when %s",
    async (event, _, { does, audit }) => {
      const { stage, told } = await open();
      await does(stage);
      const events = await told();
      const found = events.filter((it) => it.type === event);
      expect(found.map((it) => it.type)).toEqual([event]);
      const [one] = found;
      if (audit === undefined || one === undefined) return;
      const sent = toAuditEvent({ ...one, version: null });
      expect(sent.event_type).toBe(`innominatus.${audit}`);
      expect(sent.event_id).toBe(one.id);
    },
  );

  it.each(transitions)(
    "PhaseTransition tells how a run that %s moves its resource",
    async (_, executor, moves) => {
      const { stage, told } = await open();
      if (executor === undefined) await cancelled(true)(stage);
      else await stage.perform(executor);
      const found = (await told()).filter((it) => it.type === "PhaseTransition").toReversed();
      expect(found.map(moveOf)).toEqual(moves);
    },
  );

  it("PhaseTransition tells of updates and deletions by their own phases", async () => {
    const { stage, told } = await open();
    const on = await stage.platform();
    await on.sync();
    await on.origin.commit({
      [specPath("shop")]: spec("shop", { it: { params: { size: "large" } } }),
    });
    await on.sync();
    await on.origin.remove([specPath("shop")]);
    await on.sync();
    const found = (await told()).filter((it) => it.type === "PhaseTransition").toReversed();
    expect(found.map(moveOf)).toEqual([
      "requested provisioning",
      "provisioning active",
      "active updating",
      "updating active",
      "active deleting",
      "deleting deleted",
    ]);
  });

  it("E9: a cooldown counts from when Tekton says that a run was over", async () => {
    const { stage, told } = await open();
    const cluster = tektonCluster();
    const { kubernetes } = cluster;
    const executor = createTekton({ clock: runningClock, random: () => 0.5, kubernetes });
    await stage.perform(executor);
    await advanceStoreTime(db, 4 * minute);
    cluster.play({
      completionTime: new Date(start.getTime() + 3 * minute).toISOString(),
      conditions: [{ type: "Succeeded", status: "True", reason: "Succeeded" }],
    });
    await stage.goOn(executor);
    const [cooldown] = (await told()).filter((it) => it.type === "CooldownActive");
    expect(cooldown?.data).toMatchObject({
      completedAt: "2026-01-01T00:03:00.000Z",
      until: "2026-01-01T00:08:00.000Z",
    });
  });
});

const moved = z.looseObject({ from: z.string(), to: z.string() });

function moveOf({ data }: RecordedEvent): string {
  const { from, to } = moved.parse(data);
  return `${from} ${to}`;
}

const tektonConfig = { namespace: "runs", pipelineRef: { name: "workflow" } };
