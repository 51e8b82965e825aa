import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { claimed, emptyTables, enqueue, testScope, uidOf, wish } from "../../test/support/runs.ts";
import { fenced } from "./claims.ts";
import type { Database } from "./database.ts";
import { recordActive, recordDeleted } from "./outcomes.ts";
import { forgetUntouched, listResources, readResource, resourcesSince } from "./resources.ts";

const [a, b] = [uidOf("a"), uidOf("b")];

describe.each(databases())("resources on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(() => emptyTables(db));

  const since = async (snapshot: string | undefined) => {
    const { changed, snapshot: next } = await resourcesSince(db, testScope, snapshot);
    return { uids: changed.map((it) => it.uid).toSorted(), next };
  };
  const forget = () => db.transaction((tx) => forgetUntouched(tx, testScope, [a, b]));
  const touch = (uid: typeof a) =>
    db.query(`update resources set changed_in = pg_current_xact_id() where uid = $1`, [uid]);

  it("gives everything first, then what changed, then nothing", async () => {
    await wish(db, [a, b]);
    await wish(db, [a], { ...testScope, environment: "other" });
    const all = await since(undefined);
    expect(all.uids).toEqual([a, b]);
    expect((await since(all.next)).uids).toEqual([]);
    await touch(b);
    const one = await since(all.next);
    expect(one.uids).toEqual([b]);
    expect((await since(one.next)).uids).toEqual([]);
  });

  it("sees every kind of write", async () => {
    await wish(db, [a]);
    let { next } = await since(undefined);
    const expectSeen = async (): Promise<void> => {
      const seen = await since(next);
      expect(seen.uids).toEqual([a]);
      ({ next } = seen);
    };
    await enqueue(db, a);
    const claim = await claimed(db);
    await expectSeen();
    const outputs = { outputs: {}, secretRefs: {} };
    await fenced(db, claim, (tx) => recordActive(tx, claim, outputs));
    await expectSeen();
    await wish(db, [a]);
    await expectSeen();
  });

  it.runIf(kind === "postgres")("misses no row of a transaction that commits late", async () => {
    await wish(db, [a, b]);
    let { next } = await since(undefined);
    let commit = (): void => undefined;
    const committed = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let written = (): void => undefined;
    const isWritten = new Promise<void>((resolve) => {
      written = resolve;
    });
    const late = db.transaction(async (tx) => {
      await tx.query(`update resources set changed_in = pg_current_xact_id() where uid = $1`, [a]);
      written();
      await committed;
    });
    await isWritten;
    // A later transaction that commits first must not move the horizon past the earlier one.
    await touch(b);
    const before = await since(next);
    expect(before.uids).toEqual([b]);
    ({ next } = before);
    commit();
    await late;
    const after = await since(next);
    expect(after.uids).toContain(a);
    expect((await since(after.next)).uids).toEqual([]);
  });

  it("forgets wishes that nothing was done about, and nothing else", async () => {
    await wish(db, [a, b]);
    await enqueue(db, b);
    await claimed(db);
    await forget();
    expect((await listResources(db, testScope)).map((it) => it.uid)).toEqual([b]);
  });

  it("begins anew with what was deleted and is wanted again", async () => {
    await wish(db, [a]);
    await enqueue(db, a);
    const create = await claimed(db);
    const outputs = { outputs: {}, secretRefs: {} };
    await fenced(db, create, (tx) => recordActive(tx, create, outputs));
    await enqueue(db, a, {
      operation: "delete",
      hash: "gone",
      seen: { revision: 1, run: create.run },
    });
    const gone = await claimed(db);
    await fenced(db, gone, (tx) => recordDeleted(tx, gone));
    await wish(db, [a]);
    expect(await readResource(db, testScope, a)).toMatchObject({
      phase: "requested",
      touched: false,
      revision: 0,
    });
    expect(await enqueue(db, a, { seen: { revision: 0, run: gone.run } })).toBe(1);
  });
});
