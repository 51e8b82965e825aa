/**
 * A real process killed with SIGKILL at its writes: before the server has one, and after it took
 * effect, while a thing is created, updated, replaced and deleted (law 6, E6).
 * `INNOMINATUS_TEST_EVERY_KILL=true` meets every write; otherwise a seeded sample does.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { approvePlan } from "../../src/store/approvals.ts";
import { releaseRuns } from "../../src/store/claims.ts";
import { listEnvironments, readEnvironment } from "../../src/store/environments.ts";
import { build, type Process } from "./support/cli.ts";
import { expectInvariants } from "./support/invariants.ts";
import { openLab, type Lab } from "./support/lab.ts";
import { linesOf, specsOf, things } from "./support/ledger.ts";
import { startProxy, type Proxy } from "./support/proxy.ts";
import { seeded } from "./support/random.ts";

interface Chapter {
  readonly name: string;
  /** The thing's; `null`: it is removed. */
  readonly size: string | null;
}

interface Point {
  readonly write: number;
  readonly dies: "before" | "after";
}

interface Kill {
  readonly chapter: string;
  readonly statement: string;
}

const closing: (() => Promise<void>)[] = [];
beforeAll(build, 180_000);
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

const wish = ({ size }: Chapter) => (size === null ? {} : { it: size });

async function open(immutable: boolean): Promise<{ readonly lab: Lab; readonly proxy: Proxy }> {
  const lab = await openLab({
    wanted: { other: { fixed: "small" }, ...(immutable ? { shop: { it: "medium" } } : {}) },
    immutable,
  });
  closing.push(() => lab.close());
  const proxy = await startProxy(lab.databaseUrl);
  closing.push(() => proxy.close());
  expect(await lab.sync()).toMatchObject({ code: 0 });
  return { lab, proxy };
}

/** The point is met in each chapter; after each kill the same is asked for again. */
async function tell(
  { lab, proxy }: { readonly lab: Lab; readonly proxy: Proxy },
  chapters: readonly Chapter[],
  point: Point,
): Promise<readonly Kill[]> {
  const kills: Kill[] = [];
  for (const chapter of chapters) {
    const files = specsOf({ shop: wish(chapter) });
    if (chapter.size === null) await lab.origin.remove(Object.keys(files));
    else await lab.origin.commit(files);
    if (chapter.name === "replace") await approve(lab);
    const victim = await lab.syncing({ databaseUrl: proxy.url });
    const killedAt = await meet(proxy, victim, point);
    const recorded = await endedSteps(lab);
    if (killedAt !== undefined) {
      kills.push({ chapter: chapter.name, statement: killedAt });
      // As time does: nobody renews the leases of a dead process.
      await releaseRuns(lab.db);
    }
    const how = `${chapter.name}, killed ${point.dies} write ${point.write}: ${killedAt ?? "not met"}`;
    if (killedAt !== undefined) await expectSync(lab, how);
    expect({ how, things: await things(lab.world) }).toEqual({
      how,
      things: { fixed: "small", ...wish(chapter) },
    });
    const effects = await effectsOf(lab);
    for (const [key, count] of recorded) {
      expect({ how, key, count: effects.get(key) }).toEqual({ how, key, count });
    }
  }
  return kills;
}

async function expectSync(lab: Lab, how: string): Promise<void> {
  const { code, signal, stderr } = await lab.sync();
  expect({ how, code, signal, stderr }).toEqual({ how, code: 0, signal: null, stderr: "" });
}

/** @returns the write that it was killed at; `undefined`: it ended before */
async function meet(
  proxy: Proxy,
  victim: Process,
  { write, dies }: Point,
): Promise<string | undefined> {
  const count = countWrites();
  let at: string | undefined;
  const kill = (): void => victim.kill("SIGKILL");
  proxy.rule((text, connection) => {
    const found = count(text, connection);
    if (found === undefined || at !== undefined || found.number < write) return "pass";
    at = found.statement;
    if (dies === "after") return "unanswered";
    kill();
    return "cut";
  }, kill);
  const { code, signal, stderr } = await victim.ended;
  proxy.rule(() => "pass");
  const expected =
    at === undefined
      ? { code: 0, signal: null, stderr: "" }
      : { code: null, signal: "SIGKILL", stderr };
  expect({ code, signal, stderr }).toEqual(expected);
  return at;
}

interface Write {
  /** The how many-th it is. */
  readonly number: number;
  /** Its beginning; of a transaction, that of the first that writes. */
  readonly statement: string;
}

/** A statement that writes by itself is a write, and so is the commit of a transaction that wrote. */
function countWrites(): (text: string, connection: number) => Write | undefined {
  const open = new Map<number, string | undefined>();
  let number = 0;
  return (text, connection) => {
    const [, word] = /^Q[^]{4}(begin|commit|rollback)\0/.exec(text) ?? [];
    if (word === "begin") open.set(connection, undefined);
    if (word !== undefined && word !== "begin") {
      const wrote = open.get(connection);
      open.delete(connection);
      if (word === "commit" && wrote !== undefined) {
        return { number: (number += 1), statement: `commit of ${wrote}` };
      }
    }
    const statement = writes.exec(text)?.[0].replaceAll(/\s+/g, " ");
    if (statement === undefined) return undefined;
    if (!open.has(connection)) return { number: (number += 1), statement };
    open.set(connection, open.get(connection) ?? statement);
    return undefined;
  };
}

const writes = /\b(insert into \w+|delete from \w+|update \w+(?= (\w+ )?set))/i;

/** What cannot change in place is replaced once somebody said so. */
async function approve(lab: Lab): Promise<void> {
  expect(await lab.sync()).toMatchObject({ code: 1 });
  const [scope] = await listEnvironments(lab.db);
  if (scope === undefined) throw new Error("no environment is recorded");
  const plan = (await readEnvironment(lab.db, scope))?.planHash ?? "";
  await approvePlan(lab.db, scope, { plan, approver: "tester", reason: "" });
}

const keyRow = z.object({ key: z.string() });

/** How often each step had its effect whose end is recorded. */
async function endedSteps(lab: Lab): Promise<ReadonlyMap<string, number>> {
  const { rows } = await lab.db.query(
    `select run || '/' || name as key from steps where state = 'ended' and type = 'policy'`,
  );
  const effects = await effectsOf(lab);
  return new Map(rows.map((it) => keyRow.parse(it)).map(({ key }) => [key, effects.get(key) ?? 0]));
}

async function effectsOf({ world }: Lab): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const line of await linesOf(world, "ledger")) {
    const key = line.split(" ")[2] ?? "";
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

const isWhole = process.env["INNOMINATUS_TEST_EVERY_KILL"] === "true";
/** Of a sample: one of so many writes. */
const stride = 5;

/** What is told again and again, killed a little later each time. */
type Story = (lap: number) => readonly Chapter[];

const stories: readonly (readonly [string, boolean, Story])[] = [
  [
    "created, updated and deleted",
    false,
    () => [
      { name: "create", size: "small" },
      { name: "update", size: "large" },
      { name: "delete", size: null },
    ],
  ],
  ["replaced", true, (lap) => [{ name: "replace", size: lap % 2 === 0 ? "small" : "large" }]],
];

describe.concurrent("a process killed at its writes", () => {
  it.each(stories)(
    "while a thing is %s goes on where it was, and makes nothing twice",
    { timeout: isWhole ? 3_600_000 : 900_000 },
    async (name, immutable, story) => {
      const place = await open(immutable);
      const random = seeded(20_260_101);
      const kills: Kill[] = [];
      for (let first = 1, lap = 0, isMet = true; isMet; first += isWhole ? 1 : stride) {
        isMet = false;
        for (const dies of ["before", "after"] as const) {
          const write = isWhole ? first : first + Math.floor(random() * stride);
          const met = await tell(place, story(lap++), { write, dies });
          kills.push(...met);
          isMet ||= met.length > 0;
        }
      }
      await expectInvariants(place.lab);
      for (const it of story(0)) {
        expect(kills.filter(({ chapter }) => chapter === it.name).length).toBeGreaterThan(3);
      }
      const kinds = new Set(kills.map((it) => it.statement));
      process.stdout.write(`${name}: ${kills.length} kills at ${[...kinds].join(", ")}\n`);
    },
  );
});
