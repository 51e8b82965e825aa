/** Sessions and API keys, by the hash of their token: the token itself is nowhere. */
import { z } from "zod";
import type { Queryable } from "./database.ts";
import { maybeTime, time } from "./rows.ts";

export async function addSession(
  db: Queryable,
  session: { readonly hash: string; readonly username: string; readonly ttlMs: number },
): Promise<string> {
  await db.query(`delete from api_sessions where expires_at < store_now()`);
  const { rows } = await db.query(
    `insert into api_sessions (token_hash, username, expires_at)
     values ($1, $2, store_now() + $3::float8 * interval '1 ms') returning expires_at`,
    [session.hash, session.username, session.ttlMs],
  );
  return z.object({ expires_at: time }).parse(rows[0]).expires_at;
}

/** That a browser used it, as `noteUse` of a key. */
export async function noteSeen(db: Queryable, hash: string): Promise<void> {
  await db.query(`update api_sessions set seen_at = store_now() where token_hash = $1`, [hash]);
}

/** @param username `null`: its own user again */
export async function actAs(db: Queryable, hash: string, username: string | null): Promise<void> {
  await db.query(`update api_sessions set acts_as = $2 where token_hash = $1`, [hash, username]);
}

export async function removeSession(db: Queryable, hash: string): Promise<void> {
  await db.query(`delete from api_sessions where token_hash = $1`, [hash]);
}

const keyRow = z
  .object({
    key_hash: z.string(),
    username: z.string(),
    name: z.string(),
    hint: z.string(),
    scopes: z.array(z.string()),
    created_at: time,
    expires_at: time,
    last_used_at: maybeTime,
  })
  .transform((it) => ({
    hash: it.key_hash,
    username: it.username,
    name: it.name,
    hint: it.hint,
    scopes: it.scopes,
    createdAt: it.created_at,
    expiresAt: it.expires_at,
    lastUsedAt: it.last_used_at,
  }));

export type StoredKey = Readonly<z.output<typeof keyRow>>;

const columns = `key_hash, username, name, hint, scopes, created_at, expires_at, last_used_at`;

/** @returns `undefined` where the user has one of the name */
export async function addKey(
  db: Queryable,
  key: Pick<StoredKey, "hash" | "username" | "name" | "hint" | "scopes">,
  ttlMs: number,
): Promise<StoredKey | undefined> {
  const { rows } = await db.query(
    `insert into api_keys (key_hash, username, name, hint, scopes, expires_at)
     values ($1, $2, $3, $4, $5, store_now() + $6::float8 * interval '1 ms')
     on conflict do nothing returning ${columns}`,
    [key.hash, key.username, key.name, key.hint, JSON.stringify(key.scopes), ttlMs],
  );
  return rows[0] === undefined ? undefined : keyRow.parse(rows[0]);
}

/** That it was used; noted once a minute only, as a write for every request would cost more than it. */
export async function noteUse(db: Queryable, hash: string): Promise<void> {
  await db.query(`update api_keys set last_used_at = store_now() where key_hash = $1`, [hash]);
}

/** A page of a user's keys, by name. */
export async function listKeys(
  db: Queryable,
  username: string,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<StoredKey[]> {
  const { rows } = await db.query(
    `select ${columns} from api_keys where username = $1 and ($2::text is null or name > $2)
     order by name limit $3`,
    [username, page.after ?? null, page.limit],
  );
  return rows.map((it) => keyRow.parse(it));
}

export async function removeKey(db: Queryable, username: string, name: string): Promise<boolean> {
  const { rows } = await db.query(
    `delete from api_keys where username = $1 and name = $2 returning name`,
    [username, name],
  );
  return rows.length > 0;
}
