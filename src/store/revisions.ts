/** Commits as they were first seen, and what was planned for each. */
import { z } from "zod";
import { reasons, type Plan } from "../model/plan.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { time } from "./rows.ts";

export interface Revision {
  readonly commit: string;
  readonly author: string;
  readonly subject: string;
  readonly committedAt: string;
}

const row = z
  .object({
    commit: z.string(),
    author: z.string(),
    subject: z.string(),
    committed_at: time,
    seen_at: time,
  })
  .transform(({ committed_at, seen_at, ...it }) => ({
    ...it,
    committedAt: committed_at,
    seenAt: seen_at,
  }));

export type RecordedRevision = z.output<typeof row>;

/** The plan kept is the latest for the commit, without what did not change. */
export async function saveRevision(
  tx: Queryable,
  { repository, environment }: Scope,
  revision: Revision,
  plan: Plan,
): Promise<void> {
  const operations = plan.operations.filter((it) => it.operation !== "none" || it.gate !== null);
  await tx.query(
    `insert into revisions (repository, environment, commit, author, subject, committed_at, plan)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (repository, environment, commit) do update set plan = excluded.plan`,
    [
      repository,
      environment,
      revision.commit,
      revision.author,
      revision.subject,
      revision.committedAt,
      JSON.stringify({ ...plan, operations }),
    ],
  );
}

export async function readRevision(
  db: Queryable,
  { repository, environment }: Scope,
  commit: string,
): Promise<RecordedRevision | undefined> {
  const { rows } = await db.query(
    `select commit, author, subject, committed_at, seen_at from revisions
     where repository = $1 and environment = $2 and commit = $3`,
    [repository, environment, commit],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

const plannedRow = z.object({
  planned: z
    .looseObject({
      operation: z.enum(["create", "update", "delete", "replace", "adopt", "none"]),
      reason: z.enum(reasons),
      workflow: z.string().nullable(),
    })
    .nullable(),
});

export type Planned = NonNullable<z.output<typeof plannedRow>["planned"]>;

/** What the latest plan for the commit wanted for a resource; `undefined`: nothing. */
export async function readPlanned(
  db: Queryable,
  { repository, environment }: Scope,
  commit: string,
  uid: Uid,
): Promise<Planned | undefined> {
  const { rows } = await db.query(
    `select (select o from jsonb_array_elements(plan -> 'operations') o where o ->> 'uid' = $4) as planned
     from revisions where repository = $1 and environment = $2 and commit = $3`,
    [repository, environment, commit, uid],
  );
  return rows[0] === undefined ? undefined : (plannedRow.parse(rows[0]).planned ?? undefined);
}
