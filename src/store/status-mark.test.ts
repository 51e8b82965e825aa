import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { claimed, emptyTables, enqueue, testScope, uidOf, wish } from "../../test/support/runs.ts";
import { fenced } from "./claims.ts";
import type { Database } from "./database.ts";
import { lockEnvironment, registerRepository, saveApplied, saveLook } from "./environments.ts";
import { recordActive } from "./outcomes.ts";
import { forgetUntouched } from "./resources.ts";
import { statusMark } from "./status-mark.ts";
import { removeWorkloads, saveConditions, saveWorkloads } from "./workloads.ts";

const [a, b] = [uidOf("a"), uidOf("b")];
const shop = { identity: "shop", name: "shop", file: "score.yaml", commit: "c1" };
const applied = {
  commit: "c1",
  whole: true,
  planHash: "p1",
  settings: null,
  problems: [],
  reason: "Applied",
  message: "",
};

describe.each(databases())("the mark of a status on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(() => emptyTables(db));

  const seen = new Set<string>();
  const expectNew = async (): Promise<void> => {
    const mark = await statusMark(db, testScope);
    expect(seen).not.toContain(mark);
    seen.add(mark);
  };

  it("is another one after every write that a status may tell of", async () => {
    await expectNew();
    await registerRepository(db, testScope.repository, "url");
    await lockEnvironment(db, testScope, "main");
    await expectNew();
    await saveApplied(db, testScope, applied);
    await expectNew();
    const problem = { file: "a", line: 1, column: 1, pointer: "", code: "x", message: "m" };
    await saveApplied(db, testScope, {
      ...applied,
      problems: [{ ...problem, severity: "error" }],
    });
    await expectNew();
    await saveWorkloads(db, testScope, [shop]);
    await expectNew();
    await saveWorkloads(db, testScope, [{ ...shop, name: "store" }]);
    await expectNew();
    await wish(db, [a, b]);
    await expectNew();
    await enqueue(db, a);
    const claim = await claimed(db);
    await expectNew();
    await fenced(db, claim, (tx) => recordActive(tx, claim, { outputs: {}, secretRefs: {} }));
    await expectNew();
    await db.transaction((tx) => forgetUntouched(tx, testScope, [b]));
    await expectNew();
    await removeWorkloads(db, testScope, ["shop"]);
    await expectNew();
  });

  it("is the same after what a status does not tell of", async () => {
    await registerRepository(db, testScope.repository, "url");
    await lockEnvironment(db, testScope, "main");
    await saveWorkloads(db, testScope, [shop]);
    await wish(db, [a]);
    const before = await statusMark(db, testScope);
    await saveLook(db, testScope, { reason: "BranchMissing", message: "away" });
    await saveWorkloads(db, testScope, [{ ...shop, commit: "c2" }]);
    await saveConditions(db, testScope, "shop", []);
    await wish(db, [b], { ...testScope, environment: "other" });
    expect(await statusMark(db, testScope)).toBe(before);
  });

  it.runIf(kind === "postgres")("tells of a transaction that commits late", async () => {
    await wish(db, [a, b]);
    const touch = (tx: Pick<Database, "query">, uid: string) =>
      tx.query(`update resources set changed_in = pg_current_xact_id() where uid = $1`, [uid]);
    let written = (): void => undefined;
    const isWritten = new Promise<void>((resolve) => (written = resolve));
    let goOn = (): void => undefined;
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    const late = db.transaction(async (tx) => {
      await touch(tx, a);
      written();
      await mayGoOn;
    });
    await isWritten;
    // A transaction that began later commits first.
    await touch(db, b);
    const afterOther = await statusMark(db, testScope);
    goOn();
    await late;
    expect(await statusMark(db, testScope)).not.toBe(afterOther);
  });
});
