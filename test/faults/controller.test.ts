/** The long-running controller: sees a push by itself, answers while it works, and rests when there is nothing to do. */
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createTestPostgres } from "../support/database.ts";
import { createOrigin, type Origin } from "../support/repository.ts";
import { build, start, type Process } from "./support/cli.ts";
import { score, specFile, thingFiles } from "./support/thing.ts";

const commits = z.object({ commits: z.coerce.number() });

describe("a controller that polls once a minute", () => {
  let folder: string;
  let origin: Origin;
  let db: Database;
  let postgres: Awaited<ReturnType<typeof createTestPostgres>>;
  let running: Process;
  let url: string;
  beforeAll(async () => {
    await build();
    folder = await mkdtemp(join(tmpdir(), "innominatus-serve-"));
    const before = `touch "$world/updating"; while [ -e "$world/hold" ]; do sleep 0.05; done`;
    const files = thingFiles({ folder }, { "update/make": { before } });
    origin = await createOrigin({ ...files, [specFile]: score("small") });
    postgres = await createTestPostgres();
    db = await openPostgres(postgres.url);
    const dataDir = join(folder, "data");
    await mkdir(dataDir);
    const at = { dataDir, databaseUrl: postgres.url, repo: origin.url };
    running = start(["serve", "--port", "0"], at, {
      INNOMINATUS_POLL: "60s",
      INNOMINATUS_LEASE: "60s",
      INNOMINATUS_HEARTBEAT: "15s",
    });
    const [, found = ""] = await running.saying(/"url":"(http:[^"]+)"/);
    url = found;
    await published("size: small");
  }, 120_000);
  afterAll(async () => {
    running.kill("SIGKILL");
    await running.ended;
    await db.close();
    await postgres.remove();
    await origin.close();
    await rm(folder, { recursive: true, force: true });
  });

  const until = async (what: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; !(await what()); tries++) {
      if (tries > 6_000) throw new Error("it did not come so far within half a minute");
      await delay(5);
    }
  };
  const published = (text: string): Promise<void> =>
    until(async () => {
      const status = await origin.readFile("innominatus/status", "default/shop.yaml");
      return status?.includes(text) === true && status.includes("phase: active");
    });
  const exists = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );

  it("starts the run of a push at once, answers meanwhile, and publishes what came of it", async () => {
    await writeFile(join(folder, "hold"), "");
    const pushedAt = Date.now();
    await origin.commit({ [specFile]: score("large") });
    await until(() => exists(join(folder, "updating")));
    const startedMs = Date.now() - pushedAt;
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const answer = await fetch(url + path);
      expect([path, answer.status]).toEqual([path, 200]);
      await answer.text();
    }
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/active_workers 1/);
    await rm(join(folder, "hold"));
    const heldUntil = Date.now();
    await published("size: large");
    const publishedMs = Date.now() - heldUntil;
    process.stdout.write(`push to script: ${startedMs} ms; end to published: ${publishedMs} ms\n`);
  });

  it("asks the database little while there is nothing to do", async () => {
    const count = async (): Promise<number> => {
      const { rows } = await db.query(
        `select xact_commit as commits from pg_stat_database where datname = current_database()`,
      );
      return commits.parse(rows[0]).commits;
    };
    // A connection that rests tells its statistics after ten seconds.
    await delay(11_000);
    const before = await count();
    await delay(6_000);
    const asked = (await count()) - before;
    process.stdout.write(`idle: ${asked} transactions in 6 s\n`);
    expect(asked).toBeLessThanOrEqual(20);
  });

  it("stops at once when it is told to", async () => {
    const toldAt = Date.now();
    running.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, signal: null });
    process.stdout.write(`SIGTERM to exit: ${Date.now() - toldAt} ms\n`);
  });
});
