/**
 * The whole story of a resource, killed at every single write to the database, before and after it
 * took effect: law 6, and the execution semantics E4 and E6. After each kill it must end as if there had been none.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCatalogOf } from "../../src/controller/catalog.ts";
import { openRepository } from "../../src/controller/repository.ts";
import { sync, type Synced } from "../../src/controller/sync.ts";
import type { Scope } from "../../src/model/uid.ts";
import { releaseRuns } from "../../src/store/claims.ts";
import type { Database } from "../../src/store/database.ts";
import { listEvents } from "../../src/store/events.ts";
import { listResources } from "../../src/store/resources.ts";
import { listRuns } from "../../src/store/runs.ts";
import { listSteps } from "../../src/store/steps.ts";
import { databases, openTestDatabase } from "../support/database.ts";
import {
  doomedDatabase,
  type DoomedDatabase,
  type KillPoint,
} from "../support/failing-database.ts";
import { createOrigin, type Origin } from "../support/repository.ts";
import { servicesOn } from "../support/services.ts";
import { effectsOf, score, specFile, thingFiles, type World } from "./support/thing.ts";

const statusBranch = "innominatus/status";

interface Story extends World {
  readonly scope: Scope;
  readonly origin: Origin;
  readonly mirror: string;
}

/** What the record and the world say in the end, without what differs from time to time. */
interface Ending {
  readonly resources: unknown;
  readonly runs: unknown;
  readonly events: unknown;
  readonly status: readonly (string | undefined)[];
  readonly thing: string | undefined;
}

const chapters: readonly [string, string | null][] = [
  ["create", score("small")],
  ["update", score("large")],
  ["delete", null],
];

describe.each(databases())("a process killed at any write to %s", (kind) => {
  let db: Database;
  let folder: string;
  let stories = 0;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
    folder = await mkdtemp(join(tmpdir(), "innominatus-kill-"));
  }, 60_000);
  afterAll(async () => {
    await db.close();
    await rm(folder, { recursive: true, force: true });
  });

  /**
   * Every chapter is a process of its own, killed at the point, and started again.
   *
   * @returns how each chapter ended, and the statements that it was killed at
   */
  const tell = async (
    point: KillPoint | undefined,
  ): Promise<{ readonly kills: readonly string[]; readonly endings: readonly Ending[] }> => {
    stories += 1;
    const own = join(folder, String(stories));
    await mkdir(own);
    const origin = await createOrigin(thingFiles({ folder: own }));
    const scope = { repository: `story-${stories}`, environment: "default" };
    const story: Story = { folder: own, origin, scope, mirror: join(own, "mirror.git") };
    const kills: string[] = [];
    const endings: Ending[] = [];
    try {
      for (const [name, spec] of chapters) {
        await origin.commit({ [specFile]: spec }, name);
        const doomed = doomedDatabase(db, point);
        await synced(story, doomed).catch(expectKilled(doomed));
        const recorded = await endedSteps(story);
        if (doomed.killed) {
          kills.push(doomed.killedAt);
          // As time does: nobody renews the leases of a dead process.
          await releaseRuns(db);
          const again = await synced(story, doomedDatabase(db, undefined));
          expect(again).toMatchObject({ outcome: "settled" });
        }
        const effects = await effectsOf(story);
        for (const [key, count] of recorded) expect([key, effects.get(key)]).toEqual([key, count]);
        endings.push(await endingOf(story));
      }
      const most = point === undefined ? 1 : 2;
      const often = [...(await effectsOf(story))].filter(([, count]) => count > most);
      expect(often).toEqual([]);
      return { kills, endings };
    } finally {
      await origin.close();
      await rm(own, { recursive: true, force: true });
    }
  };

  const synced = async (
    { scope, origin, mirror, folder: scratch }: Story,
    doomed: DoomedDatabase,
  ): Promise<Synced> => {
    const services = servicesOn(doomed, { scratch, limits: { heartbeatMs: 1_000 } });
    const options = { url: origin.url, directory: mirror, name: scope.repository };
    const catalogOf = createCatalogOf([]);
    const repository = await openRepository(services, options, catalogOf, doomed.death);
    try {
      const how = { timeoutMs: 60_000, onProgress: () => undefined };
      return await sync(services, repository, how, doomed.death);
    } finally {
      await repository.close();
    }
  };

  const endedSteps = async ({ scope, folder: world }: Story) => {
    const effects = await effectsOf({ folder: world });
    const counts = new Map<string, number>();
    for (const { id } of await listRuns(db, scope, { limit: 100 })) {
      for (const step of await listSteps(db, id)) {
        if (step.state !== "ended" || step.type !== "policy") continue;
        expect(effects.get(`${id}/${step.name}`)).toBeGreaterThanOrEqual(1);
        counts.set(`${id}/${step.name}`, effects.get(`${id}/${step.name}`) ?? 0);
      }
    }
    return counts;
  };

  const endingOf = async ({ scope, origin, folder: world }: Story): Promise<Ending> => {
    const resources = await listResources(db, scope);
    const runs = await listRuns(db, scope, { limit: 100 });
    const { rows: held } = await db.query(`select 1 from locks where run is not null`);
    expect(held).toEqual([]);
    const paths = (await origin.tip(statusBranch)) ? await origin.listFiles(statusBranch) : [];
    const texts = await Promise.all(paths.map((it) => origin.readFile(statusBranch, it)));
    const ids = runs.map((it) => it.id).toReversed();
    return {
      resources: resources.map((it) => {
        const { uid, phase, outputs, secretRefs, revision, failures, gate } = it;
        return { uid, phase, outputs, secretRefs, revision, failures, gate };
      }),
      runs: runs.map(({ operation, state }) => `${operation} ${state}`).toReversed(),
      events: (await listEvents(db, scope, { limit: 100 })).map((it) => it.type).toReversed(),
      status: texts.map((it) => it && withoutTimes(it, ids)),
      thing: await readFile(join(world, "thing"), "utf8").catch(() => undefined),
    };
  };

  it(
    "ends as if it had not been killed, and repeats no step whose end it recorded",
    { timeout: 600_000 },
    async () => {
      const calm = await tell(undefined);
      expect(calm.endings.map((it) => it.runs)).toEqual([
        ["create succeeded"],
        ["create succeeded", "update succeeded"],
        ["create succeeded", "update succeeded", "delete succeeded"],
      ]);
      expect(calm.endings.map((it) => it.thing)).toEqual(["small\n", "large\n", undefined]);

      const places = new Set<string>();
      let count = 0;
      // PostgreSQL meets every write, and the slower embedded database every third: only the driver differs.
      const stride = kind === "embedded" ? 3 : 1;
      for (let write = 1, reached = true; reached; write += stride) {
        reached = false;
        for (const dies of ["before", "after"] as const) {
          const { kills, endings } = await tell({ write, dies });
          const how = `killed ${dies} write ${write}: ${kills.join("; ")}`;
          expect({ how, endings }).toEqual({ how, endings: calm.endings });
          for (const it of kills) places.add(it);
          count += kills.length;
          reached ||= kills.length > 0;
        }
      }
      expect(places.size).toBeGreaterThan(5);
      process.stdout.write(`${kind}: ${count} kills, at ${places.size} kinds of writes\n`);
    },
  );
});

const expectKilled =
  (doomed: DoomedDatabase) =>
  (error: unknown): void => {
    if (!doomed.killed) throw error;
  };

function withoutTimes(text: string, runs: readonly string[]): string {
  const named = runs.reduce((all, id, index) => all.replaceAll(id, `run-${index}`), text);
  return named
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?( UTC)?/g, "<time>")
    .replaceAll(/"?[0-9a-f]{7,40}"?/g, "<commit>");
}
