/** What befalls the processes: paused, lied to by their clock, given the wrong key, given hostile scripts. */
import { access, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { build, type Process } from "./support/cli.ts";
import { expectInvariants } from "./support/invariants.ts";
import { openLab, until, untilQuiet, type Lab, type LabOptions } from "./support/lab.ts";
import { linesOf, specsOf, things } from "./support/ledger.ts";

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

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const holdUp = `touch "$world/at-work"; while [ -e "$world/hold" ]; do sleep 0.05; done`;
const claimRow = z.object({ holder: z.string().nullable(), token: z.coerce.number() });

describe("a process paused for longer than its lease", () => {
  it("law 6: writes nothing and starts no step when it wakes; its script has ended before the lease", async () => {
    const at = await lab({
      wanted: { shop: { t0: "small", t1: "small", t2: "small" } },
      around: { create: { before: holdUp } },
      secret: true,
    });
    await writeFile(join(at.world, "hold"), "");
    const paused = await at.serve("one");
    await until("a script at work", () => exists(join(at.world, "at-work")));
    await until("all runs claimed", async () => {
      const { rows } = await at.db.query(`select 1 from runs where state = 'running'`);
      return rows.length === 3;
    });
    paused.kill("SIGSTOP");
    await at.serve("two");
    await until("all runs taken over", async () => {
      const { rows } = await at.db.query(
        `select holder, token from runs where state = 'running' and token > 1`,
      );
      return rows.length === 3;
    });
    await rm(join(at.world, "hold"));
    await untilQuiet(at);

    const { rows: before } = await at.db.query(`select id, holder, token, attempt from runs`);
    paused.kill("SIGCONT");
    await paused.said(`is lost: another worker has taken over|run interrupted|"result":"lost"`);
    await until("the woken one at rest", async () => !(await isBusy(at, paused)));
    const { rows: after } = await at.db.query(`select id, holder, token, attempt from runs`);
    expect(after).toEqual(before);
    for (const it of after) expect(claimRow.parse(it).token).toBeGreaterThan(1);
    // No script of the paused one met one of its successor's: see I1.
    await expectInvariants(at);
  });
});

describe("a process killed between an effect and its record", () => {
  it("law 6: a newer commit's run does not begin before the effect is settled under its own key", async () => {
    const killed = `if mkdir "$world/killed" 2> /dev/null; then kill -9 $PPID; sleep 60; fi`;
    const at = await lab({
      wanted: { shop: { t0: "small" } },
      around: { create: { after: killed } },
    });
    expect(await (await at.serve("one")).ended).toMatchObject({ signal: "SIGKILL" });
    await at.origin.commit(specsOf({ shop: { t0: "large" } }), "Larger");
    await at.serve("one");
    await untilQuiet(at);
    const ledger = (await linesOf(at.world, "ledger")).map((it) => it.split(" "));
    expect(ledger.map(([operation]) => operation)).toEqual(["create", "create", "update"]);
    expect(ledger[1]).toEqual(ledger[0]);
    await expectInvariants(at);
  });
});

async function isBusy({ db }: Lab, { child }: Process): Promise<boolean> {
  const { rows } = await db.query(
    `select 1 from runs where state = 'running' and holder like $1 and lease_expires_at > store_now()`,
    [`%/${child.pid}/%`],
  );
  return rows.length > 0;
}

describe("a clock that jumps", () => {
  it("law 4: shortens no grace, loses no lease, and keeps nobody from looking", async () => {
    const at = await lab({
      wanted: { shop: { t0: "small", t1: "small" } },
      grace: "1h",
      // Nobody dies here: a lease is lost to the clock, or not at all.
      lease: "60s",
    });
    const file = join(at.world, "clock");
    await writeFile(file, "0");
    const env = { NODE_OPTIONS: `--import=${clockOf(file)}` };
    // By its URL the repository is polled: nobody tells of a push.
    await at.serve("one", { env, repo: `file://${at.origin.url}` });
    await untilQuiet(at);
    await at.origin.commit(specsOf({ shop: { t1: "small" } }), "Without t0");
    const graced = async (): Promise<boolean> => {
      const { rows } = await at.db.query(
        `select 1 from resources where name = 't0' and gate ->> 'kind' = 'grace'
           and delete_after > store_now() + interval '55 minutes'`,
      );
      return rows.length === 1;
    };
    await until("the deletion held", graced);
    for (const [hours, size] of [
      [2, "medium"],
      [-3, "large"],
      [0, "small"],
    ] as const) {
      await writeFile(file, String(hours * 3_600_000));
      await at.origin.commit(specsOf({ shop: { t1: size } }), `At ${hours} h`);
      const made = async () => (await things(at.world))["t1"] === size;
      await until(`t1 ${size}, with the clock ${hours} h off`, made, 20_000);
      expect(await things(at.world)).toEqual({ t0: "small", t1: size });
      expect(await graced()).toBe(true);
    }
    const { rows: lost } = await at.db.query(`select id from runs where attempt > 1`);
    expect(lost).toEqual([]);
    // The revert ends the grace, and then it is as if nothing had been.
    await at.origin.commit(specsOf({ shop: { t0: "small", t1: "small" } }), "With t0 again");
    await untilQuiet(at);
    await expectInvariants(at);
  });
});

/** A module that shifts a process's clock by the milliseconds in `file`. */
const clockOf = (file: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import { readFileSync } from "node:fs";
    const RealDate = Date;
    const shifted = () => RealDate.now() + Number(readFileSync(${JSON.stringify(file)}, "utf8"));
    globalThis.Date = class Date extends RealDate {
      constructor(...parts) { super(...(parts.length === 0 ? [shifted()] : parts)); }
      static now() { return shifted(); }
    };`)}`;

describe("the encryption key", () => {
  it("law 7: another one than what is stored was sealed with is refused before anything is written", async () => {
    const at = await lab({ wanted: { shop: { t0: "small" } }, secret: true });
    expect(await at.sync()).toMatchObject({ code: 0 });
    await at.origin.commit(specsOf({ shop: { t0: "large", t1: "small" } }), "Larger");
    const other = Buffer.alloc(32, 8).toString("base64");
    const { rows: before } = await at.db.query(`select * from resources`);
    const refused = await at.sync({ env: { INNOMINATUS_ENCRYPTION_KEY: other } });
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("add the key it was sealed with"),
    ]);
    const serving = await at.serve("one", { env: { INNOMINATUS_ENCRYPTION_KEY: other } });
    expect(await serving.ended).toMatchObject({ code: 1, signal: null });
    expect((await at.db.query(`select * from resources`)).rows).toEqual(before);
    expect(at.output()).not.toContain(other);
    expect(await at.sync()).toMatchObject({ code: 0 });
    await untilQuiet(at);
    await expectInvariants(at);
  });
});

describe("a script that behaves badly", () => {
  // Each once, told apart by the thing it makes; the next attempt is well behaved.
  const children = `for i in 1 2 3; do ( trap '' TERM HUP; while :; do sleep 0.2; done ) & echo $! >> "$world/pids"; done`;
  const bad = `if mkdir "$world/bad-$name" 2> /dev/null; then case "$name" in
          deaf) trap '' TERM; echo $$ >> "$world/pids"; while :; do sleep 0.2; done ;;
          forks) echo $$ >> "$world/pids"; ${children}; wait ;;
          orphans) ${children}; exit 3 ;;
          floods) echo $$ >> "$world/pids"; while :; do echo "$token filler filler filler filler"; done ;;
          endless) echo $$ >> "$world/pids"; sleep 600 ;;
        esac; fi`;
  const names = ["deaf", "forks", "orphans", "floods", "endless"];

  it("is ended with everything it started, its log is capped and masked, and the next attempt goes on", async () => {
    const sizes = Object.fromEntries(names.map((it) => [it, "small"]));
    const at = await lab({
      wanted: { shop: sizes },
      around: { create: { before: bad } },
      secret: true,
      timeout: "5s",
    });
    await at.serve("one");
    await untilQuiet(at);
    const pids = (await linesOf(at.world, "pids")).map(Number);
    // Four of them, the children of one, and what another left behind.
    expect(pids).toHaveLength(4 + 3 + 3);
    const alive = await Promise.all(pids.map(isAlive));
    expect(pids.filter((_, index) => alive[index])).toEqual([]);
    const { rows } = await at.db.query(
      `select l.run from step_logs l join runs r on r.id = l.run where r.uid like '%floods'
       group by l.run having sum(length(text)) > 2 * 1048576 + 10000`,
    );
    expect(rows).toEqual([]);
    const { rows: cut } = await at.db.query(
      `select 1 from step_logs where text like '%output cut: more than%'`,
    );
    expect(cut).toHaveLength(1);
    await expectInvariants(at);
  });
});

/** A zombie that nobody reaps is not. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return !/ [ZX] /.test(stat);
}
