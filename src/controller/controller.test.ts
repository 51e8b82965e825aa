import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openTestDatabase } from "../../test/support/database.ts";
import { servicesOn } from "../../test/support/services.ts";
import type { Clock } from "../model/clock.ts";
import { FetchError } from "../source/fetch-error.ts";
import { DatabaseUnavailableError, type Database } from "../store/database.ts";
import { lockEnvironment, readEnvironment, registerRepository } from "../store/environments.ts";
import { control, type Observer } from "./controller.ts";
import { createHints, type Hints } from "./hints.ts";
import type { Mirror } from "../source/mirror.ts";
import type { EnvironmentPass, Repository } from "./repository.ts";

const scope = { repository: "origin", environment: "default" };
const pollMs = 60_000;
const dispatcherPollMs = 5_000;
const away = new FetchError("RemoteUnreachable", "fetching: no route to host");

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
  await registerRepository(db, scope.repository, "https://example.com/origin.git");
  await db.transaction((tx) => lockEnvironment(tx, scope, "main"));
}, 60_000);
afterAll(() => db.close());

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface World {
  /** What the loop did, in order; runs of the same are one. */
  readonly seen: string[];
  /** The time the loop would sleep now, by what it asked for. */
  readonly asleepFor: () => number | undefined;
  /** Wakes whoever sleeps, as if the time had come. */
  readonly wake: () => void;
  readonly remote: Hints;
  readonly queries: () => number;
}

/** A controller on a repository that does what `answers` say, and then nothing new. */
function controlling(answers: Partial<Pick<Repository, "fetch" | "pass" | "publish">>): World {
  const seen: string[] = [];
  let remote = createHints();
  let queries = 0;
  const sleepers = new Map<() => void, number>();
  let nowMs = 0;
  let isProviders = false;
  const clock: Clock = {
    now: () => new Date(nowMs),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          sleepers.delete(done);
          nowMs += ms;
          resolve();
        };
        // The dispatcher's and the providers' are not the loop's own.
        if (ms !== dispatcherPollMs && !isProviders) sleepers.set(done, ms);
        isProviders = false;
        signal.addEventListener("abort", () => (sleepers.delete(done), reject(signal.reason)));
      }),
  };
  const counting: Database = {
    kind: db.kind,
    query: (sql, values) => ((queries += 1), db.query(sql, values)),
    transaction: (work) => ((queries += 1), db.transaction(work)),
    listen: (channel, onNotify) => db.listen(channel, onNotify),
    close: () => db.close(),
  };
  const repository = {
    name: scope.repository,
    fetch: async () => false,
    pass: async () => [],
    publish: async () => ({ changed: false, commit: undefined }),
    preview: () => Promise.reject(new Error("nobody asks for one here")),
    targets: async () => ({ targets: [], statusBranch: "innominatus/status" }),
    close: async () => void seen.push("close"),
    // The loop asks nothing of it.
    get mirror(): Mirror {
      throw new Error("there is no mirror");
    },
    ...answers,
  };
  const observe: Observer = {
    worked: () => undefined,
    working: () => undefined,
    fetched: (_, result) => void seen.push(`fetch ${result}`),
    passed: (_, __, result) => void seen.push(`pass ${result}`),
    published: (_, result) => void seen.push(`publish ${result}`),
  };
  const stop = new AbortController();
  const services = servicesOn(counting, { clock, limits: { workers: 1 } });
  const controlled = control(
    services,
    {
      pollMs,
      resyncMs: 3_600_000,
      repositories: [
        {
          name: scope.repository,
          open: async () => repository,
          watch: (hints) => void (remote = hints),
        },
      ],
      providers: { refresh: async () => false, watch: () => void (isProviders = true) },
      observe,
    },
    stop.signal,
  );
  stops.push(async () => {
    stop.abort(new Error("stopped"));
    await controlled;
    expect(seen.at(-1)).toBe("close");
  });
  const ofLoop = (): [() => void, number] | undefined => [...sleepers][0];
  return {
    seen,
    queries: () => queries,
    remote: { ...remote, give: () => remote.give() },
    asleepFor: () => ofLoop()?.[1],
    wake: () => ofLoop()?.[0](),
  };
}

/** The loop has come to rest, and would sleep for so long. */
const asleep = (world: World, ms: number): Promise<void> =>
  vi.waitFor(() => expect(world.asleepFor()).toBe(ms), 10_000);

describe("the controller's loop over a repository", () => {
  it("asks again after 2 s, 4 s, 8 s while the remote does not answer, and says so meanwhile", async () => {
    let isAway = true;
    const world = controlling({
      fetch: async () => {
        if (isAway) throw away;
        return true;
      },
      pass: async () => [planned],
    });
    for (const ms of [2_000, 4_000, 8_000]) {
      await asleep(world, ms);
      expect(await readEnvironment(db, scope)).toMatchObject({ reason: "RemoteUnreachable" });
      world.wake();
    }
    await asleep(world, 16_000);
    isAway = false;
    world.wake();
    await asleep(world, pollMs);
    // What was fetched before is gone on with all the while.
    const round = ["pass done", "publish unchanged"];
    const failed = ["fetch failed", ...round];
    expect(world.seen).toEqual([
      ...failed,
      ...failed,
      ...failed,
      ...failed,
      "fetch fetched",
      ...round,
    ]);
  });

  it("backs off, too, while the status cannot be published or the database is away", async () => {
    let error: Error | undefined = away;
    const world = controlling({
      publish: async () => {
        if (error !== undefined) throw error;
        return { changed: true, commit: "c1" };
      },
    });
    await asleep(world, 2_000);
    expect(world.seen).toEqual(["fetch unchanged", "publish failed"]);
    error = new DatabaseUnavailableError("away", undefined);
    world.wake();
    await asleep(world, 4_000);
    error = undefined;
    world.wake();
    await vi.waitFor(() => expect(world.seen.at(-1)).toBe("publish published"));
  });

  it("fetches at once when it is told that the remote has changed", async () => {
    const world = controlling({});
    await asleep(world, pollMs);
    world.remote.give();
    await vi.waitFor(() =>
      expect(world.seen.filter((it) => it === "fetch unchanged")).toHaveLength(2),
    );
  });

  it("asks the database a few times a poll while there is nothing to do", async () => {
    const world = controlling({});
    await asleep(world, pollMs);
    const before = world.queries();
    for (let poll = 0; poll < 10; poll++) {
      await asleep(world, pollMs);
      world.wake();
      await vi.waitFor(() => expect(world.seen.length).toBe(2 * (poll + 2)));
    }
    expect(world.queries() - before).toBeLessThanOrEqual(4 * 10);
  });
});

const planned: EnvironmentPass = {
  environment: "default",
  branch: "main",
  pass: {
    kind: "planned",
    queued: 0,
    changed: false,
    plan: {
      hash: "plan-1",
      commit: "c1",
      base: null,
      environment: "default",
      operations: [],
      summary: { create: 0, update: 0, delete: 0, replace: 0, none: 0, held: 0 },
      problems: [],
    },
  },
};
