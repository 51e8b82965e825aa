/** Execution semantics E15: a failure with effect is repeated unasked only where `observe` has settled it. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { workOn } from "../../../src/controller/worker.ts";
import type { JsonRecord } from "../../../src/model/json.ts";
import type { RunOperation } from "../../../src/model/run.ts";
import type { Bundle, Workflow } from "../../../src/model/workflow.ts";
import { putBundles } from "../../../src/store/bundles.ts";
import type { Database } from "../../../src/store/database.ts";
import { readResource } from "../../../src/store/resources.ts";
import { enqueueRuns, listRuns } from "../../../src/store/runs.ts";
import { databases, openTestDatabase } from "../../support/database.ts";
import {
  claimed,
  emptyTables,
  queuedRun,
  testBundle,
  testScope,
  uidOf,
  wish,
} from "../../support/runs.ts";
import { servicesOn, stepType } from "../../support/services.ts";

const uid = uidOf("a");
const never = new AbortController().signal;

describe.each(databases())("a failure with effect on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(() => emptyTables(db));

  interface Case {
    readonly operation: RunOperation;
    readonly retrySafe?: boolean;
    /** What the provider's `observe` says; `undefined`: it has none. */
    readonly observe: (() => Promise<JsonRecord>) | undefined;
  }

  /** @returns what became of the resource, and how often `observe` was asked */
  const fail = async ({ operation, retrySafe = false, observe }: Case) => {
    const workflow = (type: string, outputs: Workflow["outputs"]): Workflow => ({
      name: type,
      parameters: [],
      steps: [{ name: "only", type, config: {}, timeoutMs: 60_000, retries: 0, retrySafe }],
      outputs,
    });
    const bundle: Bundle = {
      ...testBundle,
      hash: randomUUID(),
      workflows: {
        [operation]: workflow("broken", {}),
        ...(observe === undefined
          ? {}
          : {
              observe: workflow("observing", {
                exists: { template: "{{ .steps.only.output.exists }}", sensitive: false },
              }),
            }),
      },
    };
    let asked = 0;
    const executors = [
      stepType("broken", () => Promise.reject(new Error("it broke in the middle"))),
      stepType("observing", async () => {
        asked += 1;
        return (await observe?.()) ?? {};
      }),
    ];
    await wish(db, [uid]);
    await db.transaction(async (tx) => {
      await putBundles(tx, [bundle]);
      const run = { ...queuedRun(uid, { operation }), bundle: bundle.hash };
      await enqueueRuns(tx, testScope, [run], Date.now());
    });
    await workOn(servicesOn(db, { executors }), await claimed(db), never);
    const resource = await readResource(db, testScope, uid);
    const [run] = await listRuns(db, testScope, { uid, limit: 1 });
    const { rows: blocked } = await db.query("select 1 from locks where blocked_by is not null");
    return {
      asked,
      run: run?.state,
      stalled: resource?.stalled,
      reason: resource?.reason,
      isDue: resource?.nextAttemptAt !== null,
      isBlocked: blocked.length > 0,
    };
  };
  const again = {
    run: "failed",
    stalled: false,
    reason: "RunFailed",
    isDue: true,
    isBlocked: false,
  };
  const left = {
    run: "failed",
    stalled: true,
    reason: "PreviousExecutionFailed",
    isDue: false,
    isBlocked: true,
  };

  it.each<[string, Case, object]>([
    [
      "is tried again where a create has left nothing",
      { operation: "create", observe: async () => ({ exists: false }) },
      { ...again, asked: 1 },
    ],
    [
      "is left to a person where a create has left something",
      { operation: "create", observe: async () => ({ exists: true }) },
      { ...left, asked: 1 },
    ],
    [
      "is tried again where a delete has left something",
      { operation: "delete", observe: async () => ({ exists: true }) },
      { ...again, asked: 1 },
    ],
    [
      "is left to a person where observe cannot tell",
      { operation: "create", observe: () => Promise.reject(new Error("no answer")) },
      { ...left, asked: 1 },
    ],
    [
      "is left to a person where there is no observe",
      { operation: "create", observe: undefined },
      { ...left, asked: 0 },
    ],
    [
      "is tried again, and nobody asked, where its steps are safe to repeat",
      { operation: "create", retrySafe: true, observe: async () => ({ exists: true }) },
      { ...again, asked: 0 },
    ],
  ])("E15: %s", async (_, given, expected) => {
    expect(await fail(given)).toEqual(expected);
  });
});
