/** Bundles by hash (law 2): written once, never changed. */
import { z } from "zod";
import type { Bundle } from "../model/workflow.ts";
import type { Queryable } from "./database.ts";

// Our own writing: content-addressed, so what comes back is what was put in.
const row = z.object({ content: z.custom<Bundle>((value) => typeof value === "object") });

export async function putBundles(tx: Queryable, bundles: readonly Bundle[]): Promise<void> {
  if (bundles.length === 0) return;
  const rows = bundles.map((content) => ({ hash: content.hash, content }));
  await tx.query(
    `insert into bundles (hash, content)
     select hash, content from jsonb_to_recordset($1) as b(hash text, content jsonb)
     on conflict (hash) do nothing`,
    [JSON.stringify(rows)],
  );
}

const known = new Map<string, Bundle>();

/** @throws when it is missing: rows that name a bundle hold a foreign key to it */
export async function readBundle(db: Queryable, hash: string): Promise<Bundle> {
  const seen = known.get(hash);
  if (seen !== undefined) return seen;
  const { rows } = await db.query(`select content from bundles where hash = $1`, [hash]);
  const { content } = row.parse(rows[0]);
  known.set(hash, content);
  return content;
}
