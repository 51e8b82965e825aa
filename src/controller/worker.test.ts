import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import { claimed, emptyTables, statesOf, testScope, uidOf } from "../../test/support/runs.ts";
import { servicesOn, stepType, type ServicesOptions } from "../../test/support/services.ts";
import { enqueueSteps } from "../../test/support/workflows.ts";
import { defineStep, type StepContext } from "../execute/step-type.ts";
import { LeaseLostError, WaitingError } from "../model/errors.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Claim } from "../model/run.ts";
import { releaseRun } from "../store/claims.ts";
import { DatabaseUnavailableError, type Database, type Queryable } from "../store/database.ts";
import { listEvents } from "../store/events.ts";
import { readResource } from "../store/resources.ts";
import { supersedeRuns } from "../store/runs.ts";
import { listSteps } from "../store/steps.ts";
import { vaultOn, type Services } from "./services.ts";
import { workOn } from "./worker.ts";

const uid = uidOf("a");
const never = new AbortController().signal;

describe.each(databases())("a worker on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(() => emptyTables(db));

  /** A run of the steps `first` and `second`, and a worker for whom they do what `perform` says. */
  const begin = async (
    perform: (context: StepContext, claim: Claim) => Promise<JsonRecord>,
    options: ServicesOptions & { readonly on?: Database } = {},
  ): Promise<{ services: Services; claim: Claim; done: string[] }> => {
    await enqueueSteps(db, uid, [
      { name: "first", type: "scripted" },
      { name: "second", type: "scripted" },
    ]);
    const claim = await claimed(db);
    const done: string[] = [];
    const scripted = stepType("scripted", async (context) => {
      const outputs = await perform(context, claim);
      done.push(context.key);
      return outputs;
    });
    const services = servicesOn(options.on ?? db, { ...options, executors: [scripted] });
    return { services, claim, done };
  };
  const later = async (): Promise<Claim> => {
    await db.query(`update runs set lease_expires_at = store_now(), not_before = store_now()`);
    return claimed(db, "later");
  };

  it("performs a run to its end, and tells of it once", async () => {
    const { services, claim, done } = await begin(async () => ({ ok: true }));
    expect(await workOn(services, claim, never)).toBe("done");
    expect(done).toEqual([`${claim.run}/first`, `${claim.run}/second`]);
    expect(await statesOf(db, uid)).toEqual(["succeeded"]);
    const events = await listEvents(db, testScope, { limit: 10 });
    expect(events.map((it) => it.type).toReversed()).toEqual([
      "RunStarted",
      "PhaseTransition",
      "RunCompleted",
      "PhaseTransition",
      "LockReleased",
    ]);
  });

  it("law 7: keeps no secret value of a thing that was forgotten under the same uid", async () => {
    const { services, claim } = await begin(async () => ({ ok: true }));
    const vault = vaultOn(services.sealer, db);
    await vault.put({ ...testScope, uid, key: "password" }, "of-the-one-before");
    expect(await workOn(services, claim, never)).toBe("done");
    expect(await vault.keys(testScope, uid)).toEqual([]);
  });

  it("E9: a step's end is the engine's, where one tells it and it is not later than ours", async () => {
    await setStoreTime(db, new Date("2026-01-01T00:00:00Z"));
    await enqueueSteps(db, uid, [
      { name: "first", type: "engine" },
      { name: "second", type: "engine" },
    ]);
    const claim = await claimed(db, "worker", { leaseMs: 86_400_000 });
    const times = ["2026-01-01T00:07:00.000Z", "2026-01-01T02:00:00.000Z"];
    const engine = defineStep({
      type: "engine",
      schema: z.looseObject({}),
      contexts: {},
      async run() {
        await advanceStoreTime(db, 600_000);
        return { outputs: {}, sensitive: [], completedAt: times.shift() ?? "" };
      },
    });
    const services = servicesOn(db, { executors: [engine] });
    expect(await workOn(services, claim, never)).toBe("done");
    expect((await listSteps(db, claim.run)).map((it) => it.endedAt)).toEqual([
      "2026-01-01T00:07:00.000Z",
      "2026-01-01T00:20:00.000Z",
    ]);
    await setStoreTime(db, undefined);
  });

  it("stops at the end of a step when the process does, and the next one goes on from there", async () => {
    const stopping = new AbortController();
    const { services, claim, done } = await begin(async () => {
      stopping.abort();
      return {};
    });
    expect(await workOn(services, claim, stopping.signal)).toBe("released");
    expect(done).toEqual([`${claim.run}/first`]);
    const next = await claimed(db, "next");
    expect(next.run).toBe(claim.run);
    expect(await workOn(services, next, never)).toBe("done");
    expect(done).toEqual([`${claim.run}/first`, `${claim.run}/second`]);
  });

  it("law 5: ends a superseded run at the end of its step", async () => {
    const { services, claim, done } = await begin(async (_, { run }) => {
      await db.transaction((tx) => supersedeRuns(tx, [run]));
      return {};
    });
    expect(await workOn(services, claim, never)).toBe("superseded");
    expect(done).toHaveLength(1);
    expect(await statesOf(db, uid)).toEqual(["superseded"]);
  });

  it("law 6: stops a step whose lease is lost, and writes nothing more", async () => {
    const { services, claim } = await begin(
      async ({ signal }, lost) => {
        await releaseRun(db, lost);
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
        });
        return {};
      },
      { limits: { heartbeatMs: 1 } },
    );
    expect(await workOn(services, claim, never)).toBe("lost");
    expect(await statesOf(db, uid)).toEqual(["running"]);
    expect(await listSteps(db, claim.run)).toMatchObject([{ name: "first", state: "started" }]);
  });

  it("law 6: a worker that comes back after another took over changes nothing", async () => {
    const { services, claim } = await begin(async () => {
      await later();
      return {};
    });
    expect(await workOn(services, claim, never)).toBe("lost");
    expect(await listSteps(db, claim.run)).toMatchObject([{ state: "started" }]);
    const events = await listEvents(db, testScope, { limit: 10 });
    expect(events.map((it) => it.type)).not.toContain("RunCompleted");
  });

  it("keeps its lease through a database that is away for a beat", async () => {
    let renewals = 0;
    let renewed = (): void => undefined;
    const secondBeat = new Promise<void>((resolve) => {
      renewed = resolve;
    });
    const on = onQuery(db, (sql) => {
      if (!sql.includes("set lease_expires_at = store_now() + $3")) return;
      renewals += 1;
      if (renewals === 1) throw new DatabaseUnavailableError("away", undefined);
      renewed();
    });
    const { services, claim } = await begin(
      async () => {
        await secondBeat;
        return {};
      },
      { on, limits: { heartbeatMs: 1 } },
    );
    expect(await workOn(services, claim, never)).toBe("done");
  });

  it("leaves a run as it is when the database goes away, for whoever claims it next", async () => {
    let away = false;
    const on = onQuery(db, () => {
      if (away) throw new DatabaseUnavailableError("away", undefined);
    });
    const { services, claim, done } = await begin(
      async ({ name }) => {
        away = name === "second";
        return {};
      },
      { on },
    );
    await expect(workOn(services, claim, never)).rejects.toThrow(DatabaseUnavailableError);
    away = false;
    expect(await readResource(db, testScope, uid)).toMatchObject({ failures: 0 });
    const again = { ...services, executors: new Map(services.executors) };
    again.executors.set(
      "scripted",
      stepType("scripted", async ({ key }) => (done.push(key), {})),
    );
    expect(await workOn(again, await later(), never)).toBe("done");
    expect(done.filter((it) => it.endsWith("/first"))).toHaveLength(1);
  });

  it("waits without a worker, and counts no failure", async () => {
    let looks = 0;
    const { services, claim, done } = await begin(async ({ name }) => {
      looks += name === "first" ? 1 : 0;
      if (name === "first" && looks < 3) throw new WaitingError("NotYet", "not yet", 60_000);
      return {};
    });
    expect(await workOn(services, claim, never)).toBe("waiting");
    expect(await workOn(services, await later(), never)).toBe("waiting");
    expect(await workOn(services, await later(), never)).toBe("done");
    expect([looks, done.length]).toEqual([3, 2]);
    expect(await readResource(db, testScope, uid)).toMatchObject({ phase: "active", failures: 0 });
  });

  it("does not take a lost lease for a failed run", async () => {
    const { services, claim } = await begin(async () => {
      throw new LeaseLostError("target", 1n);
    });
    expect(await workOn(services, claim, never)).toBe("lost");
    expect(await readResource(db, testScope, uid)).toMatchObject({ failures: 0 });
  });
});

/** `db`, asking before each query: what `check` throws is thrown in its place. */
function onQuery(db: Database, check: (sql: string) => void): Database {
  const checked = (queryable: Queryable): Queryable => ({
    async query(sql, values) {
      check(sql);
      return queryable.query(sql, values);
    },
  });
  return {
    kind: db.kind,
    query: (sql, values) => checked(db).query(sql, values),
    transaction: (work) => db.transaction((tx) => work(checked(tx))),
    listen: (channel, onNotify) => db.listen(channel, onNotify),
    close: () => db.close(),
  };
}
