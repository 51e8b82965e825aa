/** Who approved which plan, by its hash (laws 4, 11). */
import { z } from "zod";
import type { Scope } from "../model/uid.ts";
import type { Queryable } from "./database.ts";

const row = z.object({ plan: z.string() });

export async function approvedPlans(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query(
    `select plan from approvals where repository = $1 and environment = $2`,
    [repository, environment],
  );
  return new Set(rows.map((it) => row.parse(it).plan));
}

/** Approving twice is approving once; the first approver stays on record. */
export async function approvePlan(
  tx: Queryable,
  { repository, environment }: Scope,
  approval: { readonly plan: string; readonly approver: string; readonly reason: string },
): Promise<void> {
  await tx.query(
    `insert into approvals (repository, environment, plan, approver, reason)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [repository, environment, approval.plan, approval.approver, approval.reason],
  );
}
