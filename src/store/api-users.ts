/** Users that are not in the settings: the first administrator. */
import { z } from "zod";
import type { Queryable } from "./database.ts";
import { strings } from "./rows.ts";

const row = z
  .object({
    username: z.string(),
    role: z.string().nullable(),
    teams: strings,
    password_hash: z.string(),
  })
  .transform(({ password_hash, ...it }) => ({ ...it, passwordHash: password_hash }));

export type StoredUser = Readonly<z.output<typeof row>>;

export async function readUser(db: Queryable, username: string): Promise<StoredUser | undefined> {
  const { rows } = await db.query(
    `select username, role, teams, password_hash from api_users where username = $1`,
    [username],
  );
  return rows[0] === undefined ? undefined : row.parse(rows[0]);
}

/** By name: few, as whoever is in the settings is not in here. */
export async function listUsers(db: Queryable): Promise<StoredUser[]> {
  const { rows } = await db.query(
    `select username, role, teams, password_hash from api_users order by username`,
  );
  return rows.map((it) => row.parse(it));
}

const countRow = z.object({ count: z.coerce.number() });

export async function countUsers(db: Queryable): Promise<number> {
  const { rows } = await db.query(`select count(*) as count from api_users`);
  return countRow.parse(rows[0]).count;
}

/** @returns false where there is one of the name */
export async function addUser(db: Queryable, user: StoredUser): Promise<boolean> {
  const { rows } = await db.query(
    `insert into api_users (username, role, teams, password_hash) values ($1, $2, $3, $4)
     on conflict do nothing returning username`,
    [user.username, user.role, JSON.stringify(user.teams), user.passwordHash],
  );
  return rows.length > 0;
}

export async function savePassword(
  db: Queryable,
  username: string,
  passwordHash: string,
): Promise<void> {
  await db.query(`update api_users set password_hash = $2 where username = $1`, [
    username,
    passwordHash,
  ]);
}
