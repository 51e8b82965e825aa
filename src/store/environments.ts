/** Watched branches: which commit was applied, and what the last look at it said. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import type { Problem } from "../model/problem.ts";
import type { Scope } from "../model/uid.ts";
import type { Queryable } from "./database.ts";
import { jsonRecord, maybeTime, place } from "./rows.ts";

export interface EnvironmentRecord {
  readonly branch: string;
  /** The last commit whose tree was read whole and taken as what is wanted. */
  readonly appliedCommit: string | null;
  /** What was applied before it: where the hash of its plan starts from. */
  readonly baseCommit: string | null;
  readonly observedCommit: string | null;
  readonly observedAt: string | null;
  readonly planHash: string | null;
  /** The last `.innominatus.yaml` that could be read. */
  readonly settings: JsonRecord | null;
  readonly problems: readonly Problem[];
  readonly reason: string;
  readonly message: string;
}

const problem: z.ZodType<Problem> = place.extend({
  pointer: z.string(),
  code: z.string(),
  severity: z.enum(["error", "warning"]),
  message: z.string(),
  hint: z.string().exactOptional(),
});

const row = z
  .object({
    branch: z.string(),
    applied_commit: z.string().nullable(),
    base_commit: z.string().nullable(),
    observed_commit: z.string().nullable(),
    observed_at: maybeTime,
    plan_hash: z.string().nullable(),
    settings: jsonRecord.nullable(),
    problems: z.array(problem),
    reason: z.string(),
    message: z.string(),
  })
  .transform((it): EnvironmentRecord => ({
    branch: it.branch,
    appliedCommit: it.applied_commit,
    baseCommit: it.base_commit,
    observedCommit: it.observed_commit,
    observedAt: it.observed_at,
    planHash: it.plan_hash,
    settings: it.settings,
    problems: it.problems,
    reason: it.reason,
    message: it.message,
  }));

const columns = `branch, applied_commit, base_commit, observed_commit, observed_at, plan_hash,
  settings, problems, reason, message`;

/** @returns the URL that is recorded under the name: `url`, unless there was one before */
export async function registerRepository(
  db: Queryable,
  name: string,
  url: string,
): Promise<string> {
  await db.query(`insert into repositories (id, url) values ($1, $2) on conflict (id) do nothing`, [
    name,
    url,
  ]);
  const { rows } = await db.query(`select url from repositories where id = $1`, [name]);
  return z.object({ url: z.string() }).parse(rows[0]).url;
}

export async function readEnvironment(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<EnvironmentRecord | undefined> {
  const { rows } = await db.query(
    `select ${columns} from environments where repository = $1 and environment = $2`,
    [repository, environment],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

/** The row, made when it is missing, and locked until the transaction ends: one planner at a time. */
export async function lockEnvironment(
  tx: Queryable,
  { repository, environment }: Scope,
  branch: string,
): Promise<EnvironmentRecord> {
  await tx.query(
    `insert into environments (repository, environment, branch) values ($1, $2, $3)
     on conflict (repository, environment) do update set branch = excluded.branch
       where environments.branch <> excluded.branch`,
    [repository, environment, branch],
  );
  const { rows } = await tx.query(
    `select ${columns} from environments where repository = $1 and environment = $2 for update`,
    [repository, environment],
  );
  return row.parse(rows[0]);
}

const scopeRow = z.object({
  repository: z.string(),
  environment: z.string(),
  branch: z.string(),
  url: z.string(),
});

export type KnownEnvironment = Readonly<z.output<typeof scopeRow>>;

export async function listEnvironments(db: Queryable): Promise<KnownEnvironment[]> {
  const { rows } = await db.query(
    `select e.repository, e.environment, e.branch, r.url from environments e
     join repositories r on r.id = e.repository order by 1, 2`,
  );
  return rows.map((it) => scopeRow.parse(it));
}

const pageRow = z.object({ repository: z.string(), environment: z.string() });

export type ListedEnvironment = EnvironmentRecord & Scope;

/** A page of them, by repository and name. */
export async function pageOfEnvironments(
  db: Queryable,
  repository: string | undefined,
  after: Scope | undefined,
  limit: number,
): Promise<ListedEnvironment[]> {
  const { rows } = await db.query(
    `select repository, environment, ${columns} from environments
     where ($1::text is null or repository = $1)
       and ($2::text is null or (repository, environment) > ($2, $3))
     order by repository, environment limit $4`,
    [repository, after?.repository, after?.environment, limit],
  );
  return rows.map((it) => ({ ...pageRow.parse(it), ...row.parse(it) }));
}

/** What a look at the branch found, where nothing was planned from it. */
export async function saveLook(
  db: Queryable,
  { repository, environment }: Scope,
  look: { readonly reason: string; readonly message: string },
): Promise<void> {
  await db.query(
    `update environments set reason = $3, message = $4, observed_at = store_now()
     where repository = $1 and environment = $2`,
    [repository, environment, look.reason, look.message],
  );
}

export interface AppliedPlan {
  readonly commit: string;
  /** Whether the tree was read whole, so that it counts as applied. */
  readonly whole: boolean;
  readonly planHash: string;
  readonly settings: JsonRecord | null;
  readonly problems: readonly Problem[];
  readonly reason: string;
  readonly message: string;
}

/** Moves `applied_commit` on, and keeps as base what was applied before the commit. */
export async function saveApplied(
  tx: Queryable,
  { repository, environment }: Scope,
  applied: AppliedPlan,
): Promise<void> {
  await tx.query(
    `update environments set
       base_commit = case when $4 and applied_commit is distinct from $3 then applied_commit else base_commit end,
       applied_commit = case when $4 then $3 else applied_commit end,
       observed_commit = $3, observed_at = store_now(), plan_hash = $5,
       settings = coalesce($6, settings), problems = $7, reason = $8, message = $9
     where repository = $1 and environment = $2`,
    [
      repository,
      environment,
      applied.commit,
      applied.whole,
      applied.planHash,
      applied.settings === null ? null : JSON.stringify(applied.settings),
      JSON.stringify(applied.problems),
      applied.reason,
      applied.message,
    ],
  );
}
