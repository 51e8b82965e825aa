import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { createTestPostgres } from "../../test/support/database.ts";
import { DatabaseUnavailableError, type Database } from "./database.ts";
import { openPostgres } from "./postgres.ts";

let server: { url: string; remove: () => Promise<void> };
beforeAll(async () => {
  server = await createTestPostgres();
});
afterAll(() => server.remove());

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no failure",
    (error: unknown) => error,
  );

/** Ends every other connection of the database, as a restart of the server does. */
const cutAll = (by: Database) =>
  by.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );

/** In front of the server. `cut` swallows what is said on the connections there are, as a cut cable does. */
async function proxy() {
  const target = new URL(server.url);
  const sockets: Socket[] = [];
  const cut = new Set<Socket>();
  const front = createServer((socket) => {
    const back = connect(Number(target.port), target.hostname);
    sockets.push(socket, back);
    for (const [from, to] of [
      [socket, back],
      [back, socket],
    ] as const) {
      from.on("data", (data) => cut.has(from) || to.write(data));
      from.on("close", () => cut.has(from) || to.destroy());
      from.on("error", () => {});
    }
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = front.address();
  const url = new URL(server.url);
  url.port = String(typeof address === "object" ? address?.port : "");
  return {
    url: url.href,
    cut() {
      for (const socket of sockets) cut.add(socket);
    },
    close() {
      for (const socket of sockets) socket.destroy();
      front.close();
    },
  };
}

/** What a listener is told. */
function ear() {
  const heard: string[] = [];
  let wake = () => {};
  return {
    onNotify(this: void, payload: string) {
      heard.push(payload);
      wake();
    },
    async until(payload: string): Promise<string[]> {
      while (!heard.includes(payload)) await new Promise<void>((resolve) => (wake = resolve));
      return heard;
    },
  };
}

describe("a server that cannot be used", () => {
  const variant = (change: (url: URL) => void): string => {
    const url = new URL(server.url);
    url.password = "pa%20ss-word";
    change(url);
    return url.href;
  };
  test.each<[string, string, (url: URL) => void]>([
    ["is not up", "ECONNREFUSED", (url) => (url.port = "1")],
    ["is not there", "ENOTFOUND", (url) => (url.hostname = "nowhere.invalid")],
    ["wants another password", "28P01", () => {}],
    [
      "has no such database",
      "3D000",
      (url) => ([url.pathname, url.password] = ["/no", "postgres"]),
    ],
  ])("%s: %s, with what to do", async (_, code, change) => {
    const error = await failureOf(openPostgres(variant(change)));
    expect(error).toMatchObject({ name: "DatabaseUnavailableError", code });
    expect(String(error)).toContain("DATABASE_URL");
    expect(String(error)).not.toMatch(/pa(%20| )ss-word/);
  });

  it.each(["postgres://me:pass-word@host:port/db", "postgres://me:pass-word%@host/db"])(
    "has a URL that cannot be read, and is not repeated: %s",
    async (url) => {
      const error = await failureOf(openPostgres(url));
      expect(error).toBeInstanceOf(DatabaseUnavailableError);
      expect(JSON.stringify([String(error), error])).not.toContain("pass-word");
    },
  );
});

describe("a lost connection", () => {
  it("fails what is under way, and is made again for the next query", async () => {
    const db = await openPostgres(server.url);
    const other = await openPostgres(server.url, { poolSize: 1 });
    const sleeping = failureOf(db.query("select pg_sleep(60)"));
    const working = failureOf(
      db.transaction(async (tx) => {
        await tx.query("select 1");
        await cutAll(other);
        await tx.query("select 1");
      }),
    );
    expect(await sleeping).toMatchObject({ name: "DatabaseUnavailableError", code: "57P01" });
    expect(await working).toBeInstanceOf(DatabaseUnavailableError);
    expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await Promise.all([db.close(), other.close()]);
  });

  it("is noticed when the server just stops answering", async () => {
    const wire = await proxy();
    const db = await openPostgres(wire.url, { poolSize: 1, answerTimeoutMs: 200 });
    wire.cut();
    expect(await failureOf(db.query("select 1"))).toBeInstanceOf(DatabaseUnavailableError);
    expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await db.close();
    wire.close();
  });

  it("does not take an error of a statement for one", async () => {
    const db = await openPostgres(server.url);
    const error = await failureOf(db.query("drop database not_there"));
    expect(error).toMatchObject({ code: "3D000" });
    expect(error).not.toBeInstanceOf(DatabaseUnavailableError);
    await db.close();
  });

  it("of a listener is made again, with a hint that something may have been missed", async () => {
    const db = await openPostgres(server.url);
    const other = await openPostgres(server.url);
    const listener = ear();
    await db.listen("changes", listener.onNotify);
    await cutAll(other);
    await listener.until("");
    await other.query("notify changes, 'after'");
    expect(await listener.until("after")).toEqual(["", "after"]);
    await Promise.all([db.close(), other.close()]);
  });

  it("of a listener is noticed without a word from the server", async () => {
    const wire = await proxy();
    const listener = ear();
    const db = await openPostgres(wire.url, { pingIntervalMs: 20, pingTimeoutMs: 100 });
    await db.listen("changes", listener.onNotify);
    wire.cut();
    const other = await openPostgres(server.url);
    await other.query("notify changes, 'unheard'");
    await listener.until("");
    await other.query("notify changes, 'after'");
    expect(await listener.until("after")).toEqual(["", "after"]);
    await Promise.all([db.close(), other.close()]);
    wire.close();
  });
});
