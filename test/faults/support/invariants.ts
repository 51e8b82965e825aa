/**
 * What must hold after any fault, once it is quiet: asked of the record, of the provider's own books
 * and of the status branch, each of which would tell on the others.
 */
import { expect } from "vitest";
import { z } from "zod";
import type { Database } from "../../../src/store/database.ts";
import { allActive, linesOf, published, statusBranch, things, wantedAt } from "./ledger.ts";
import type { Lab, ServeOptions } from "./lab.ts";

/** Everything that came out of the controllers, for who looks for secrets. */
const sinks = [
  "runs",
  "resources",
  "events",
  "step_logs",
  "steps",
  "workloads",
  "environments",
  "revisions",
];

/**
 * I1 no two live holders · I2 no effect twice · I3 no deletion without proof · I4 nothing forgotten ·
 * I5 no secret in a sink · I6 a second pass writes nothing · I7 the end is that of a calm day.
 *
 * @param repo by which the controllers knew the repository, if not by its path
 */
export async function expectInvariants(lab: Lab, repo?: string): Promise<void> {
  const wanted = await wantedAt(lab.origin, "main");
  await expectOneHolder(lab);
  await expectEffectsOnce(lab);
  await expectProvenDeletions(lab);
  await expectNothingForgotten(lab);
  await expectEnd(lab, wanted);
  await expectStatus(lab, wanted);
  await expectFixedPoint(lab, repo === undefined ? {} : { repo });
  await expectNoSecrets(lab);
}

async function expectOneHolder({ db, world }: Lab): Promise<void> {
  // Each script holds a lock on its thing for as long as it lives.
  expect({ invariant: "I1", overlaps: await linesOf(world, "overlaps") }).toEqual({
    invariant: "I1",
    overlaps: [],
  });
  const { rows: held } = await db.query(
    `select l.target, l.run from locks l join runs r on r.id = l.run
     where r.state in ('queued', 'running', 'waiting')`,
  );
  expect({ invariant: "I1", held }).toEqual({ invariant: "I1", held: [] });
}

const attemptRow = z.object({ key: z.string(), attempts: z.number() });

async function expectEffectsOnce({ db, world }: Lab): Promise<void> {
  // Nothing was made that another run had made, and nothing changed that was not there.
  expect({ invariant: "I2", doubles: await linesOf(world, "doubles") }).toEqual({
    invariant: "I2",
    doubles: [],
  });
  const { rows } = await db.query(`select run || '/' || name as key, attempts from steps`);
  const attempts = new Map(rows.map((it) => attemptRow.parse(it)).map((it) => [it.key, it]));
  const counts = new Map<string, number>();
  for (const line of await linesOf(world, "ledger")) {
    const key = line.split(" ")[2] ?? "";
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  // No effect without a journalled attempt before it.
  const unexplained = [...counts].filter(([key, n]) => n > (attempts.get(key)?.attempts ?? 0));
  expect({ invariant: "I2", unexplained }).toEqual({ invariant: "I2", unexplained: [] });
}

const deletion = z.object({ uid: z.string(), commit: z.string() });

async function expectProvenDeletions({ db, origin }: Lab): Promise<void> {
  const { rows } = await db.query(
    // A replacement deletes what is wanted, and somebody has approved exactly that.
    `select uid, commit from runs r where operation = 'delete' and started_at is not null
       and not exists (select 1 from approvals a where a.plan = r.plan)`,
  );
  const at = new Map<string, ReadonlySet<string>>();
  const wantedBy = async (commit: string): Promise<ReadonlySet<string>> => {
    const known = at.get(commit) ?? new Set((await wantedAt(origin, commit)).keys());
    at.set(commit, known);
    return known;
  };
  const unproven: string[] = [];
  for (const { uid, commit } of rows.map((it) => deletion.parse(it))) {
    if ((await wantedBy(commit)).has(uid)) unproven.push(`${uid} at ${commit}`);
  }
  expect({ invariant: "I3", unproven }).toEqual({ invariant: "I3", unproven: [] });
}

const recorded = z.object({
  uid: z.string(),
  name: z.string(),
  phase: z.string(),
  params: z.looseObject({ size: z.string() }),
});

const readRecord = async (db: Database) =>
  (await db.query("select uid, name, phase, params from resources order by uid")).rows.map((it) =>
    recorded.parse(it),
  );

async function expectNothingForgotten({ db, world }: Lab): Promise<void> {
  const known = new Set((await readRecord(db)).map((it) => it.name));
  const unknown = (await linesOf(world, "ledger"))
    .map((it) => it.split(" ")[1] ?? "")
    .filter((name) => !known.has(name));
  expect({ invariant: "I4", unknown }).toEqual({ invariant: "I4", unknown: [] });
  const { rows: open } = await db.query(
    `select id, uid, state from runs where state in ('queued', 'running', 'waiting')`,
  );
  expect({ invariant: "I4", open }).toEqual({ invariant: "I4", open: [] });
}

async function expectEnd({ db, world }: Lab, wanted: ReadonlyMap<string, string>): Promise<void> {
  const byName = (entries: Iterable<readonly [string, string]>): Record<string, string> =>
    Object.fromEntries([...entries].map(([uid, size]) => [uid.replace(/^.*\./, ""), size]));
  expect({ invariant: "I7", things: await things(world) }).toEqual({
    invariant: "I7",
    things: byName(wanted),
  });
  const standing = (await readRecord(db)).filter((it) => it.phase !== "deleted");
  expect({
    invariant: "I7",
    resources: standing.map((it) => `${it.uid} ${it.phase} ${it.params.size}`),
  }).toEqual({
    invariant: "I7",
    resources: allActive(wanted),
  });
}

async function expectStatus({ origin }: Lab, wanted: ReadonlyMap<string, string>): Promise<void> {
  expect({ invariant: "I7", published: await published(origin) }).toEqual({
    invariant: "I7",
    published: allActive(wanted),
  });
  // One writer at a time, each on the other's tip, and no commit that says nothing new.
  const log = await origin.log(statusBranch);
  const merges = log.filter((it, index) => {
    const before = log[index + 1]?.commit;
    return it.parents.length !== (before === undefined ? 0 : 1) || it.parents[0] !== before;
  });
  expect({ invariant: "law 9", merges }).toEqual({ invariant: "law 9", merges: [] });
  const trees = (await origin.git(["log", "--format=%T", statusBranch])).trim().split("\n");
  const doubled = trees.filter((tree, index) => tree === trees[index + 1]);
  expect({ invariant: "law 9", doubled }).toEqual({ invariant: "law 9", doubled: [] });
}

async function expectFixedPoint(lab: Lab, options: ServeOptions): Promise<void> {
  // The first catches up with whatever a slow machine has not come to yet.
  await lab.sync(options);
  const before = await written(lab);
  const synced = await lab.sync(options);
  expect({ invariant: "I6", code: synced.code, stderr: synced.stderr }).toMatchObject({ code: 0 });
  expect({ invariant: "I6", ...(await written(lab)) }).toEqual({ invariant: "I6", ...before });
}

/** Whatever grows when something is done. */
async function written({ db, origin, world }: Lab) {
  const { rows } = await db.query(
    `select (select count(*) from runs) as runs, (select count(*) from events) as events,
       (select count(*) from steps) as steps, (select sum(attempts) from steps) as attempts,
       (select max(changed_in::text::bigint) from resources) as changed`,
  );
  const status = await origin.tip(statusBranch);
  return { record: rows, status, effects: (await linesOf(world, "ledger")).length };
}

const textRow = z.object({ text: z.string() });

async function expectNoSecrets(lab: Lab): Promise<void> {
  const { db, origin, world } = lab;
  const secrets = new Set(await linesOf(world, "secrets"));
  if (secrets.size === 0) return;
  const texts = [lab.output()];
  for (const table of sinks) {
    const { rows } = await db.query(`select t::text as text from ${table} t`);
    texts.push(...rows.map((it) => textRow.parse(it).text));
  }
  texts.push(await origin.git(["log", "-p", statusBranch]).catch(() => ""));
  const leaked = texts.filter((text) => [...secrets].some((it) => text.includes(it)));
  expect({ invariant: "I5", leaked }).toEqual({ invariant: "I5", leaked: [] });
}
