/** Whose tokens are, as it is recorded now: of a session or an API key, several by one statement. */
import { z } from "zod";
import type { Queryable } from "./database.ts";
import { strings } from "./rows.ts";

const row = z
  .object({
    hash: z.string(),
    username: z.string(),
    scopes: z.array(z.string()).nullable(),
    stale: z.boolean(),
    idle_ms: z.number().nullable(),
    acts_as: z.string().nullable(),
    stored: z.boolean(),
    role: z.string().nullable(),
    teams: strings.nullable(),
  })
  .transform(({ stored, role, teams, idle_ms, acts_as, ...it }) => ({
    ...it,
    idleMs: idle_ms,
    actsAs: acts_as,
    user: stored ? { role, teams: teams ?? {} } : undefined,
  }));

/**
 * `scopes` of a key; `null`: a session has them all. `stale`: nobody has noted for a minute that the
 * key, or the session's cookie, is used. `idleMs` since that cookie was; `actsAs` whom the session acts
 * as in its user's place; both `null` of a key. `user` of the store, which the settings may overrule.
 */
export type Bearer = Readonly<z.output<typeof row>>;

/** By hash; those that are unknown or past their time are left out. */
export async function readBearers(
  db: Queryable,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, Bearer>> {
  const { rows } = await db.query(
    `select t.hash, t.username, t.scopes, t.stale, u.username is not null as stored, u.role, u.teams,
       t.idle_ms, t.acts_as
     from (
       select token_hash as hash, username, null::jsonb as scopes,
         seen_at < store_now() - interval '1 minute' as stale,
         extract(epoch from store_now() - seen_at)::float8 * 1000 as idle_ms, acts_as
       from api_sessions where token_hash = any ($1) and expires_at > store_now()
       union all
       select key_hash, username, scopes,
         last_used_at is null or last_used_at < store_now() - interval '1 minute', null, null
       from api_keys where key_hash = any ($1) and expires_at > store_now()
     ) t left join api_users u on u.username = t.username`,
    [hashes],
  );
  return new Map(rows.map((it) => row.parse(it)).map((it) => [it.hash, it]));
}
