/** Bundles by hash (law 2): written once, never changed. */
import { z } from "zod";
import type { Bundle } from "../model/workflow.ts";
import type { Queryable } from "./database.ts";

// Our own writing: content-addressed, so what comes back is what was put in.
const row = z.object({
  hash: z.string(),
  content: z.custom<Bundle>((value) => typeof value === "object"),
});

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
  return (await bundleReader(db, [hash]))(hash);
}

/** One query for those of them that this process has not read yet; the same object for the same hash. */
export async function bundleReader(
  db: Queryable,
  hashes: readonly string[],
): Promise<(hash: string) => Bundle> {
  const missing = [...new Set(hashes)].filter((it) => !known.has(it));
  if (missing.length > 0) {
    const { rows } = await db.query(
      `select hash, content from bundles where hash in (select jsonb_array_elements_text($1))`,
      [JSON.stringify(missing)],
    );
    for (const { hash, content } of rows.map((it) => row.parse(it))) {
      if (!known.has(hash)) known.set(hash, content);
    }
  }
  return (hash) => {
    const bundle = known.get(hash);
    if (bundle === undefined) throw new Error(`there is no bundle ${hash}`);
    return bundle;
  };
}
