/** Commits as they were first seen, and what was planned for each. */
import { z } from "zod";
import { reasons, type Plan } from "../model/plan.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { time, uid } from "./rows.ts";

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

const operations = ["create", "update", "delete", "replace", "adopt", "none"] as const;

const plannedRow = z.object({
  planned: z
    .looseObject({
      operation: z.enum(operations),
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

const latestRow = z.object({ commit: z.string(), seen_at: time });

/** Newest first: the commits of an environment as they were first seen. */
export async function latestRevisions(
  db: Queryable,
  { repository, environment }: Scope,
  limit: number,
): Promise<{ readonly commit: string; readonly seenAt: string }[]> {
  const { rows } = await db.query(
    `select commit, seen_at from revisions where repository = $1 and environment = $2
     order by seen_at desc limit $3`,
    [repository, environment, limit],
  );
  return rows.map((it) => {
    const { commit, seen_at: seenAt } = latestRow.parse(it);
    return { commit, seenAt };
  });
}

const operationRow = z.object({
  uid,
  operation: z.enum(operations),
  workload: z.string(),
  provider: z.string(),
  workflow: z.string().nullable(),
});

export type PlannedRow = Readonly<z.output<typeof operationRow>>;

/** What the latest plan for the commit has left to do or to hold, by uid. */
export async function plannedFor(
  db: Queryable,
  { repository, environment }: Scope,
  commit: string,
): Promise<PlannedRow[]> {
  const { rows } = await db.query(
    `select o ->> 'uid' as uid, o ->> 'operation' as operation, o ->> 'workload' as workload,
       o ->> 'provider' as provider, o ->> 'workflow' as workflow
     from revisions r, jsonb_array_elements(r.plan -> 'operations') o
     where r.repository = $1 and r.environment = $2 and r.commit = $3 order by 1`,
    [repository, environment, commit],
  );
  return rows.map((it) => operationRow.parse(it));
}
