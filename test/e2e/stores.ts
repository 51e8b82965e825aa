/** Runs the same tests on both stores: one database for a file, one platform for a test. */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { databases, openTestDatabase } from "../support/database.ts";
import { openPlatform, type Platform } from "../support/platform.ts";
import type { Files } from "../support/repository.ts";
import { thingsProvider } from "./things.ts";

export type Open = (files?: Files, provider?: (root: string) => Files) => Promise<Platform>;

/** @param tests are given what opens a platform whose repository has the things provider and these files */
export function onEachStore(tests: (open: Open) => void): void {
  describe.each(databases())("on %s", (kind) => {
    let db: Database | undefined;
    const opened: Platform[] = [];
    beforeAll(async () => {
      db = await openTestDatabase(kind);
    });
    afterAll(() => db?.close());
    afterEach(async () => {
      for (const it of opened.splice(0)) await it.close();
    });
    tests(async (files = {}, provider = thingsProvider) => {
      if (db === undefined) throw new Error("the database is not open");
      const platform = await openPlatform(db, (root) => ({ ...provider(root), ...files }));
      opened.push(platform);
      return platform;
    });
  });
}
