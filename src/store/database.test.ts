import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import type { Database } from "./database.ts";

describe.each(databases())("the %s database", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());

  it("works", async () => {
    expect((await db.query("select 1 as a")).rows).toEqual([{ a: 1 }]);
  });
});
