/** How often somebody has tried to log in within a window, counted for all replicas. */
import { z } from "zod";
import type { Queryable } from "./database.ts";

const row = z.object({ attempts: z.number(), left_ms: z.coerce.number() });

/**
 * Counts one more, before it is tried, so that attempts at the same time cannot pass together.
 *
 * @returns how many there were in the window, this one included, and how long it lasts yet
 */
export async function countAttempt(
  db: Queryable,
  subject: string,
  windowMs: number,
): Promise<{ readonly attempts: number; readonly leftMs: number }> {
  const { rows } = await db.query(
    `insert into api_login_attempts as a (subject, attempts) values ($1, 1)
     on conflict (subject) do update set
       attempts = case when ${over} then 1 else a.attempts + 1 end,
       since = case when ${over} then store_now() else a.since end
     returning attempts,
       extract(epoch from since + $2::float8 * interval '1 ms' - store_now()) * 1000 as left_ms`,
    [subject, windowMs],
  );
  const { attempts, left_ms } = row.parse(rows[0]);
  return { attempts, leftMs: Math.max(0, left_ms) };
}

const over = `a.since < store_now() - $2::float8 * interval '1 ms'`;

/** After a success: that was no guess. */
export async function forgetAttempts(db: Queryable, subject: string): Promise<void> {
  await db.query(`delete from api_login_attempts where subject = $1`, [subject]);
}

export async function takeBackAttempt(db: Queryable, subject: string): Promise<void> {
  await db.query(
    `update api_login_attempts set attempts = attempts - 1 where subject = $1 and attempts > 0`,
    [subject],
  );
}

/** Rows of windows that are over say nothing any more. */
export async function sweepAttempts(db: Queryable, windowMs: number): Promise<void> {
  await db.query(
    `delete from api_login_attempts where since < store_now() - $1::float8 * interval '1 ms'`,
    [windowMs],
  );
}
