/**
 * What the embedded database's planner knows of the tables: PGlite has no background process that
 * would see to it, and without it a join may read every row for each row. A server does so itself.
 */
import type { Database } from "./database.ts";

/** Columns that many rows share; the others are not worth reading a sample of. */
const tables = {
  resources: "repository, environment, workload, uid",
  runs: "repository, environment, uid, state",
  workloads: "repository, environment, name",
  events: "repository, environment, uid",
  bundles: "hash",
};

/** Some milliseconds a table: a sample of 300 rows says enough. */
export async function refreshStatistics(db: Database): Promise<void> {
  if (db.kind !== "embedded") return;
  for (const [table, columns] of Object.entries(tables)) {
    await db.transaction(async (tx) => {
      await tx.query(`set local default_statistics_target = 1`);
      await tx.query(`analyze ${table} (${columns})`);
    });
  }
}
