/** Who is asking a repository's forge now, so that two replicas never do, and how far it has come. */
import { z } from "zod";
import type { Queryable } from "./database.ts";
import { maybeTime, strings } from "./rows.ts";

export interface ForgePoll {
  /** Comments made or edited before it were read, by the forge's clock; `null`: none yet. ISO 8601. */
  readonly commentsSince: string | null;
  /** By branch: the last commit that was looked at. */
  readonly branches: Readonly<Record<string, string>>;
}

const row = z
  .object({ comments_since: maybeTime, branches: strings })
  .transform((it): ForgePoll => ({ commentsSince: it.comments_since, branches: it.branches }));

/** @returns `undefined` while another holder has it */
export async function claimPoll(
  db: Queryable,
  repository: string,
  holder: string,
  leaseMs: number,
): Promise<ForgePoll | undefined> {
  const { rows } = await db.query(
    `insert into forge_polls as f (repository, holder, lease_until)
     values ($1, $2, store_now() + $3 * interval '1 ms')
     on conflict (repository) do update set holder = excluded.holder, lease_until = excluded.lease_until
       where f.holder is null or f.holder = excluded.holder or f.lease_until <= store_now()
     returning comments_since, branches`,
    [repository, holder, leaseMs],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

/** @returns false where it was lost to another holder */
export async function renewPoll(
  db: Queryable,
  repository: string,
  holder: string,
  leaseMs: number,
): Promise<boolean> {
  const { rows } = await db.query(
    `update forge_polls set lease_until = store_now() + $3 * interval '1 ms'
     where repository = $1 and holder = $2 and lease_until > store_now() returning repository`,
    [repository, holder, leaseMs],
  );
  return rows.length > 0;
}

export async function releasePoll(
  db: Queryable,
  repository: string,
  holder: string,
): Promise<void> {
  await db.query(`update forge_polls set holder = null where repository = $1 and holder = $2`, [
    repository,
    holder,
  ]);
}

export async function saveCommentsSince(
  db: Queryable,
  repository: string,
  since: string,
): Promise<void> {
  await db.query(
    `update forge_polls set comments_since = greatest(comments_since, $2::timestamptz)
     where repository = $1`,
    [repository, since],
  );
}

export async function saveBranches(
  db: Queryable,
  repository: string,
  branches: ForgePoll["branches"],
): Promise<void> {
  await db.query(`update forge_polls set branches = $2 where repository = $1`, [
    repository,
    JSON.stringify(branches),
  ]);
}
