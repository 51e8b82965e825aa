/** Several processes on one PostgreSQL and one repository: law 6, and a status branch that stays true. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { listEnvironments } from "../../src/store/environments.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { listResources } from "../../src/store/resources.ts";
import { listRuns } from "../../src/store/runs.ts";
import { createTestPostgres } from "../support/database.ts";
import { createOrigin, type Origin } from "../support/repository.ts";
import { build, start, sync, type Installation } from "./support/cli.ts";
import { effectsOf, score, specFile, thingFiles } from "./support/thing.ts";

const names = Array.from({ length: 6 }, (_, index) => `thing${index}`);
const statusBranch = "innominatus/status";

describe("replicas on one PostgreSQL", () => {
  let folder: string;
  let world: string;
  let origin: Origin;
  let db: Database;
  let postgres: Awaited<ReturnType<typeof createTestPostgres>>;
  let replicas: readonly Installation[];
  beforeAll(async () => {
    await build();
    folder = await mkdtemp(join(tmpdir(), "innominatus-replicas-"));
    world = join(folder, "world");
    await mkdir(world);
    origin = await createOrigin({
      ...thingFiles({ folder: world }),
      [specFile]: score("small", names),
    });
    postgres = await createTestPostgres();
    db = await openPostgres(postgres.url);
    const dataDirs = ["one", "two"].map((it) => join(folder, it));
    for (const it of dataDirs) await mkdir(it);
    replicas = dataDirs.map((dataDir) => ({
      dataDir,
      databaseUrl: postgres.url,
      repo: origin.url,
    }));
  }, 120_000);
  afterAll(async () => {
    await db.close();
    await postgres.remove();
    await origin.close();
    await rm(folder, { recursive: true, force: true });
  });

  const scope = async () => {
    const [environment, ...others] = await listEnvironments(db);
    if (environment === undefined || others.length > 0) throw new Error("one is expected");
    return environment;
  };
  /** Nobody did anything twice, and the branch says what the store says. */
  const expectConsistent = async (phase: string, operations: readonly string[]): Promise<void> => {
    const at = await scope();
    const runs = await listRuns(db, at, { limit: 1_000 });
    const done = runs.map((it) => `${it.uid} ${it.operation} ${it.state}`).toSorted();
    const expected = operations.flatMap((operation) =>
      names.map((it) => `thing.default#shop.${it} ${operation} succeeded`),
    );
    expect(done).toEqual(expected.toSorted());
    expect([...(await effectsOf({ folder: world })).values()].every((it) => it === 1)).toBe(true);
    const resources = await listResources(db, at);
    expect(new Set(resources.map((it) => it.phase))).toEqual(new Set([phase]));
    const text = (await origin.readFile(statusBranch, "default/shop.yaml")) ?? "";
    expect(text.match(/phase: active/g)?.length ?? 0).toBe(phase === "active" ? names.length : 0);
  };

  it("law 6: two syncs at once share the runs, and do none twice", async () => {
    const ended = await Promise.all(replicas.map((it) => sync(it)));
    expect(ended).toMatchObject([{ code: 0 }, { code: 0 }]);
    await expectConsistent("active", ["create"]);
  });

  it("law 6: two controllers at once, one of them killed", async () => {
    const env = { INNOMINATUS_POLL: "1s" };
    const running = replicas.map((it) => start(["serve", "--port", "0"], it, env));
    try {
      await Promise.all(running.map((it) => it.said("listening")));
      const sha = await origin.commit({ [specFile]: score("large", names) });
      await running[0]?.said("run started");
      running[0]?.kill("SIGKILL");
      await running[1]?.said("run succeeded");
      const settled = await sync(replicas[0] ?? { dataDir: "", databaseUrl: "", repo: "" });
      expect(settled).toMatchObject({ code: 0 });
      expect(await origin.readFile(statusBranch, "default/shop.yaml")).toContain(sha);
    } finally {
      for (const it of running) it.kill("SIGTERM");
      await Promise.all(running.map((it) => it.ended));
    }
    const counts = [...(await effectsOf({ folder: world })).values()];
    // A step that was in hand at the kill may have had its effect without anybody recording it.
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    const runs = await listRuns(db, await scope(), { limit: 1_000 });
    expect(runs.map((it) => it.state).filter((it) => it !== "succeeded")).toEqual([]);
    expect(runs).toHaveLength(2 * names.length);
    const tip = await origin.tip(statusBranch);
    for (const it of replicas) expect(await sync(it)).toMatchObject({ code: 0 });
    expect(await origin.tip(statusBranch)).toBe(tip);
  });
});
