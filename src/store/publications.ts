/** What was last published where, so that the same state is not published twice (law 9). */
import { z } from "zod";
import type { Queryable } from "./database.ts";

const row = z.object({ hash: z.string(), commit: z.string() });

export async function lastPublication(
  db: Queryable,
  repository: string,
  target: string,
): Promise<{ readonly hash: string; readonly commit: string } | undefined> {
  const { rows } = await db.query(
    `select hash, commit from publications where repository = $1 and target = $2`,
    [repository, target],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

export async function savePublication(
  db: Queryable,
  repository: string,
  target: string,
  published: { readonly hash: string; readonly commit: string },
): Promise<void> {
  await db.query(
    `insert into publications (repository, target, hash, commit) values ($1, $2, $3, $4)
     on conflict (repository, target) do update set hash = excluded.hash, commit = excluded.commit,
       at = store_now()`,
    [repository, target, published.hash, published.commit],
  );
}

/** Of targets that begin so, the oldest first. */
export async function publishedUnder(
  db: Queryable,
  repository: string,
  prefix: string,
): Promise<readonly string[]> {
  const { rows } = await db.query(
    `select hash, commit from publications where repository = $1 and starts_with(target, $2)
     order by at, target`,
    [repository, prefix],
  );
  return rows.map((it) => row.parse(it).commit);
}

export async function removePublication(
  db: Queryable,
  repository: string,
  target: string,
): Promise<void> {
  await db.query(`delete from publications where repository = $1 and target = $2`, [
    repository,
    target,
  ]);
}
