/** What networks, operators and limits do to a database under a running controller. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { openPostgres } from "../../src/store/postgres.ts";
import { build, type Process } from "./support/cli.ts";
import { expectInvariants } from "./support/invariants.ts";
import { openLab, until, untilQuiet, urlOf, type Lab, type LabOptions } from "./support/lab.ts";
import { specsOf, things, type Wanted } from "./support/ledger.ts";
import { startProxy, type Proxy } from "./support/proxy.ts";
import { seeded } from "./support/random.ts";

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

async function proxyTo({ databaseUrl }: Lab): Promise<Proxy> {
  const proxy = await startProxy(databaseUrl);
  cleanUps.push(() => proxy.close());
  return proxy;
}

const sized = (size: string, count = 6): Wanted => ({
  shop: Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, size])),
});
/** `[0, ""]` while nobody listens: between waiting for the database and serving. */
const readyz = async (running: Process): Promise<readonly [number, string]> => {
  try {
    const answer = await fetch(`${await urlOf(running)}/readyz`);
    return [answer.status, await answer.text()];
  } catch {
    return [0, ""];
  }
};

describe("a connection to the database", () => {
  it("law 6: cut before a COMMIT, or after it and before its answer: nothing is done twice, nothing lost", async () => {
    const at = await lab({ wanted: sized("small"), secret: true });
    const proxy = await proxyTo(at);
    const random = seeded(5);
    const fates = { cut: 0, unanswered: 0 };
    // Each costs a lease at the most: some of each, and then it is calm.
    proxy.rule((text) => {
      const drawn = random() * (/commit/i.test(text) ? 1 : 20);
      const fate = drawn < 0.03 ? "cut" : "unanswered";
      if (drawn >= 0.06 || fates[fate] >= 8) return "pass";
      fates[fate] += 1;
      return fate;
    });
    await at.serve("one", { databaseUrl: proxy.url });
    await untilQuiet(at);
    await at.origin.commit(specsOf(sized("large")), "Larger");
    await untilQuiet(at);
    await at.origin.commit(specsOf({ shop: { t0: "large" } }), "Fewer");
    await untilQuiet(at);
    process.stdout.write(`cuts: ${fates.cut} before, ${fates.unanswered} after\n`);
    expect(fates.cut).toBeGreaterThan(3);
    expect(fates.unanswered).toBeGreaterThan(3);
    proxy.rule(() => "pass");
    await expectInvariants(at);
  });

  it("that listens and is silently dead: polling finds the work, and the listener is made again", async () => {
    const at = await lab({ wanted: sized("small") });
    const proxy = await proxyTo(at);
    let listeners = 0;
    let deaf = false;
    proxy.rule((text) => {
      if (!/listen /i.test(text)) return "pass";
      listeners += 1;
      return deaf ? "silent" : "pass";
    });
    // No file watch either: by its URL the repository is as far away as any.
    const remote = { databaseUrl: proxy.url, repo: `file://${at.origin.url}` };
    await at.serve("one", remote);
    await untilQuiet(at);
    deaf = true;
    await cutListeners(at);
    await until("a listener that is struck dumb", async () => listeners > 1);
    await at.origin.commit(specsOf(sized("large")), "Larger");
    await untilQuiet(at, 30_000);
    const before = listeners;
    deaf = false;
    await until("a listener that hears again", async () => listeners > before);
    await expectInvariants(at);
  });
});

describe("a database", () => {
  it("that is away while it is pushed to, with two controllers on it: both go on by themselves", async () => {
    const at = await lab({ wanted: sized("small") });
    const proxy = await proxyTo(at);
    const through = { databaseUrl: proxy.url };
    const running = await Promise.all(["one", "two"].map((it) => at.serve(it, through)));
    await untilQuiet(at);
    proxy.refuse(true);
    await at.origin.commit(specsOf(sized("large")), "Larger");
    for (const it of running) {
      await until("unready", async () => (await readyz(it))[0] === 503);
      expect(await (await fetch(`${await urlOf(it)}/healthz`)).text()).toBe("ok\n");
    }
    proxy.refuse(false);
    await untilQuiet(at);
    for (const it of running) await until("ready again", async () => (await readyz(it))[0] === 200);
    expect(running.map((it) => it.child.exitCode)).toEqual([null, null]);
    await expectInvariants(at);
  });

  it("that turns read-only makes a controller unready, and nothing else; it goes on when it can write", async () => {
    const at = await lab({ wanted: sized("small") });
    const running = await at.serve("one");
    await untilQuiet(at);
    await setReadOnly(at, true);
    await at.origin.commit(specsOf(sized("large")), "Larger");
    await until("unready", async () => (await readyz(running))[0] === 503);
    expect((await readyz(running))[1]).toContain("the database");
    // Started now, it waits as well, alive and unready.
    const late = await at.serve("late");
    await until("unready", async () => (await readyz(late))[0] === 503);
    expect(await (await fetch(`${await urlOf(late)}/healthz`)).text()).toBe("ok\n");
    expect([running.child.exitCode, late.child.exitCode]).toEqual([null, null]);
    expect(new Set(Object.values(await things(at.world)))).toEqual(new Set(["small"]));
    await setReadOnly(at, false);
    await untilQuiet(at);
    for (const it of [running, late]) {
      await until("ready", async () => (await readyz(it))[0] === 200);
    }
    await expectInvariants(at);
  });

  it("that has no connection to spare is told of, and gone on with once there is one", async () => {
    const at = await lab({ wanted: sized("small") });
    const limited = await limitedRole(at);
    const running = await at.serve("one", { databaseUrl: limited.url });
    await untilQuiet(at);
    await limited.allow(1);
    await at.origin.commit(specsOf(sized("large")), "Larger");
    await running.said("lower the pool's size, or raise max_connections");
    await limited.allow(100);
    await untilQuiet(at);
    expect(running.child.exitCode).toBeNull();
    await expectInvariants(at);
    expect(at.output()).not.toContain(limited.password);
  });
});

async function cutListeners({ db }: Lab): Promise<void> {
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and query ilike 'listen%'`,
  );
}

/** As a failover does: for every connection from now on, and there are no others. */
async function setReadOnly({ db, databaseUrl }: Lab, readOnly: boolean): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1);
  // What this connection was given at its start binds it, too.
  await db.query(
    `set default_transaction_read_only = off;
     alter database ${name} set default_transaction_read_only = ${readOnly ? "on" : "off"}`,
  );
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
}

interface LimitedRole {
  readonly url: string;
  readonly password: string;
  /** So many connections from now on, and none of those there are. */
  allow(connections: number): Promise<void>;
}

/** Limits do not bind a superuser: this one may do all that a controller does, and no more. */
async function limitedRole({ db, databaseUrl }: Lab): Promise<LimitedRole> {
  const url = new URL(databaseUrl);
  const database = url.pathname.slice(1);
  const name = `limited_${database.slice(-12)}`;
  const password = "not-to-be-seen";
  await db.query(
    `create role ${name} login password '${password}';
     grant all on schema public to ${name}; grant all on database ${database} to ${name};
     grant all on all tables in schema public to ${name};
     grant all on all sequences in schema public to ${name}`,
  );
  cleanUps.push(async () => {
    const db2 = await openPostgres(databaseUrl, { poolSize: 1 });
    await db2.query(`drop owned by ${name}; drop role ${name}`);
    await db2.close();
  });
  url.username = name;
  url.password = password;
  return {
    url: url.href,
    password,
    async allow(connections) {
      await db.query(`alter role ${name} connection limit ${connections}`);
      await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`, [
        name,
      ]);
    },
  };
}
