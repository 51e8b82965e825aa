/** Whether the database takes writes: a standby, or one that is being failed over, answers and does not. */
import { z } from "zod";
import type { Queryable } from "./database.ts";

const row = z.object({ read_only: z.boolean() });

export async function isWritable(db: Queryable): Promise<boolean> {
  const { rows } = await db.query(
    `select current_setting('transaction_read_only') = 'on' as read_only`,
  );
  return !row.parse(rows[0]).read_only;
}
