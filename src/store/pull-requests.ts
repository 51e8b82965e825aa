/** Pull requests as the forge told of them last, what was planned for each, and our comment on it. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import type { Queryable } from "./database.ts";
import { jsonRecord, maybeTime } from "./rows.ts";

/** What the forge says; of `mergeCommit` also what we found out. */
export interface PullRequestFacts {
  readonly number: number;
  readonly state: "open" | "merged" | "closed";
  readonly title: string;
  readonly author: string;
  /** The branch that it is to be merged into. */
  readonly base: string;
  readonly head: string;
  readonly headBranch: string;
  readonly fork: boolean;
  readonly mergeCommit: string | null;
  readonly url: string;
}

/** A pull request, or a commit that nobody made one for. */
export interface UndoneBy {
  readonly number: number | null;
  readonly commit: string;
}

export interface PullRequestRecord extends PullRequestFacts {
  readonly plans: JsonRecord;
  readonly undoneBy: UndoneBy | null;
  /** Markdown: what the last command was answered. */
  readonly answer: string | null;
  readonly comment: number | null;
  readonly body: string | null;
  readonly stage: string;
  readonly editedAt: string | null;
  readonly settled: boolean;
}

const row = z
  .object({
    number: z.number(),
    state: z.enum(["open", "merged", "closed"]),
    title: z.string(),
    author: z.string(),
    base: z.string(),
    head: z.string(),
    head_branch: z.string(),
    fork: z.boolean(),
    merge_commit: z.string().nullable(),
    url: z.string(),
    plans: jsonRecord,
    undone_by: z.object({ number: z.number().nullable(), commit: z.string() }).nullable(),
    answer: z.string().nullable(),
    comment: z.bigint().nullable(),
    body: z.string().nullable(),
    stage: z.string(),
    edited_at: maybeTime,
    settled: z.boolean(),
  })
  .transform(
    ({ head_branch, merge_commit, undone_by, edited_at, comment, ...it }): PullRequestRecord => ({
      ...it,
      headBranch: head_branch,
      mergeCommit: merge_commit,
      undoneBy: undone_by,
      editedAt: edited_at,
      comment: comment === null ? null : Number(comment),
    }),
  );

const columns = `number, state, title, author, base, head, head_branch, fork, merge_commit, url, plans,
  undone_by, answer, comment, body, stage, edited_at, settled`;

/** One that changed is unsettled; one that was merged stays so, whatever a late listing says. */
export async function savePullRequests(
  db: Queryable,
  repository: string,
  facts: readonly PullRequestFacts[],
): Promise<void> {
  if (facts.length === 0) return;
  await db.query(
    `insert into pull_requests as p (repository, number, state, title, author, base, head,
       head_branch, fork, merge_commit, url)
     select $1, number, state, title, author, base, head, "headBranch", fork, "mergeCommit", url
     from jsonb_to_recordset($2) as n(number integer, state text, title text, author text, base text,
       head text, "headBranch" text, fork boolean, "mergeCommit" text, url text)
     on conflict (repository, number) do update set state = excluded.state, title = excluded.title,
       base = excluded.base, head = excluded.head, head_branch = excluded.head_branch,
       fork = excluded.fork, merge_commit = excluded.merge_commit, url = excluded.url,
       settled = p.settled and p.state = excluded.state
     where p.state <> 'merged' and (p.state, p.title, p.base, p.head, p.head_branch, p.merge_commit)
       is distinct from (excluded.state, excluded.title, excluded.base, excluded.head,
         excluded.head_branch, excluded.merge_commit)`,
    [repository, JSON.stringify(facts)],
  );
}

/** What there may still be something to do about: all that are open, and the others until they are settled. */
export async function livePullRequests(
  db: Queryable,
  repository: string,
): Promise<PullRequestRecord[]> {
  const { rows } = await db.query(
    `select ${columns} from pull_requests where repository = $1 and not settled order by number`,
    [repository],
  );
  return rows.map((it) => row.parse(it));
}

export async function readPullRequest(
  db: Queryable,
  repository: string,
  number: number,
): Promise<PullRequestRecord | undefined> {
  const { rows } = await db.query(
    `select ${columns} from pull_requests where repository = $1 and number = $2`,
    [repository, number],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

/** The merged pull request that brought the commit to its branch. */
export async function pullRequestMergedAs(
  db: Queryable,
  repository: string,
  commit: string,
): Promise<PullRequestRecord | undefined> {
  const { rows } = await db.query(
    `select ${columns} from pull_requests where repository = $1 and merge_commit = $2
       and state = 'merged' order by number limit 1`,
    [repository, commit],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

export async function savePlans(
  db: Queryable,
  repository: string,
  number: number,
  plans: JsonRecord,
): Promise<void> {
  await db.query(
    `update pull_requests set plans = $3 where repository = $1 and number = $2 and plans <> $3`,
    [repository, number, JSON.stringify(plans)],
  );
}

/** The first to undo it stays on record. */
export async function saveUndone(
  db: Queryable,
  repository: string,
  number: number,
  undoneBy: UndoneBy,
): Promise<void> {
  await db.query(
    `update pull_requests set undone_by = $3, settled = false
     where repository = $1 and number = $2 and undone_by is null`,
    [repository, number, JSON.stringify(undoneBy)],
  );
}

export interface PublishedComment {
  readonly comment: number;
  readonly body: string;
  readonly stage: string;
}

export async function saveComment(
  db: Queryable,
  repository: string,
  number: number,
  { comment, body, stage }: PublishedComment,
): Promise<void> {
  await db.query(
    `update pull_requests set comment = $3, body = $4, stage = $5, edited_at = store_now()
     where repository = $1 and number = $2`,
    [repository, number, comment, body, stage],
  );
}

/** Whoever changed or removed our comment, it is published again; one of `numbers` or all of them. */
export async function forgetComments(
  db: Queryable,
  repository: string,
  numbers: readonly number[] | undefined,
): Promise<void> {
  await db.query(
    `update pull_requests set body = null, settled = false where repository = $1
       and (case when $2::text is null then not settled
            else number in (select jsonb_array_elements_text($2::jsonb)::integer) end)`,
    [repository, numbers === undefined ? null : JSON.stringify(numbers)],
  );
}

/** Only as it was seen: what changed meanwhile is looked at again. */
export async function settlePullRequest(
  db: Queryable,
  repository: string,
  { number, state, body }: Pick<PullRequestRecord, "number" | "state" | "body">,
): Promise<void> {
  await db.query(
    `update pull_requests set settled = true
     where repository = $1 and number = $2 and state = $3 and body is not distinct from $4`,
    [repository, number, state, body],
  );
}

/** One of them is put before what a comment says. Whatever was said before is said no more. */
export async function saveAnswer(
  tx: Queryable,
  repository: string,
  number: number,
  answer: string,
): Promise<void> {
  await tx.query(
    `update pull_requests set answer = $3, settled = false where repository = $1 and number = $2`,
    [repository, number, answer],
  );
}
