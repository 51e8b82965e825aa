/** That pages and look-ups of the API find their rows by an index, as PostgreSQL itself says it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { testBundle, testScope } from "../../test/support/runs.ts";
import { putBundles } from "./bundles.ts";
import type { Database, Queryable } from "./database.ts";
import { pageOfEvents } from "./event-pages.ts";
import { listEvents } from "./events.ts";
import { findResources, pageOfResources } from "./resource-pages.ts";
import { findListedRuns, pageOfRuns, stepsOfRuns } from "./run-pages.ts";
import { refreshStatistics } from "./statistics.ts";
import { findWorkloads, pageOfWorkloads } from "./workload-pages.ts";

const uid = "thing.default#app77.db" as const;
const all = { workloads: null } as const;
const key = { ...testScope, uid };

const asked: Readonly<Record<string, (db: Queryable) => Promise<unknown>>> = {
  "a page of resources": (db) => pageOfResources(db, all, undefined, 51),
  "a later page of them": (db) => pageOfResources(db, all, key, 51),
  "the resources of a workload": (db) =>
    pageOfResources(db, { ...all, workload: "app77" }, undefined, 51),
  "a resource by its id": (db) => findResources(db, "none", null),
  "a resource by its uid": (db) => findResources(db, uid, null),
  "a resource by its name": (db) => findResources(db, "app77.db", null),
  "a resource's events": (db) => listEvents(db, testScope, { uid, limit: 10 }),
  "a page of runs": (db) => pageOfRuns(db, all, undefined, 51),
  "the runs of a workload": (db) => pageOfRuns(db, { ...all, workload: "app77" }, undefined, 51),
  "a run by its id": (db) => findListedRuns(db, "run-77", null),
  "the steps of runs": (db) => stepsOfRuns(db, ["run-77"]),
  "a page of workloads": (db) => pageOfWorkloads(db, all, undefined, 51),
  "a workload by its name": (db) => findWorkloads(db, all, "app77"),
  "a page of events": (db) => pageOfEvents(db, { ...all, ofUsers: true }, undefined, 51),
};

describe.each(databases())("with thousands of resources, %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
    await db.transaction((tx) => putBundles(tx, [testBundle]));
    await db.query(`
      insert into workloads (repository, environment, identity, name, file, commit)
        select 'origin', 'default', 'app' || n, 'app' || n, 'score.yaml', 'c1'
        from generate_series(1, 3000) n;
      insert into resources (repository, environment, uid, workload, identity, name, type, class,
          phase, params, template, bundle, commit, place)
        select 'origin', 'default', 'thing.default#app' || n || '.db', 'app' || n, 'app' || n, 'db',
          'thing', 'default', 'active', '{}', '{}', 'bundle-1', 'c1',
          '{"file":"score.yaml","line":1,"column":1}'
        from generate_series(1, 3000) n;
      insert into runs (id, repository, environment, uid, operation, workflow, provider, bundle,
          commit, plan, hash, desired, target, lock, state)
        select 'run-' || n, 'origin', 'default', 'thing.default#app' || n || '.db', 'create',
          'create-thing', 'team', 'bundle-1', 'c1', 'plan-1', 'h', '{}', 'target-' || n, 'target-' || n, 'succeeded'
        from generate_series(1, 3000) n;
      insert into events (id, repository, environment, type, actor, uid)
        select 'event-' || n, 'origin', 'default', 'RunStarted', 'ada',
          'thing.default#app' || n || '.db' from generate_series(1, 3000) n`);
    if (kind === "postgres") await db.query(`analyze`);
    await refreshStatistics(db);
  }, 60_000);
  afterAll(() => db.close());

  it.each(Object.entries(asked))("%s is found without reading a table whole", async (_, ask) => {
    const plans: string[] = [];
    await ask({
      async query(sql, values) {
        const { rows } = await db.query(`explain (analyze, timing off) ${sql}`, values);
        plans.push(...rows.map((it) => planRow.parse(it)["QUERY PLAN"]));
        return db.query(sql, values);
      },
    });
    const text = plans.join("\n");
    expect(text).not.toMatch(/Seq Scan on (resources|runs|workloads|events)/);
    // What an index gave, and was then thrown away.
    const discarded = [...text.matchAll(/Rows Removed by Filter: (\d+)/g)].map((it) =>
      Number(it[1]),
    );
    expect(Math.max(0, ...discarded)).toBeLessThan(200);
  });

  it("a page has what was asked for", async () => {
    const [resource] = await findResources(db, "app77.db", null);
    expect(resource).toMatchObject({ uid, provider: "team", version: "1.0.0" });
    for (const given of [uid, resource?.id ?? "", "app77.db"]) {
      expect((await findResources(db, given, null)).map((it) => it.uid)).toEqual([uid]);
    }
    expect(await findResources(db, "other.default#app77.db", null)).toEqual([]);
    expect(await findResources(db, "app77", null)).toEqual([]);
    expect((await findListedRuns(db, "run-77", null)).map((it) => it.id)).toEqual(["run-77"]);
    expect(await findListedRuns(db, "un-77", null)).toEqual([]);
  });
});

const planRow = z.object({ "QUERY PLAN": z.string() });
