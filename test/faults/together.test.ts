/** Several controllers on one PostgreSQL: started at once, drained, killed; none does another's work twice. */
import { access, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { build, type Process } from "./support/cli.ts";
import { expectInvariants } from "./support/invariants.ts";
import { openLab, until, untilQuiet, urlOf, type Lab, type LabOptions } from "./support/lab.ts";
import { specsOf, type Wanted } from "./support/ledger.ts";
import { startProxy } from "./support/proxy.ts";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const it of cleanUps.splice(0).toReversed()) await it();
});
beforeAll(build, 180_000);

async function lab(options: LabOptions): Promise<Lab> {
  const opened = await openLab(options);
  cleanUps.push(() => opened.close());
  return opened;
}

const sized = (size: string, count: number): Wanted => ({
  shop: Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, size])),
});
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const isReady = async (running: Process): Promise<boolean> =>
  (await fetch(`${await urlOf(running)}/readyz`)).ok;
const migrations = join(import.meta.dirname, "../../migrations");
const migrationFiles = async (): Promise<readonly string[]> =>
  (await readdir(migrations)).filter((it) => it.endsWith(".sql")).toSorted();
const nameRow = z.object({ name: z.string() });
const applied = async ({ db }: Lab): Promise<readonly string[]> =>
  (await db.query(`select name from schema_migrations order by name collate "C"`)).rows.map(
    (it) => nameRow.parse(it).name,
  );

describe("an empty database", () => {
  it("is made ready once by two controllers that start at the same instant, who share one status branch", async () => {
    const at = await lab({ wanted: sized("small", 8), secret: true, empty: true });
    const running = await Promise.all(["one", "two"].map((it) => at.serve(it)));
    await untilQuiet(at);
    expect(await applied(at)).toEqual(await migrationFiles());
    // Both publish: neither loses what the other said, nor says it again.
    for (const size of ["medium", "large", "small"]) {
      await at.origin.commit(specsOf(sized(size, 8)), `Now ${size}`);
      await untilQuiet(at);
    }
    expect(running.map((it) => it.child.exitCode)).toEqual([null, null]);
    await expectInvariants(at);
  });

  it("whose migration is killed in the middle is as before it, and made ready by the next start", async () => {
    const at = await lab({ wanted: sized("small", 1), empty: true });
    const proxy = await startProxy(at.databaseUrl);
    cleanUps.push(() => proxy.close());
    const files = await migrationFiles();
    for (const [index, file] of files.entries()) {
      let victim: Process | undefined;
      let killed = false;
      proxy.rule((text) => {
        // Its statements have run, and its record is about to be written: nothing else names it.
        if (killed || !text.includes(file)) return "pass";
        killed = true;
        victim?.kill("SIGKILL");
        return "cut";
      });
      victim = await at.serve("one", { databaseUrl: proxy.url });
      expect(await victim.ended).toMatchObject({ signal: "SIGKILL" });
      expect(await applied(at).catch(() => [])).toEqual(files.slice(0, index));
    }
    proxy.rule(() => "pass");
    await at.serve("one", { databaseUrl: proxy.url });
    await untilQuiet(at);
    expect(await applied(at)).toEqual(files);
    await expectInvariants(at);
  });
});

const heldRow = z.object({ id: z.string(), holder: z.string().nullable() });
const endRow = z.object({ attempt: z.number(), after_ms: z.coerce.number() });

/** Runs that this process has in hand. */
async function inHand({ db }: Lab, { child }: Process): Promise<readonly string[]> {
  const { rows } = await db.query(
    `select id, holder from runs where state = 'running' and lease_expires_at > store_now()`,
  );
  const held = rows.map((it) => heldRow.parse(it));
  return held.filter((it) => it.holder?.includes(`/${child.pid}/`)).map((it) => it.id);
}

describe("a controller among others", () => {
  it("that is told to stop claims nothing more, and its peer goes on within two seconds", async () => {
    const at = await lab({
      wanted: sized("small", 3),
      prepare: `touch "$world/preparing"; while [ -e "$world/hold" ]; do sleep 0.05; done`,
    });
    await writeFile(join(at.world, "hold"), "");
    // A lease that nobody waits out.
    const env = { INNOMINATUS_LEASE: "10m", INNOMINATUS_HEARTBEAT: "1m" };
    const draining = await at.serve("one", { env });
    await until("all in hand", async () => (await inHand(at, draining)).length === 3);
    await until("a script at work", () => exists(join(at.world, "preparing")));
    const peer = await at.serve("two", { env });
    await until("the peer ready", () => isReady(peer));
    draining.kill("SIGTERM");
    await until(
      "the draining one unready",
      async () => !(await isReady(draining).catch(() => false)),
    );
    await rm(join(at.world, "hold"));
    expect(await draining.ended).toMatchObject({ code: 0 });
    const { rows: stopped } = await at.db.query(`select store_now() as now`);
    const { now } = z.object({ now: z.date() }).parse(stopped[0]);
    await untilQuiet(at);
    const { rows } = await at.db.query(
      `select attempt, extract(epoch from ended_at - $1::timestamptz) * 1000 as after_ms from runs`,
      [now],
    );
    const ends = rows.map((it) => endRow.parse(it));
    process.stdout.write(
      `peer done ${ends.map((it) => Math.round(it.after_ms)).join(", ")} ms after\n`,
    );
    expect(ends.map((it) => it.attempt)).toEqual([2, 2, 2]);
    expect(Math.max(...ends.map((it) => it.after_ms))).toBeLessThan(2_000);
    await expectInvariants(at);
  });

  it("law 6: that is killed, one of three, delays the runs it had by no more than its lease", async () => {
    const at = await lab({
      wanted: sized("small", 24),
      around: { create: { before: "sleep 0.5" } },
    });
    const leaseMs = 4_000;
    const env = { INNOMINATUS_LEASE: `${leaseMs}ms`, INNOMINATUS_WORKERS: "4" };
    const running = await Promise.all(["one", "two", "three"].map((it) => at.serve(it, { env })));
    const [victim] = running;
    if (victim === undefined) throw new Error("there are three");
    await until("the victim at work", async () => (await inHand(at, victim)).length >= 2);
    victim.kill("SIGKILL");
    await victim.ended;
    const orphans = await inHand(at, victim);
    const { rows: died } = await at.db.query(`select store_now() as now`);
    const { now } = z.object({ now: z.date() }).parse(died[0]);
    expect(orphans.length).toBeGreaterThan(0);
    await untilQuiet(at);
    const { rows } = await at.db.query(
      `select r.attempt, extract(epoch from min(s.ended_at) - $1::timestamptz) * 1000 as after_ms
       from runs r join steps s on s.run = r.id where r.id = any($2::text[]) group by r.id, r.attempt`,
      [now, orphans],
    );
    const ends = rows.map((it) => endRow.parse(it));
    process.stdout.write(
      `orphans done ${ends.map((it) => Math.round(it.after_ms)).join(", ")} ms after\n`,
    );
    expect(ends.map((it) => it.attempt)).toEqual(orphans.map(() => 2));
    // A script takes half a second of its own, and has to find a worker that is free.
    expect(Math.max(...ends.map((it) => it.after_ms))).toBeLessThan(leaseMs + 5_000);
    await expectInvariants(at);
  });
});
