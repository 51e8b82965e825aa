/** Commands in comments: each counts once, whoever reads it how often, and gets one reaction. */
import { z } from "zod";
import type { Queryable } from "./database.ts";

export interface TakenCommand {
  readonly comment: number;
  /** The pull request's. */
  readonly number: number;
  readonly outcome: string;
  readonly reaction: string;
}

/** @returns false where the comment was taken before */
export async function takeCommand(
  tx: Queryable,
  repository: string,
  { comment, number, outcome, reaction }: TakenCommand,
): Promise<boolean> {
  const { rows } = await tx.query(
    `insert into pull_request_commands (repository, comment, number, outcome, reaction)
     values ($1, $2, $3, $4, $5) on conflict do nothing returning comment`,
    [repository, comment, number, outcome, reaction],
  );
  return rows.length > 0;
}

const taken = z.object({ comment: z.bigint() });

export async function takenCommands(
  db: Queryable,
  repository: string,
  comments: readonly number[],
): Promise<ReadonlySet<number>> {
  if (comments.length === 0) return new Set();
  const { rows } = await db.query(
    `select comment from pull_request_commands where repository = $1
       and comment in (select jsonb_array_elements_text($2)::bigint)`,
    [repository, JSON.stringify(comments)],
  );
  return new Set(rows.map((it) => Number(taken.parse(it).comment)));
}

const row = z.object({
  comment: z.bigint(),
  number: z.number(),
  outcome: z.string(),
  reaction: z.string(),
});

/** Those that nobody was told of yet. */
export async function unansweredCommands(
  db: Queryable,
  repository: string,
): Promise<TakenCommand[]> {
  const { rows } = await db.query(
    `select comment, number, outcome, reaction from pull_request_commands
     where repository = $1 and not reacted order by comment`,
    [repository],
  );
  return rows.map((it) => {
    const { comment, ...rest } = row.parse(it);
    return { ...rest, comment: Number(comment) };
  });
}

export async function saveReacted(
  db: Queryable,
  repository: string,
  comment: number,
): Promise<void> {
  await db.query(
    `update pull_request_commands set reacted = true where repository = $1 and comment = $2`,
    [repository, comment],
  );
}
